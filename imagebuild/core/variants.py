"""Several paid pictures of one request, of which one is picked: which one, and where all of them can be looked at."""

from __future__ import annotations

import re
from typing import Final

from imagebuild.core.expanding import Expanding
from imagebuild.core.key import digest_of
from imagebuild.core.spec import AssetSpec, Settings
from imagebuild.core.steps.kind import Unresolved

__all__ = ["picked", "variant_path"]

_UNSAFE: Final = re.compile(r"[^\w.-]+")


def picked(expanding: Expanding, asset: AssetSpec, settings: Settings, address: str) -> int:
    """The number of the variant that is delivered: as the campaign says, else as was decided in a review; a note where
    nobody has picked one."""
    decided = expanding.picks.get(address)
    variants, pick = settings.variants or 1, settings.pick or decided or 1
    if pick > variants and settings.pick is None:  # fewer are made now than there were to choose from
        pick, decided = 1, None
    if pick > variants:
        what = f"asset `{asset.name}`: variant {pick} is picked, there {'is' if variants == 1 else 'are'} {variants}"
        at = settings.places.get("pick", asset.place)
        hint = f"`variants: {pick}` makes so many; each is paid for"
        expanding.problems.add(what, at=at, hint=hint, once=("pick", at))
        raise Unresolved
    if variants > 1 and settings.pick is None and decided is None:
        note = f"`{asset.name}` has {variants} variants and no `pick`: the first is delivered"
        expanding.found.notes[note] = None
    return pick


def variant_path(folder: str, asset: str, cell: tuple[tuple[str, str], ...], number: int, form: str) -> str:
    """Where a variant is put: a folder for each value of the cell, so that no two cells meet in one."""
    parts = "/".join(_part(value) for _, value in cell)
    name = f"{number}.{'jpg' if form == 'jpeg' else form}"
    return "/".join(filter(None, (folder, "variants", asset, parts, name)))


def _part(value: str) -> str:
    """A value as a path may have it; one that had to be changed is told apart from another that looks the same."""
    plain = value.replace(":", "x") if re.fullmatch(r"[\d.]+:[\d.]+", value) else value
    safe = _UNSAFE.sub("-", plain).strip("-. ")
    return safe if safe == plain else f"{safe}-{digest_of(value.encode())[:6]}"
