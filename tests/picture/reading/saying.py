"""A reader that says what a test gives it: by the place it is asked for."""

from __future__ import annotations

from imagebuild.picture.reading.base import Look, Reading, TextLine, overlap


class SayingReader:
    """`clean` is what it reads of words that are drawn as clearly as can be. `lines` is what it reads in the whole
    picture; `close` what each look at a place says, by the text there."""

    def __init__(
        self, lines, close=None, *, name="tesseract", finds_anywhere=False, languages=("en", "de", "ja", "ar"), clean=""
    ):
        self.name = name
        self.finds_anywhere = finds_anywhere
        self.lines = tuple(TextLine(text, box, 0.95) for text, box in lines)
        self.close = close or {}
        self.languages = languages
        self.clean = clean
        self.page = None
        self.looked = []

    def scripts(self):
        return frozenset(("Latn", "Jpan", "Arab"))

    def can_read(self, tag):
        return tag.partition("-")[0] in self.languages

    def needs(self, tag):
        return None if self.can_read(tag) else f"install {tag}"

    def versions(self, tag):
        return {self.name: "1", f"data of {tag}": "2"}

    def find(self, image):
        return tuple(line.box for line in self.lines)

    def read(self, image, tag):
        self.page = image.size
        return Reading(self.name, self.lines)

    def look(self, image, boxes, tag, *, latin):
        if image.size != self.page:  # not the picture, but words drawn clean
            return [(Look(self.name, "0", self.clean), Look(self.name, "1", self.clean))] if self.clean else [()]
        self.looked += boxes
        return [tuple(self._looks(box)) for box in boxes]

    def _looks(self, box):
        for line in self.lines:
            if overlap(line.box, box) > 0.5:
                said = self.close.get(line.text, (line.text, line.text))
                return [Look(self.name, str(number), text) for number, text in enumerate(said)]
        return []
