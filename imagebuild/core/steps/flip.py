"""The step that turns a picture left to right: for what is read from right to left, so that the room for copy is where
the copy goes. Only for pictures without words and logos in them."""

from __future__ import annotations

from typing import Final

from imagebuild.core.locale import Locale
from imagebuild.core.steps.kind import StepCell, StepKind
from imagebuild.core.steps.values import Given, Parameters

__all__ = ["FLIP"]

_WHEN: Final = ("always", "rtl", "ltr", "never")


def _parse(given: Given) -> Parameters:
    if "when" not in given.nodes:
        return {"when": "always"}
    return {"when": given.choice("when", _WHEN) or "always"}


def _resolve(said: Parameters, cell: StepCell) -> Parameters:
    when = said["when"]
    return {"when": "always" if when in ("always", Locale(cell.language).direction) else "never"}


FLIP: Final = StepKind(
    parse=_parse,
    resolve=_resolve,
    result_size=lambda _, size: size,
    schema={
        "description": "Turn the picture left to right; `when: rtl` only where it is read from right to left.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"when": {"enum": list(_WHEN)}},
    },
)
