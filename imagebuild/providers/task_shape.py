"""How a service of tasks speaks, as data: where its requests go, what they hold, and where its answers say what.

One row of the catalogue a service (`protocol:`), so that another of the kind is an entry and no code. Knows templates
and paths; knows no service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final
from urllib.parse import quote

from imagebuild.errors import ProviderError, did_you_mean

__all__ = ["PLACEHOLDERS", "TaskShape", "filled", "filled_path", "unfolded", "value_at"]

# What a template may name. Empty ones are left out with the field that holds them.
PLACEHOLDERS: Final = frozenset(
    {"model", "mode", "prompt", "ratio", "tier", "TIER", "width", "height", "size", "quality", "format",
     "references", "delivery", "callback", "task"}
)  # fmt: skip
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z]+)\}")
_STATES: Final = ("pending", "done", "failed")

Paths = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShape:
    """Paths into answers are dotted (`data.resultJson.resultUrls`, `data.0.url`), go through JSON within texts, and may
    be several, of which the first that leads anywhere counts. Waits are in seconds."""

    create: str  # path of the request that starts a task
    body: Mapping[str, Any]
    poll: str  # path of the question after it
    task: Paths  # in the answer to `create`
    state: Paths
    states: Mapping[str, tuple[str, ...]]  # pending, done, failed: the service's words, in lower case
    result: Paths
    failure_code: Paths = ()
    failure_words: Paths = ()
    code: str = ""  # where an answer of 200 has its own code
    success: tuple[int, ...] = (200,)
    failed_codes: tuple[int, ...] = ()  # own codes that say that the task failed
    codes: Mapping[int, int] = field(default_factory=dict)  # the service's own codes as HTTP's
    first_poll: Mapping[str, float] = field(default_factory=dict)  # by tier: when it may be done
    last_call: Mapping[str, float] = field(default_factory=dict)  # by tier: when a callback that never came is overdue
    every: float = 10.0
    patience: float = 600.0
    references: int = 16

    @classmethod
    def from_mapping(cls, row: Mapping[str, Any], *, provider: str) -> TaskShape:
        """The shape of a catalogue row's `protocol`; a mistake in it names the provider."""
        known = {each.name for each in fields(cls)}
        for name in row:
            if name not in known:
                raise ProviderError(
                    f"protocol of `{provider}`: unknown field `{name}`", hint=did_you_mean(str(name), known)
                )
        try:
            shape = cls(**{name: _field(name, value) for name, value in row.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ProviderError(f"protocol of `{provider}`: {error}") from None
        wrong = sorted(_wrong_names(shape))
        if wrong:
            raise ProviderError(
                f"protocol of `{provider}`: unknown placeholder `{{{wrong[0]}}}`",
                hint=did_you_mean(wrong[0], PLACEHOLDERS),
            )
        return shape

    def says(self, name: str) -> bool:
        """Whether the request has a place for it."""
        return name in _names_in([self.create, self.body])

    def code_of(self, answer: Any) -> int | None:
        """The code that an answer has of its own; None when it has none."""
        code = value_at(answer, (self.code,)) if self.code else None
        text = str(code)
        return int(text) if isinstance(code, int | str) and re.fullmatch(r"[0-9]{1,6}", text) else None

    def state_of(self, answer: Any) -> str:
        """`pending`, `done` or `failed`; a word that is not known counts as pending, so that nothing is given up."""
        if self.code_of(answer) in self.failed_codes:
            return "failed"
        word = str(value_at(answer, self.state)).lower()
        return next((state for state in _STATES if word in self.states.get(state, ())), "pending")


def _field(name: str, value: Any) -> Any:
    match name:
        case "task" | "state" | "result" | "failure_code" | "failure_words":
            return (value,) if isinstance(value, str) else tuple(map(str, value))
        case "states":
            if unknown := set(value) - set(_STATES):
                raise ValueError(f"`states` are {', '.join(_STATES)}, not `{min(map(str, unknown))}`")
            return {state: tuple(str(word).lower() for word in words) for state, words in value.items()}
        case "success" | "failed_codes":
            return tuple(int(each) for each in value)
        case "codes":
            return {int(own): int(code) for own, code in value.items()}
        case "first_poll" | "last_call":
            return {str(tier): float(seconds) for tier, seconds in value.items()}
        case "every" | "patience":
            if float(value) <= 0:
                raise ValueError(f"`{name}` is more than 0 seconds")
            return float(value)
        case "body":
            return dict(value)
    return value


def _wrong_names(shape: TaskShape) -> set[str]:
    return _names_in([shape.create, shape.poll, shape.body]) - PLACEHOLDERS


def _names_in(template: Any) -> set[str]:
    if isinstance(template, str):
        return set(_PLACEHOLDER.findall(template))
    inner = template.values() if isinstance(template, Mapping) else template if isinstance(template, list) else ()
    return {name for each in inner for name in _names_in(each)}


# --------------------------------------------------------------------------------------------------------- templates


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with its placeholders replaced, once: what a prompt says is never read as a placeholder. A field that
    is nothing but an empty placeholder is left out; one that is nothing but a list takes the list."""
    if isinstance(template, Mapping):
        made = {name: filled(each, values) for name, each in template.items()}
        return {name: each for name, each in made.items() if each not in ("", [], {}, None)}
    if isinstance(template, list):
        return [made for each in template if (made := filled(each, values)) not in ("", [], {}, None)]
    if not isinstance(template, str):
        return template
    alone = _PLACEHOLDER.fullmatch(template)
    if alone is not None:
        return values.get(alone[1], "")
    return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), template)


def filled_path(template: str, values: Mapping[str, str]) -> str:
    """An address's path with its placeholders replaced, quoted, so that no value can lead anywhere else."""
    return _PLACEHOLDER.sub(
        lambda match: quote(values.get(match[1], ""), safe="/" if match[1] == "model" else ""), template
    )


# -------------------------------------------------------------------------------------------------------------- paths


def value_at(answer: Any, paths: Paths) -> Any:
    """What the first path that leads to something leads to; None when none does."""
    return next(filter(lambda each: each not in (None, "", [], {}), _values_at(answer, paths)), None)


def _values_at(answer: Any, paths: Paths) -> Iterator[Any]:
    for path in paths:
        value = answer
        for name in path.split("."):
            value = _step(value, name)
        yield value


def unfolded(value: Any) -> Any:
    """What stands in a text that is JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _step(value: Any, name: str) -> Any:
    value = unfolded(value)
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, list) and name.isascii() and name.isdigit():
        return value[int(name)] if int(name) < len(value) else None
    return None
