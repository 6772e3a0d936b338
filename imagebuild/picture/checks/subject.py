"""A delivered picture as the checks see it: its bytes, and, once something asks for them, its pixels, where its copy
stands, and what is read in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from PIL import Image, ImageStat

from imagebuild.core.checks import UNKNOWN_LANGUAGE
from imagebuild.core.layouts.canonical import Typeset, typeset_of
from imagebuild.core.sizes import Size
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import flatten
from imagebuild.picture.read import Read
from imagebuild.picture.reading.base import Box, Reader
from imagebuild.picture.reading.check import TextOutcome, check_text, engines
from imagebuild.picture.reading.compare import Expected
from imagebuild.picture.typeset.layout import lay_out
from imagebuild.picture.typeset.setting import PlacedPicture, Setting

__all__ = ["Subject"]

# What a transparent picture is read on: the one that its own tone stands out from.
_LIGHT, _DARK = "#ffffff", "#202020"


class Subject:
    """`readers` None: those that are installed here."""

    def __init__(
        self, data: bytes, checks: Mapping[str, Any], read: Read, readers: Sequence[Reader] | None = None
    ) -> None:  # fmt: skip
        self.data = data
        self.checks = checks
        self.read = read
        self._readers = readers

    @cached_property
    def image(self) -> Image.Image:
        return decode(self.data, source="the picture to check")

    @property
    def size(self) -> Size:
        return self.image.size

    @cached_property
    def typesets(self) -> tuple[Typeset, ...]:
        """What was drawn here, as long as nothing moved it since."""
        return tuple(typeset_of(each) for each in self.checks.get("typeset", ()))

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(lay_out(each, self.size, self.read) for each in self.typesets)

    @property
    def logos(self) -> tuple[Box, ...]:
        """Where the layouts' own pictures stand."""
        return tuple(
            placed.box
            for setting in self.settings
            for group in setting.groups
            for placed in group.items
            if isinstance(placed, PlacedPicture)
        )

    @property
    def beside(self) -> tuple[str, ...]:
        return tuple(self.checks.get("beside", ()))

    @cached_property
    def reading(self) -> TextOutcome:
        """What is read here, once for all checks that ask."""
        copy = self.checks["copy"]
        return check_text(
            _on_paper(self.image),
            tag="" if copy["language"] == UNKNOWN_LANGUAGE else copy["language"],
            expected=self._expected(copy["texts"]),
            readers=engines() if self._readers is None else self._readers,
            least=self.checks.get("text", {}).get("least", 1.0),
            allowed=copy["allowed"],
        )

    def _expected(self, texts: Sequence[Mapping[str, str]]) -> list[Expected]:
        """Each string with its place where it was typeset; of two that are the same, each its own."""
        places = [(" ".join(text.text.split()), text.ink) for setting in self.settings for text in setting.texts]
        found: list[Expected] = []
        for each in texts:
            folded = " ".join(each["text"].split())
            index = next((i for i, (text, _) in enumerate(places) if text == folded), None)
            box = places.pop(index)[1] if index is not None else None
            found.append(Expected(each["role"], each["text"], box))
        return found


def _on_paper(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    alpha = image.getchannel("A")
    bright = alpha.getbbox() is not None and ImageStat.Stat(image.convert("L"), alpha).mean[0] > 127
    return flatten(image, _DARK if bright else _LIGHT)
