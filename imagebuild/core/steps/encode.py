"""The step that writes the file: formats, their qualities, and what is meant where a campaign does not say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from imagebuild.core import fields
from imagebuild.core.link_parser import inline_text
from imagebuild.core.steps.amounts import whole
from imagebuild.core.steps.kind import Step, StepCell, StepKind
from imagebuild.core.steps.values import BYTES_SCHEMA, COLOR_SCHEMA, Given, Parameters
from imagebuild.core.written import SourceText
from imagebuild.errors import Place

__all__ = [
    "DEFAULT_QUALITY",
    "ENCODE",
    "FORMATS",
    "PAGE_FORMATS",
    "default_encode",
    "format_of_path",
    "output_format",
    "with_encode",
]

FORMATS = ("png", "jpeg", "webp", "avif", "gif")
PAGE_FORMATS = ("pdf",)  # written, and not read: no other picture can be made from one
DEFAULT_QUALITY: Mapping[str, int] = {"jpeg": 85, "webp": 80, "avif": 60, "pdf": 90}
EXTENSIONS: Mapping[str, str] = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif", ".gif": "gif", ".pdf": "pdf",
}  # fmt: skip
MOST_COLORS = 256
_WITHOUT_ALPHA = ("jpeg", "gif", "pdf")
_WITHOUT_PROFILE = ("gif", "pdf")
_WORDS = ("title", "description", "creator", "copyright")


def _parse_encode(given: Given) -> Parameters:
    form = given.choice("format", (*FORMATS, *PAGE_FORMATS))
    if form is None:
        return {}
    lossless = given.boolean("lossless")
    quality = given.whole_number("quality", most=100)
    background = given.color("background", opaque=True)
    most_bytes = given.byte_count("max_bytes")
    if lossless and form != "webp":
        given.wrong("lossless", f"{form} is written without `lossless`", "`format: webp` has it; png always is")
    if quality is not None and (form not in DEFAULT_QUALITY or lossless):
        what = "a lossless picture" if lossless else form
        given.wrong("quality", f"{what} has no quality", "remove `quality`, or choose jpeg, webp or avif")
    parameters = dict(default_encode(form))
    if lossless:
        parameters = {"format": form, "lossless": True}
    elif quality is not None:
        parameters["quality"] = quality
    if "colors" in given.nodes:
        if form not in ("png", "gif"):
            given.wrong("colors", f"{form} is written with all colours", "`colors` is for png and gif")
        parameters["colors"] = whole(given, "colors", 2, MOST_COLORS, MOST_COLORS)
    if background is not None:
        parameters["background"] = background
    if most_bytes is not None:
        parameters["max_bytes"] = most_bytes
    return {**parameters, **_about(given, form)}


def _about(given: Given, form: str) -> Parameters:
    """What the file says of itself: nothing, unless it is asked for."""
    found: dict[str, object] = {}
    profile = given.choice("profile", ("srgb", "none")) if "profile" in given.nodes else None
    if profile == "srgb":
        found["profile"] = profile
        if form in _WITHOUT_PROFILE:
            given.wrong("profile", f"a {form} carries no colour profile", "remove `profile`")
    metadata = _metadata(given)
    if metadata:
        found["metadata"] = metadata
        if form == "gif":
            given.wrong("metadata", "a gif carries no metadata", "remove `metadata`, or choose another format")
    return found


def _metadata(given: Given) -> Parameters:
    """`strip` says nothing; `keep` takes over what is harmless of the master; words are written as they are said."""
    if "metadata" not in given.nodes:
        return {}
    node = given.nodes["metadata"][1]
    what = "`metadata` of step `encode`"
    if not node.is_mapping:
        said = fields.choice(node, what, ("strip", "keep"), given.problems)
        return {"keep": True} if said == "keep" else {}
    fields.check_keys(node, ("keep", *_WORDS), what, given.problems)
    found: dict[str, object] = {}
    keep = node.get("keep")
    if keep is not None and fields.boolean(keep, f"`metadata.keep` of step `{given.step}`", given.problems):
        found["keep"] = True
    for name in _WORDS:
        value = node.get(name)
        if value is not None:
            found[name] = inline_text(value, f"`metadata.{name}` of step `{given.step}`", given.scope)
    return found


def _resolve_encode(written: Parameters, cell: StepCell) -> Parameters:
    metadata = written.get("metadata")
    if not isinstance(metadata, Mapping):
        return written
    said = {name: cell.render(each) if isinstance(each, SourceText) else each for name, each in metadata.items()}
    words = {name: each for name, each in said.items() if each is True or str(each).strip()}
    others = {name: each for name, each in written.items() if name != "metadata"}
    return {**others, "metadata": words} if words else others


def default_encode(form: str) -> Parameters:
    """The canonical parameters of writing a format without saying how."""
    if form == "png":
        return {"format": form}
    background = {"background": "#ffffff"} if form in _WITHOUT_ALPHA else {}
    if form == "gif":
        return {"format": form, "colors": MOST_COLORS, **background}
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


_TEXT: Final = {"type": "string", "pattern": "\\S"}

ENCODE: Final = StepKind(
    parse=_parse_encode,
    resolve=_resolve_encode,
    result_size=lambda _, size: size,
    last=True,
    templates=("metadata",),
    schema={
        "minProperties": 1,
        "type": "object",
        "additionalProperties": False,
        "description": "The file's format. Without it the output's extension decides.",
        "required": ["format"],
        "properties": {
            "format": {"enum": [*FORMATS, *PAGE_FORMATS]},
            "quality": {"type": "integer", "minimum": 1, "maximum": 100},
            "colors": {
                "description": "Of png and gif: the most colours it may have. Fewer make a smaller file.",
                "type": "integer",
                "minimum": 2,
                "maximum": MOST_COLORS,
            },
            "max_bytes": BYTES_SCHEMA,
            "background": COLOR_SCHEMA,
            "lossless": {"type": "boolean"},
            "profile": {
                "description": "Whether the file carries the sRGB profile. Default: none; its colours are sRGB anyway.",
                "enum": ["srgb", "none"],
            },
            "metadata": {
                "description": "strip (the default), keep what is harmless of the master's, or words of your own.",
                "oneOf": [
                    {"enum": ["strip", "keep"]},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"keep": {"type": "boolean"}, **dict.fromkeys(_WORDS, _TEXT)},
                    },
                ],
            },
        },
    },
)
