"""The local steps of an asset: what a `steps:` list may hold, in canonical form, and what size comes out.

Canonical means: every default filled in, every way of writing a value brought to one, so that equal work has equal
parameters and so an equal key; and canonical parameters may be written in a campaign as they are. `STEPS` is the
registry: a new kind of step is one entry here and one drawing function in `picture/steps`. Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.scope import Scope
from imagebuild.core.sizes import Size
from imagebuild.core.steps.encode import ENCODE
from imagebuild.core.steps.fit import CROP, FIT
from imagebuild.core.steps.flip import FLIP
from imagebuild.core.steps.kind import Step, StepCell, StepKind
from imagebuild.core.steps.overlay import OVERLAY
from imagebuild.core.steps.python import PYTHON
from imagebuild.core.steps.restore import PUT_BACK
from imagebuild.core.steps.sharpen import SHARPEN
from imagebuild.core.steps.typeset import TYPESET
from imagebuild.core.steps.values import Given, Parameters
from imagebuild.errors import PictureError, Problems, did_you_mean

__all__ = ["INSERTED", "STEPS", "parse_steps", "resolved", "result_size", "step_schema"]

# In the order in which they are mostly wanted, which is how a schema offers them.
STEPS: Mapping[str, StepKind] = {
    "fit": FIT,
    "crop": CROP,
    "flip": FLIP,
    "typeset": TYPESET,
    "overlay": OVERLAY,
    "sharpen": SHARPEN,
    "python": PYTHON,
    "encode": ENCODE,
}
INSERTED: Mapping[str, StepKind] = {"put_back": PUT_BACK}  # that follow from an asset, and are not written
_ALL: Mapping[str, StepKind] = {**STEPS, **INSERTED}


def parse_steps(node: Node, scope: Scope, kinds: Mapping[str, StepKind] = STEPS) -> tuple[Step, ...]:
    """The steps of a `steps:` list; every mistake is noted, and a step with a mistake is left out."""
    found: list[Step] = []
    problems = scope.problems
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
        parameters = _parameters(name, kind, value, key, scope)
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
        hint = "write each as a `- ` of its own"
        steps = [name for name, _, _ in entries if name in _ALL]
        if len(steps) == 1:
            rest = ", ".join(f"`{name}`" for name, _, _ in entries if name not in _ALL)
            hint = f"`{steps[0]}` is the step: indent {rest} deeper than it"
        problems.add(f"one step with {len(entries)} names: {names}", at=element.place, hint=hint)
    else:
        problems.add(
            f"a step is a mapping with one name, this is {element.kind}",
            at=element.place,
            hint="e.g. `- fit: {cover: [1600, 900]}`",
        )
    return None


def _parameters(name: str, kind: StepKind, value: Node | None, key: Node, scope: Scope) -> Parameters | None:
    own = Problems()
    given = Given(name, value, key.place, replace(scope, problems=own))
    schemas = kind.schema.get("oneOf", [kind.schema])
    known = {parameter for schema in _mappings(schemas) for parameter in schema["properties"]}
    given.check(known, kind.templates)
    parameters = kind.parse(given)
    for problem in own.found:
        scope.problems.add(problem.what, at=problem.at, hint=problem.hint)
    return None if own else parameters


def _mappings(schemas: object) -> Iterator[dict[str, dict[str, object]]]:
    if isinstance(schemas, list):
        yield from schemas


def resolved(step: Step, cell: StepCell, kinds: Mapping[str, StepKind] = _ALL) -> Step:
    """The step as it is in one cell, its parameters canonical. Raises `Unresolved`."""
    resolve = kinds[step.name].resolve
    return step if resolve is None else replace(step, parameters=resolve(step.parameters, cell))


def result_size(steps: Sequence[Step], size: Size, kinds: Mapping[str, StepKind] = _ALL) -> Size:
    """What size comes out of a picture of this size; a step that cannot work on it raises, with the step's place."""
    for step in steps:
        try:
            size = kinds[step.name].result_size(step.parameters, size)
        except PictureError as error:
            raise PictureError(error.what, at=error.at or step.place, hint=error.hint) from None
    return size


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
