"""Whether a locale's picture is another locale's: the same picture, though other copy should be in it.

Pictures of one layout share everything but their copy, so what decides is where two differ most. Both are scaled down
alike; a difference in lightness that is no more than an encoder's noise counts as none; what is left is averaged over
tiles of a letter or two, and the strongest tile is the difference. Of one picture encoded by jpeg, webp and avif at
qualities from 50 to 90 it stays below 0.005; one changed digit in the smallest print makes it 0.015 or more, another
language 0.05 to 0.3. It finds the same picture again; the same words in another picture are for `text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from PIL import Image, ImageChops

from imagebuild.core.key import Digest, short
from imagebuild.picture.checks.finding import Finding
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import flatten

__all__ = ["check_duplicates", "difference", "scaled_down"]

_EDGE: Final = 512  # the longer edge of what is compared
_TILE: Final = 8
_NOISE: Final = 20  # of 255 levels of lightness
_PAPER: Final = "#808080"  # behind transparent parts, so that white and black words are seen alike


def check_duplicates(subject: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    least = float(wanted["least"])
    mine = scaled_down(subject.image) if subject.beside else None
    for digest in subject.beside:
        other = decode(subject.read(digest), source=f"the picture `{short(Digest(digest))}` of another locale")
        assert mine is not None
        found = difference(mine, scaled_down(other.resize(subject.size) if other.size != subject.size else other))
        if found < least:
            what = (
                f"it is the picture `{short(Digest(digest))}` of another locale again, though its copy is another: "
                f"where the two differ most they differ by {found:.3f}, {least:g} is the least"
            )
            hint = "look at both: is the copy of this locale in it? Is the translation the source's text?"
            yield Finding("duplicates", "failed", what, hint, measured=round(found, 4), limit=least, beside=digest)


def difference(one: Image.Image, other: Image.Image) -> float:
    """How different the most different tile of two pictures of one size is, from 0 to 1."""
    apart = ImageChops.difference(one, other).point([max(level - _NOISE, 0) for level in range(256)])
    tiles = apart.resize((max(apart.width // _TILE, 1), max(apart.height // _TILE, 1)), Image.Resampling.BOX)
    return max(tiles.tobytes()) / 255


def scaled_down(image: Image.Image) -> Image.Image:
    """In shades of grey, as `difference` compares them."""
    scale = min(_EDGE / max(image.size), 1.0)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return flatten(image, _PAPER).convert("L").resize(size, Image.Resampling.BOX)
