"""The step that lays a picture over another: a logo, a badge, a seal; and where it comes to lie, in pixels.

A logo never leaves its frame: the part of the picture that a placement leaves clear, unless all of it is asked for.
Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from imagebuild.core.framing import anchor_point
from imagebuild.core.sizes import Size, size_text
from imagebuild.core.steps.amounts import BOX_SCHEMA, LENGTH_SCHEMA, UNIT_SCHEMA, length, number, number_schema
from imagebuild.core.steps.kind import StepCell, StepKind
from imagebuild.core.steps.values import FACTOR_SCHEMA, POINT_SCHEMA, Given, Parameters
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import PictureError

__all__ = ["DARK_GROUND", "OVERLAY", "PICTURES", "Placed", "place_overlay"]

PICTURES: Final = ("picture", "on_light", "on_dark")
DARK_GROUND: Final = 0.179  # the relative luminance on which white and black have the same contrast
_FRAMES: Final = ("safe", "picture")
_CLEAR: Final = 0.02


class Placed(NamedTuple):
    """Where a picture of some size is laid, in pixels."""

    left: int
    top: int
    size: Size


def _parse(given: Given) -> Parameters:
    pictures = {name: given.picture(name) for name in PICTURES if name in given.nodes}
    if not pictures or ("picture" not in pictures and len(pictures) == 1):
        missing = "`picture`, or both `on_light` and `on_dark`"
        if not given.problems:
            given.problems.add(f"step `overlay` needs {missing}", at=given.place, hint="e.g. `picture: brand/logo.png`")
        return {}
    found: dict[str, object] = {name: picture for name, picture in pictures.items() if picture is not None}
    found |= _place(given)
    frame = (given.choice("frame", _FRAMES) if "frame" in given.nodes else None) or "safe"
    opacity = number(given, "opacity", 0, 1, 1.0)
    if opacity == 0:
        given.wrong("opacity", "an `opacity` of 0 shows nothing", "leave the step out")
    return {**found, "frame": frame, "opacity": opacity, "most_scale": given.factor("most_scale", usual=1.0)}


def _place(given: Given) -> Parameters:
    """Either a box, or a side or corner and how large."""
    if "box" in given.nodes:
        for name in ("width", "height", "clear"):
            if name in given.nodes:
                given.wrong(name, f"`{name}` does not go with `box`", "a `box` says where it lies and how large it is")
        return {**given.box(), "anchor": given.anchor(boxes=False)}
    if "unit" in given.nodes:
        given.wrong("unit", "`unit` goes with `box`", "remove it, or write a `box`")
    found: dict[str, object] = {name: length(given, name) for name in ("width", "height") if name in given.nodes}
    if not found and not given.problems:
        hint = "`width: 0.2` is a fifth of the picture's width, `width: 120` is 120 pixels"
        given.problems.add("step `overlay` needs a `box`, a `width` or a `height`", at=given.place, hint=hint)
    anchor = given.anchor(boxes=False) if "anchor" in given.nodes else "bottom-right"
    return {**found, "anchor": anchor, "clear": number(given, "clear", 0, 0.4, _CLEAR)}


def _resolve(written: Parameters, cell: StepCell) -> Parameters:
    found = dict(written)
    for name in PICTURES:
        picture = written.get(name)
        if isinstance(picture, SourceText | Link):
            found[name] = cell.picture(picture, name)
    frame = found.pop("frame")
    if frame == "safe" and any(cell.safe):
        found["safe"] = list(cell.safe)
    return found


def place_overlay(parameters: Mapping[str, Any], size: Size, logo: Size) -> Placed:
    """Where a picture of the size `logo` lies on one of `size`: as large as was asked for, in its frame."""
    safe = parameters.get("safe", (0, 0, 0, 0))
    left, top = safe[0] * size[0], safe[1] * size[1]
    frame = (left, top, size[0] * (1 - safe[0] - safe[2]), size[1] * (1 - safe[1] - safe[3]))
    if "box" in parameters:
        x, y, width, height = parameters["box"]
        if parameters["unit"] == "relative":
            x, y, width, height = x * frame[2], y * frame[3], width * frame[2], height * frame[3]
        box = (frame[0] + x, frame[1] + y, width, height)
        most: tuple[float, float] = (width, height)
    else:
        clear = parameters["clear"] * min(size)
        box = (frame[0] + clear, frame[1] + clear, frame[2] - 2 * clear, frame[3] - 2 * clear)
        most = (_pixels(parameters.get("width"), frame[2]), _pixels(parameters.get("height"), frame[3]))
    return _inside(box, most, frame, logo, parameters)


def _pixels(value: float | None, whole: float) -> float:
    if value is None:
        return float("inf")
    return value * whole if value <= 1 else value


def _inside(
    box: tuple[float, float, float, float], most: tuple[float, float], frame: tuple[float, float, float, float],
    logo: Size, parameters: Mapping[str, Any],
) -> Placed:  # fmt: skip
    scale = min(most[0] / logo[0], most[1] / logo[1], box[2] / logo[0], box[3] / logo[1])
    width, height = (max(1, round(edge * scale)) for edge in logo)
    if scale <= 0 or any(box[i] < frame[i] - 1 or box[i] + box[i + 2] > frame[i] + frame[i + 2] + 1 for i in (0, 1)):
        raise PictureError(
            "an overlay leaves the part of the picture that its placement leaves clear"
            if "safe" in parameters
            else "an overlay leaves the picture",
            hint="a smaller `box`, or `frame: picture` to use all of the picture",
        )
    if scale > parameters["most_scale"] * 1.001:
        raise PictureError(
            f"an overlay of {size_text(logo)} would be enlarged {scale:.1f} times to {size_text((width, height))}",
            hint=f"give it in more pixels, or allow it: `most_scale: {min(scale + 0.05, 10):.1f}`",
        )
    point = anchor_point(parameters["anchor"])
    left, top = (round(box[i] + (box[i + 2] - (width, height)[i]) * point[i]) for i in (0, 1))
    return Placed(left, top, (width, height))


_PICTURE: Final = {
    "description": "A .png, .webp or .jpg file, its path a template, or another asset.",
    "oneOf": [
        {"type": "string", "pattern": "\\S"},
        {
            "type": "object",
            "required": ["asset"],
            "additionalProperties": False,
            "properties": {"asset": {"type": "string"}},
        },
        {
            "type": "object",
            "required": ["file"],
            "additionalProperties": False,
            "properties": {"file": {"type": "string"}},
        },
    ],
}
_SHARED: Final = {
    "picture": _PICTURE,
    "on_light": {**_PICTURE, "description": "The one to lay on a light ground."},
    "on_dark": {**_PICTURE, "description": "The one to lay on a dark ground."},
    "anchor": POINT_SCHEMA,
    "frame": {"enum": list(_FRAMES), "description": "What it stays in. Default: safe, what a placement leaves clear."},
    "opacity": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "Default: 1."},
    "most_scale": {"description": "How many times its own size it may be drawn. Default: 1.", **FACTOR_SCHEMA},
}
_NAMED: Final = {"anyOf": [{"required": ["picture"]}, {"required": ["on_light", "on_dark"]}]}
_WAY: Final = {"type": "object", "additionalProperties": False, **_NAMED}

OVERLAY: Final = StepKind(
    parse=_parse,
    resolve=_resolve,
    result_size=lambda _, size: size,
    templates=PICTURES,
    schema={
        "description": "Lay a picture over this one: a logo, a badge, a seal.",
        "oneOf": [
            {**_WAY, "required": ["box"], "properties": {**_SHARED, "box": BOX_SCHEMA, "unit": UNIT_SCHEMA}},
            {
                **_WAY,
                "not": {"required": ["box"]},
                "properties": {
                    **_SHARED,
                    "width": LENGTH_SCHEMA,
                    "height": LENGTH_SCHEMA,
                    "clear": number_schema(0, 0.4, "The room around it, of the shorter edge. Default: 0.02."),
                },
            },
        ],
    },
)
