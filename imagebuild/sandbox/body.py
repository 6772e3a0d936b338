"""Reading a JSON body field by field, as strictly as a service does that checks what it is sent.

A field that no published page knows is wrong too: a service may well pass over it in silence, and then the client that
relies on it never learns that it changed nothing. Knows no service: each says `Wrong` in its own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from imagebuild.errors import ImagebuildError

__all__ = ["Body", "Wrong"]


class Wrong(ImagebuildError):
    """A field is not as the service wants it. `missing`: it is not there at all."""

    def __init__(self, what: str, *, param: str = "", missing: bool = False) -> None:
        super().__init__(what)
        self.param = param
        self.missing = missing


class Body:
    """The fields of a JSON object. `within` is the object's own name, for what is said of its fields."""

    def __init__(self, fields: Mapping[str, Any], within: str = "") -> None:
        self._fields = fields
        self._within = within

    @classmethod
    def parse(cls, data: bytes) -> Body:
        try:
            fields = json.loads(data)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise Wrong("The body of the request is not a JSON object.")
        return cls(fields)

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def wrong(self, name: str, what: str) -> Wrong:
        return Wrong(f"Invalid value for '{self._within}{name}': {what}.", param=self._within + name)

    def only(self, *known: str) -> None:
        """Every other field is wrong."""
        for name in self._fields:
            if name not in known:
                param = self._within + name
                raise Wrong(f"Unknown parameter: '{param}'.", param=param)

    def value(self, name: str) -> Any:
        if name not in self:
            param = self._within + name
            raise Wrong(f"Missing required parameter: '{param}'.", param=param, missing=True)
        return self._fields[name]

    def text(self, name: str, *, most: int, default: str | None = None) -> str:
        """A text of 1 to `most` characters."""
        if name not in self and default is not None:
            return default
        value = self.value(name)
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            raise self.wrong(name, f"expected a string of 1 to {most} characters")
        return value

    def choice(self, name: str, options: Iterable[str], default: str) -> str:
        if name not in self:
            return default
        value = self._fields[name]
        allowed = list(options)
        if value not in allowed:
            raise self.wrong(name, "expected one of " + ", ".join(f"'{each}'" for each in allowed))
        return str(value)

    def whole(self, name: str, *, least: int, most: int, default: int, as_text: bool = False) -> int:
        """A whole number; with `as_text` also one that is written as a text."""
        if name not in self:
            return default
        value = self._fields[name]
        if as_text and isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"expected a whole number from {least} to {most}")
        return value

    def texts(self, name: str, *, least: int = 0, most: int) -> tuple[str, ...]:
        """A list of texts; none when the field is not there and none is needed."""
        if name not in self and least == 0:
            return ()
        value = self.value(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(name, "expected a list of strings")
        if not least <= len(value) <= most:
            raise self.wrong(name, f"expected {least} to {most} of them")
        return tuple(value)

    def inner(self, name: str, *, required: bool = False) -> Body:
        """The fields of an object within; empty when it is not there."""
        value = self.value(name) if required or name in self else {}
        if not isinstance(value, dict):
            raise self.wrong(name, "expected an object")
        return Body(value, f"{self._within}{name}.")
