"""Strings in XLIFF 1.2 and 2.0.

The key of a unit is its `resname` (1.2) or `name` (2.0), else its `id`. The source texts are the catalogue of the
source language, the targets that of the target language; a unit without a target is a missing text. Inline elements
give the text they stand for. Notes and the translation's state are kept. A document type or an entity of its own is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from imagebuild.core.locale import canonical_tag
from imagebuild.core.strings import Text
from imagebuild.errors import Place, Problems

__all__ = ["read_xliff"]

_LINE_BREAK = re.compile("\r\n|\r|\n")
_STATES = ("initial", "translated", "reviewed", "final")  # XLIFF 2.0, least done first
_UNITS = frozenset(["trans-unit", "unit"])
_SEGMENTS = frozenset(["trans-unit", "segment", "ignorable"])


@dataclass(slots=True, kw_only=True)
class _Side:
    """The source or the target of a segment, as it is read."""

    place: Place
    state: str | None = None
    text: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Unit:
    key: str
    place: Place
    translate: bool
    preserve: bool
    note: str = ""
    data: dict[str, str] = field(default_factory=dict)
    segments: list[dict[str, _Side]] = field(default_factory=list)


def read_xliff(text: str, file: str, problems: Problems) -> dict[str, dict[str, Text]]:
    """The catalogues by tag; targets of a file that names no target language stand under ""."""
    lines = _LINE_BREAK.split(text)

    def place(line: int | None, column: int | None) -> Place:
        line, column = line or 1, column or 0
        return Place(file, line, column + 1, 1, lines[line - 1] if line <= len(lines) else "")

    parser = DefusedExpatParser(forbid_dtd=True)
    reader = _Reader(lambda: place(parser.getLineNumber(), parser.getColumnNumber()), problems)
    parser.setContentHandler(reader)
    try:
        parser.feed(text)
        parser.close()
    except SAXParseException as bad:
        problems.add(f"not valid XML: {bad.getMessage()}", at=place(bad.getLineNumber(), bad.getColumnNumber()))
        return {}
    except DefusedXmlException:
        at = place(parser.getLineNumber(), parser.getColumnNumber())
        problems.add("a document type or an entity of its own", at=at, hint="remove `<!DOCTYPE …>`: XLIFF needs none")
        return {}
    return {} if reader.refused else reader.catalogues


class _Reader(ContentHandler):
    """Follows the elements from the document's start to its end; what is inside a source or a target is its text."""

    def __init__(self, place: Callable[[], Place], problems: Problems) -> None:
        super().__init__()
        self.catalogues: dict[str, dict[str, Text]] = {}
        self.refused = False
        self._place = place
        self._problems = problems
        self._path: list[str] = []
        self._preserve: list[bool] = []
        self._version = ""
        self._languages = ("", "")  # target (the one meant, where both fit a locale), source
        self._unit: _Unit | None = None
        self._state: str | None = None  # of the segment, in 2.0
        self._data = ""  # the id of the original data being read
        self._text: list[str] | None = None  # where characters go now
        self._closing: list[str] = []  # what the open `pc` elements end with

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  # the name is SAX's
        name = name.rpartition(":")[2]
        parent = self._path[-1] if self._path else ""
        space = attrs.get("xml:space")
        self._preserve.append(space == "preserve" if space else bool(self._preserve and self._preserve[-1]))
        self._path.append(name)
        if not parent:
            self._start_root(name, attrs)
        elif name == "file" and self._version == "1":
            self._start_file(attrs.get("source-language"), attrs.get("target-language"))
        elif name in _UNITS:
            self._start_unit(attrs)
        elif self._unit is None:
            return
        elif name in ("segment", "ignorable"):
            self._unit.segments.append({})
            self._state = attrs.get("state")
        elif name in ("source", "target") and parent in _SEGMENTS:
            side = _Side(place=self._place(), state=attrs.get("state") if parent == "trans-unit" else self._state)
            self._unit.segments[-1][name] = side
            self._text = side.text
        elif name == "note" and parent in ("trans-unit", "notes"):
            self._text = []
        elif name == "data" and parent == "originalData":
            self._data, self._text = attrs.get("id", ""), []
        elif self._text is not None:
            self._start_inline(name, attrs)

    def endElement(self, name: str) -> None:  # noqa: N802
        name = self._path.pop()
        self._preserve.pop()
        parent = self._path[-1] if self._path else ""
        unit = self._unit
        if unit is None:
            return
        if name in _UNITS:
            self._end_unit(unit)
        elif name in ("source", "target") and parent in _SEGMENTS:
            self._text = None
        elif name == "note" and parent in ("trans-unit", "notes"):
            unit.note = " ".join([unit.note, "".join(self._text or [])]).strip()
            self._text = None
        elif name == "data" and parent == "originalData":
            unit.data[self._data] = "".join(self._text or [])
            self._text = None
        elif name == "pc" and self._text is not None and self._closing:
            self._text.append(self._closing.pop())

    def characters(self, content: str) -> None:
        if self._text is not None:
            self._text.append(content)

    def _start_root(self, name: str, attrs: AttributesImpl) -> None:
        version = attrs.get("version", "")
        self._version = version.split(".")[0]
        if name != "xliff" or self._version not in ("1", "2"):
            what = f"XLIFF version `{version}`" if name == "xliff" else f"the root element is `{name}`, not `xliff`"
            self._problems.add(what, at=self._place(), hint="XLIFF 1.2 and 2.0 can be read")
            self.refused = True
        elif self._version == "2":
            self._start_file(attrs.get("srcLang"), attrs.get("trgLang"))

    def _start_file(self, source: str | None, target: str | None) -> None:
        tags = [canonical_tag(stated) if stated else "" for stated in (target, source)]
        for tag, stated in zip(tags, (target, source), strict=True):
            if tag is None:
                self._problems.add(f"`{stated}` is not a language tag", at=self._place(), hint="BCP 47, e.g. `de-DE`")
                self.refused = True
        if not source:
            hint = 'add `srcLang="en-US"`' if self._version == "2" else 'add `source-language="en-US"`'
            self._problems.add("the file does not say what its source language is", at=self._place(), hint=hint)
            self.refused = True
        self._languages = (tags[0] or "", tags[1] or "")
        for tag in self._languages:
            self.catalogues.setdefault(tag, {})

    def _start_unit(self, attrs: AttributesImpl) -> None:
        key = attrs.get("resname") or attrs.get("name") or attrs.get("id") or ""
        translate = attrs.get("translate") != "no"
        self._unit = _Unit(key=key, place=self._place(), translate=translate, preserve=self._preserve[-1])
        if self._path[-1] == "trans-unit":
            self._unit.segments.append({})
        if not key:
            self._problems.add("a unit without an id", at=self._place(), hint="give it an `id`")

    def _start_inline(self, name: str, attrs: AttributesImpl) -> None:
        """An inline element stands for the code it names: kept in the unit's data, or written beside it."""
        assert self._unit is not None
        assert self._text is not None
        data = self._unit.data
        if name == "pc":
            self._text.append(data.get(attrs.get("dataRefStart", ""), attrs.get("equivStart", "")))
            self._closing.append(data.get(attrs.get("dataRefEnd", ""), attrs.get("equivEnd", "")))
        elif name == "cp":
            code = attrs.get("hex", "")
            self._text.append(chr(int(code, 16)) if re.fullmatch(r"[0-9a-fA-F]{1,5}", code) else "")
        elif name in ("ph", "sc", "ec", "x", "bx", "ex"):
            self._text.append(data.get(attrs.get("dataRef", ""), attrs.get("equiv") or attrs.get("equiv-text") or ""))

    def _end_unit(self, unit: _Unit) -> None:
        self._unit = None
        target, source = self._languages
        for tag, name in ((target, "target"), (source, "source")):
            text = self._text_of(unit, name)
            catalogue = self.catalogues.setdefault(tag, {})
            if not unit.key or text is None:
                continue
            if unit.key in catalogue:
                hint = f"line {catalogue[unit.key].place.line} has it already"
                self._problems.add(f"string `{unit.key}` stands twice", at=unit.place, hint=hint)
            else:
                catalogue[unit.key] = text

    @staticmethod
    def _text_of(unit: _Unit, name: str) -> Text | None:
        """The segments of one side, joined; None when one of them is not translated yet."""
        sides: list[_Side] = []
        for segment in unit.segments:
            chosen = segment.get(name) or (segment.get("source") if not unit.translate else None)
            if chosen is None:
                return None
            sides.append(chosen)
        value = "".join(part for side in sides for part in side.text)
        value = value if unit.preserve else value.strip()
        if not sides or not value:
            return None
        stated = [side.state for side in sides if side.state and name == "target"]
        state = min(stated, key=lambda each: _STATES.index(each) if each in _STATES else 0) if stated else None
        return Text(value=value, place=sides[0].place, state=state, note=unit.note or None)
