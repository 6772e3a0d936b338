"""The local steps of an asset: what a `steps:` list may hold, in canonical form, and what size and format come out.

Canonical means: every default filled in, every way of writing a value brought to one, so that equal work has equal
parameters and so an equal key; and canonical parameters may be written in a campaign as they are. `STEPS` is the
registry: a new kind of step is one entry here and one drawing function in `picture/steps`. Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.framing import check_exact, crop_box, size_of
from imagebuild.core.sizes import Size
from imagebuild.core.step_values import (
    ANCHOR_SCHEMA,
    BYTES_SCHEMA,
    COLOR_SCHEMA,
    RATIO_SCHEMA,
    SIZE_SCHEMA,
    Given,
    Parameters,
)
from imagebuild.errors import PictureError, Place, Problems, did_you_mean

__all__ = [
    "DEFAULT_QUALITY",
    "FORMATS",
    "STEPS",
    "Step",
    "StepKind",
    "default_encode",
    "format_of_path",
    "implied_fit",
    "output_format",
    "parse_steps",
    "rendered",
    "result_size",
    "step_schema",
    "with_encode",
]

FORMATS = ("png", "jpeg", "webp", "avif")
DEFAULT_QUALITY: Mapping[str, int] = {"jpeg": 85, "webp": 80, "avif": 60}
EXTENSIONS: Mapping[str, str] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One local step. `parameters` are canonical and JSON-able: what goes into the key."""

    name: str
    parameters: Mapping[str, object]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind:
    """What a step's parameters are, and what it does to a size.

    `parse` reads them (mistakes go to the `Given`'s problems); `result_size` may raise a PictureError for a size that
    the step cannot work on. `last`: stands at the end, once. The values under `template_parameters` may hold Jinja.
    """

    parse: Callable[[Given], Parameters]
    result_size: Callable[[Parameters, Size], Size]
    schema: Mapping[str, object]
    last: bool = False
    template_parameters: tuple[str, ...] = ()


def _parse_fit(given: Given) -> Parameters:
    way = given.one_of("cover", "contain", "exact")
    if way is None:
        return {}
    target = given.size(way)
    if way == "exact":
        given.only("exact", reason="`exact` neither crops nor pads")
        return {"exact": target}
    if way == "cover":
        given.only("cover", "anchor", reason="`cover` leaves nothing to pad")
        return {"cover": target, "anchor": given.anchor()}
    return {"contain": target, "anchor": given.anchor(), "background": given.color("background") or "transparent"}


def _fit_size(parameters: Parameters, size: Size) -> Size:
    if "exact" in parameters:
        check_exact(size, size_of(parameters["exact"]))
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


_WAY = {"minProperties": 1, "additionalProperties": False, "type": "object"}

