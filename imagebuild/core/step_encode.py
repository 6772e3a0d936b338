"""The step that writes the file: formats, their qualities, and what is meant where a campaign does not say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imagebuild.core.step_kind import Step, StepKind
from imagebuild.core.step_values import BYTES_SCHEMA, COLOR_SCHEMA, Given, Parameters
from imagebuild.errors import Place

__all__ = ["DEFAULT_QUALITY", "ENCODE", "FORMATS", "default_encode", "format_of_path", "output_format", "with_encode"]

FORMATS = ("png", "jpeg", "webp", "avif")
DEFAULT_QUALITY: Mapping[str, int] = {"jpeg": 85, "webp": 80, "avif": 60}
EXTENSIONS: Mapping[str, str] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}


def _parse_encode(given: Given) -> Parameters:
    form = given.choice("format", FORMATS)
    if form is None:
        return {}
    lossless = given.boolean("lossless")
    quality = given.whole_number("quality", most=100)
    background = given.color("background", opaque=True)
    most_bytes = given.byte_count("max_bytes")
    if lossless and form != "webp":
        given.wrong("lossless", f"{form} is written without `lossless`", "`format: webp` has it; png always is")
    if quality is not None and (form == "png" or lossless):
        what = "a lossless picture" if lossless else "png"
        given.wrong("quality", f"{what} has no quality", "remove `quality`, or choose jpeg, webp or avif")
    parameters = dict(default_encode(form))
    if lossless:
        parameters = {"format": form, "lossless": True}
    elif quality is not None:
        parameters["quality"] = quality
    if background is not None:
        parameters["background"] = background
    if most_bytes is not None:
        parameters["max_bytes"] = most_bytes
    return parameters


def default_encode(form: str) -> Parameters:
    """The canonical parameters of writing a format without saying how."""
    if form == "png":
        return {"format": form}
    background = {"background": "#ffffff"} if form == "jpeg" else {}
    lossless = {"lossless": False} if form == "webp" else {}
    return {"format": form, "quality": DEFAULT_QUALITY[form], **lossless, **background}


def output_format(steps: Sequence[Step], default: str) -> str:
    """The format of the last step's file; `default` when the steps do not say it."""
    return str(steps[-1].parameters["format"]) if steps and steps[-1].name == "encode" else default


def with_encode(steps: Sequence[Step], default: str) -> tuple[Step, ...]:
    """The steps with the encoding written out, so that saying a default has the key of not saying it."""
    if steps and steps[-1].name == "encode":
        return tuple(steps)
    place = steps[-1].place if steps else Place("")
    return (*steps, Step(name="encode", parameters=default_encode(default), place=place))


def format_of_path(path: str) -> str | None:
    """The format that an output path's extension names."""
    dot = path.rfind(".")
    return EXTENSIONS.get(path[dot:].lower()) if dot > path.rfind("/") else None


ENCODE: Final = StepKind(
    parse=_parse_encode,
    result_size=lambda _, size: size,
    last=True,
    schema={
        "minProperties": 1,
        "type": "object",
        "additionalProperties": False,
        "description": "The file's format. Without it the output's extension decides.",
        "required": ["format"],
        "properties": {
            "format": {"enum": list(FORMATS)},
            "quality": {"type": "integer", "minimum": 1, "maximum": 100},
            "max_bytes": BYTES_SCHEMA,
            "background": COLOR_SCHEMA,
            "lossless": {"type": "boolean"},
        },
    },
)
