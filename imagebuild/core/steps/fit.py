"""The steps that choose a part of a picture and its size: `fit` and `crop`."""

from __future__ import annotations

from typing import Final

from imagebuild.core.framing import check_cover, check_exact, crop_box, size_of
from imagebuild.core.sizes import Size
from imagebuild.core.steps.kind import Step, StepKind
from imagebuild.core.steps.values import (
    ANCHOR_SCHEMA,
    COLOR_SCHEMA,
    FACTOR_SCHEMA,
    POINT_SCHEMA,
    RATIO_SCHEMA,
    SIZE_SCHEMA,
    Given,
    Parameters,
)
from imagebuild.errors import Place

__all__ = ["CROP", "FIT", "implied_fit"]


def _parse_fit(given: Given) -> Parameters:
    way = given.one_of("cover", "contain", "exact")
    if way is None:
        return {}
    target = given.size(way)
    if way == "exact":
        given.only("exact", "most_scale", reason="`exact` neither crops nor pads")
        return {"exact": target, **_most_scale(given)}
    if way == "cover":
        given.only("cover", "anchor", "most_scale", reason="`cover` leaves nothing to pad")
        return {"cover": target, "anchor": given.anchor(), **_most_scale(given)}
    anchor, background = given.anchor(boxes=False), given.color("background") or "transparent"
    return {"contain": target, "anchor": anchor, "background": background, **_most_scale(given)}


def _most_scale(given: Given) -> Parameters:
    """How much the picture may be enlarged before a plan tells of it; left out where that is not at all."""
    most = given.factor("most_scale", usual=1.0)
    return {"most_scale": most} if most > 1 else {}


def _fit_size(parameters: Parameters, size: Size) -> Size:
    if "exact" in parameters:
        check_exact(size, size_of(parameters["exact"]))
    if "cover" in parameters:
        check_cover(size, size_of(parameters["cover"]), parameters["anchor"])
    return size_of(parameters.get("cover") or parameters.get("contain") or parameters["exact"])


def _parse_crop(given: Given) -> Parameters:
    way = given.one_of("box", "ratio", "size")
    if way is None:
        return {}
    if way == "box":
        given.only("box", "unit", reason="a `box` says where it lies")
        return given.box()
    given.only(way, "anchor", reason="`unit` is for a `box`")
    part = given.size("size") if way == "size" else given.ratio("ratio")
    return {way: part, "anchor": given.anchor()}


def _crop_size(parameters: Parameters, size: Size) -> Size:
    left, top, right, bottom = crop_box(parameters, size)
    return (right - left, bottom - top)


def implied_fit(size: Size, place: Place | None = None) -> Step:
    """The cover-fit that an exact size on the ratio axis asks for."""
    return Step(name="fit", parameters={"cover": list(size), "anchor": "center"}, place=place or Place(""))


_WAY: Final = {"minProperties": 1, "additionalProperties": False, "type": "object"}
_MOST_SCALE: Final = {
    "description": "How many times its size the picture may become before `plan` tells of it. Default: 1.",
    **FACTOR_SCHEMA,
}

FIT: Final = StepKind(
    parse=_parse_fit,
    result_size=_fit_size,
    schema={
        "description": "Scale to a size: cover crops what is over, contain pads, exact does neither.",
        "oneOf": [
            {
                **_WAY,
                "required": ["cover"],
                "properties": {"cover": SIZE_SCHEMA, "anchor": ANCHOR_SCHEMA, "most_scale": _MOST_SCALE},
            },
            {
                **_WAY,
                "required": ["contain"],
                "properties": {
                    "contain": SIZE_SCHEMA,
                    "anchor": POINT_SCHEMA,
                    "background": COLOR_SCHEMA,
                    "most_scale": _MOST_SCALE,
                },
            },
            {**_WAY, "required": ["exact"], "properties": {"exact": SIZE_SCHEMA, "most_scale": _MOST_SCALE}},
        ],
    },
)

CROP: Final = StepKind(
    parse=_parse_crop,
    result_size=_crop_size,
    schema={
        "description": "Cut out a part without scaling it.",
        "oneOf": [
            {
                **_WAY,
                "required": ["box"],
                "properties": {
                    "box": {
                        "description": "[x, y, width, height] in pixels; relative to the picture when all four are "
                        "at most 1 and one is written with a point.",
                        "type": "array",
                        "items": {"type": "number", "minimum": 0},
                        "minItems": 4,
                        "maxItems": 4,
                    },
                    "unit": {"enum": ["pixels", "relative"]},
                },
            },
            {**_WAY, "required": ["ratio"], "properties": {"ratio": RATIO_SCHEMA, "anchor": ANCHOR_SCHEMA}},
            {**_WAY, "required": ["size"], "properties": {"size": SIZE_SCHEMA, "anchor": ANCHOR_SCHEMA}},
        ],
    },
)
