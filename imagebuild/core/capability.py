"""What a service cannot do is a mistake of the campaign, told before anything is paid, with who can."""

from __future__ import annotations

from collections.abc import Callable

from imagebuild.core.offer import Offer
from imagebuild.core.spec import AssetSpec, Settings
from imagebuild.core.template_place import line_place
from imagebuild.errors import Place, Problems

__all__ = ["check_capabilities"]


def check_capabilities(
    asset: AssetSpec, settings: Settings, offer: Offer, prompt: str, pictures: int, problems: Problems
) -> None:
    """Note what of a request the service has no way of doing. `pictures`: how many it is shown, an edit's own too."""
    _check_words(asset, settings, offer, problems)

    def lacks(name: str, what: str, at: Place, hint: str, can: Callable[[Offer], bool]) -> None:
        hints = (hint, offer.able(can))
        problems.add(
            f"asset `{asset.name}`: {what}", at=at, hint="; ".join(filter(None, hints)) or None, once=(name, at)
        )

    if len(prompt) > offer.prompt_characters:
        at = line_place(asset.prompt, 1) if asset.prompt else asset.place
        what = f"a prompt of {len(prompt):,} characters, `{offer.provider}` takes {offer.prompt_characters:,}"
        lacks("prompt", what, at, "", lambda other: len(prompt) <= other.prompt_characters)
    if asset.mask is not None and not offer.mask:
        lacks("mask", f"`{offer.provider}` takes no mask", asset.mask.place, "", lambda other: other.mask)
    if not pictures:
        return
    at = asset.references[0][1] if asset.references else asset.source.place if asset.source else asset.place
    if pictures > offer.references:
        what = f"{pictures} pictures, `{offer.provider}` takes {offer.references}"
        lacks("pictures", what, at, "", lambda other: pictures <= other.references)
    if not _reaches(offer):
        what = f"`{offer.provider}` takes pictures only by addresses that it can fetch them from"
        hint = "set IMAGEBUILD_REFERENCES_URL to where the pictures are served by their digests"
        lacks("addresses", what, at, hint, _reaches)


def _reaches(offer: Offer) -> bool:
    return offer.references_by != "url" or offer.public_references


def _check_words(asset: AssetSpec, settings: Settings, offer: Offer, problems: Problems) -> None:
    """The settings that are one of a few words."""
    for name in ("background", "format", "quality"):
        value, allowed = getattr(settings, name), getattr(offer, _FIELDS[name])
        if value is None or value in allowed:
            continue
        what = f"`{offer.provider}` has no {name} `{value}` for `{offer.model}`"
        if name == "quality" and not offer.quality_said:
            what = f"`{offer.provider}` cannot be asked for a quality, this one is `{value}`"
        able = offer.able(lambda other, name=name, value=value: value in getattr(other, _FIELDS[name]))  # type: ignore[misc]
        at = settings.places.get(name, asset.place)
        hint = f"it has {', '.join(allowed)}" + (f"; `{value}` is {able}" if able else "")
        problems.add(f"asset `{asset.name}`: {what}", at=at, hint=hint, once=(name, at))
    if settings.background == "transparent" and (settings.format or offer.formats[0]) == "jpeg":
        at = settings.places.get("background", asset.place)
        what = f"asset `{asset.name}`: a jpeg cannot be transparent"
        problems.add(what, at=at, hint="`format: png` or `format: webp`", once=("transparent", at))


_FIELDS = {"background": "backgrounds", "format": "formats", "quality": "qualities"}
