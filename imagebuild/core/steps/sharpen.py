"""The step that sharpens what was scaled down."""

from __future__ import annotations

from typing import Final

from imagebuild.core.steps.amounts import number, number_schema, whole
from imagebuild.core.steps.kind import StepKind
from imagebuild.core.steps.values import Given, Parameters

__all__ = ["SHARPEN"]


def _parse(given: Given) -> Parameters:
    return {
        "amount": number(given, "amount", 0.05, 3, 0.5),
        "radius": number(given, "radius", 0.3, 10, 0.8),
        "threshold": whole(given, "threshold", 0, 255, 2),
    }


SHARPEN: Final = StepKind(
    parse=_parse,
    result_size=lambda _, size: size,
    schema={
        "oneOf": [
            {
                "description": "Sharpen the picture's light and dark; its colours stay as they are. Best after `fit`.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "amount": number_schema(0.05, 3, "How much. Default: 0.5."),
                    "radius": number_schema(0.3, 10, "How far, in pixels. Default: 0.8."),
                    "threshold": {
                        "type": "integer",
                        "minimum": 0,
                        "maximum": 255,
                        "description": "What differs by less from what is around it is left alone. Default: 2.",
                    },
                },
            }
        ]
    },
)