STEPS: Mapping[str, StepKind] = {
    "fit": StepKind(
        parse=_parse_fit,
        result_size=_fit_size,
        schema={
            "description": "Scale to a size: cover crops what is over, contain pads, exact does neither.",
            "oneOf": [
                {**_WAY, "required": ["cover"], "properties": {"cover": SIZE_SCHEMA, "anchor": ANCHOR_SCHEMA}},
                {
                    **_WAY,
                    "required": ["contain"],
                    "properties": {"contain": SIZE_SCHEMA, "anchor": ANCHOR_SCHEMA, "background": COLOR_SCHEMA},
                },
                {**_WAY, "required": ["exact"], "properties": {"exact": SIZE_SCHEMA}},
            ],
        },
    ),
    "crop": StepKind(
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
    ),
    "encode": StepKind(
        parse=_parse_encode,
        result_size=lambda _, size: size,
        last=True,
        schema={
            **_WAY,
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
    ),
}


def parse_steps(node: Node, problems: Problems, kinds: Mapping[str, StepKind] = STEPS) -> tuple[Step, ...]:
    """The steps of a `steps:` list; every mistake is noted, and a step with a mistake is left out."""
    found: list[Step] = []
    elements = fields.list_of(node, "`steps`", problems)
    for position, element in enumerate(elements, 1):
        named = _named(element, problems)
        if named is None:
            continue
        name, key, value = named
        kind = kinds.get(name)
        if kind is None:
            problems.add(f"unknown step `{name}`", at=key.place, hint=did_you_mean(name, kinds))
            continue
        if kind.last and position < len(elements):
            problems.add(
                f"`{name}` is step {position} of {len(elements)}",
                at=key.place,
                hint=f"only the last step can be `{name}`",
            )
        parameters = _parameters(name, kind, value, key, problems)
        if parameters is not None:
            found.append(Step(name=name, parameters=parameters, place=key.place))
    return tuple(found)


def _named(element: Node, problems: Problems) -> tuple[str, Node, Node | None] | None:
    """A step's name, the node of its name, and its parameters: `fit: {…}`, or a bare `name`."""
    if isinstance(element.value, str):
        return (element.value, element, None)
    entries = list(element.items())
    if len(entries) == 1:
        name, key, value = entries[0]
        return (name, key, None if value.value is None else value)
    if entries:
        names = ", ".join(f"`{name}`" for name, _, _ in entries)
        problems.add(
            f"one step with {len(entries)} names: {names}", at=element.place, hint="write each as a `- ` of its own"
        )
    else:
        problems.add(
            f"a step is a mapping with one name, this is {element.kind}",
            at=element.place,
            hint="e.g. `- fit: {cover: [1600, 900]}`",
        )
    return None


def _parameters(name: str, kind: StepKind, value: Node | None, key: Node, problems: Problems) -> Parameters | None:
    own = Problems()
    given = Given(name, value, key.place, own)
    schemas = kind.schema.get("oneOf", [kind.schema])
    known = {parameter for schema in _mappings(schemas) for parameter in schema["properties"]}
    given.check(known, kind.template_parameters)
    parameters = kind.parse(given)
    for problem in own.found:
        problems.add(problem.what, at=problem.at, hint=problem.hint)
    return None if own else parameters


def _mappings(schemas: object) -> Iterator[dict[str, dict[str, object]]]:
    if isinstance(schemas, list):
        yield from schemas


def rendered(
    steps: Sequence[Step], render: Callable[[str, Step], str], kinds: Mapping[str, StepKind] = STEPS
) -> tuple[Step, ...]:
    """The steps with every text under a kind's template parameters replaced by what `render` makes of it."""
    done = []
    for step in steps:
        templates = kinds[step.name].template_parameters
        filled = {
            name: _rendered(value, step, render) if name in templates else value
            for name, value in step.parameters.items()
        }
        done.append(replace(step, parameters=filled) if templates else step)
    return tuple(done)


def _rendered(value: object, step: Step, render: Callable[[str, Step], str]) -> object:
    if isinstance(value, str):
        return render(value, step)
    if isinstance(value, Mapping):
        return {name: _rendered(child, step, render) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(child, step, render) for child in value]
    return value


def result_size(steps: Sequence[Step], size: Size, kinds: Mapping[str, StepKind] = STEPS) -> Size:
    """What size comes out of a picture of this size; a step that cannot work on it raises, with the step's place."""
    for step in steps:
        try:
            size = kinds[step.name].result_size(step.parameters, size)
        except PictureError as error:
            raise PictureError(error.what, at=error.at or step.place, hint=error.hint) from None
    return size


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


def implied_fit(size: Size, place: Place | None = None) -> Step:
    """The cover-fit that an exact size on the ratio axis asks for."""
    return Step(name="fit", parameters={"cover": list(size), "anchor": "center"}, place=place or Place(""))


def format_of_path(path: str) -> str | None:
    """The format that an output path's extension names."""
    dot = path.rfind(".")
    return EXTENSIONS.get(path[dot:].lower()) if dot > path.rfind("/") else None


def step_schema() -> dict[str, object]:
    """JSON Schema of one element of `steps:`."""
    return {
        "oneOf": [
            {
                "type": "object",
                "required": [name],
                "additionalProperties": False,
                "properties": {name: dict(kind.schema)},
            }
            for name, kind in STEPS.items()
        ]
    }
