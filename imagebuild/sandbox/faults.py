"""What goes wrong on purpose: the faults by name, the script or the rates that choose among them, and the latency.

Everything drawn depends on the seed and a running number alone, so that a run can be repeated. Knows no protocol: what
a fault looks like on the wire is said where that protocol is spoken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple

from imagebuild.core import fields
from imagebuild.core.document import Node, parse_json, parse_yaml
from imagebuild.errors import ImagebuildError, Problems, did_you_mean

__all__ = ["FAULTS", "SHAPES", "Fault", "Faults", "Latency", "Rule", "SandboxError", "read_faults", "read_rates"]


class SandboxError(ImagebuildError):
    """The sandbox cannot start as it was told to."""


class Fault(NamedTuple):
    """When a fault is played, whether the work was charged by then, at whom (empty: everyone), and what it is."""

    stages: frozenset[str]
    charged: bool
    says: str
    providers: frozenset[str] = frozenset()

    def plays(self, stage: str, provider: str) -> bool:
        return stage in self.stages and (not self.providers or provider in self.providers)


_TASKS: Final = frozenset({"apixo", "kie"})
_OPENAI: Final = frozenset({"openai"})


def _before(says: str, *stages: str) -> Fault:
    return Fault(frozenset(stages or ("request",)), False, says)


def _after(says: str, *, charged: bool = True, stage: str = "result", providers: frozenset[str] = frozenset()) -> Fault:
    return Fault(frozenset({stage}), charged, says, providers)


# Stages: `request` (nothing made yet), `result` (made), `stream` (made, and asked for as an event stream), `line` (one
# line of a batch), `batch` (a batch as a whole), `callback`, `file` (a result's own address).
FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "bad-request": _before("400: a parameter is wrong", "request", "line"),
        "bad-size": _before("400: a size that the model does not make", "request", "line"),
        "moderation-input": _before("400: the prompt is moderated, with details", "request", "line"),
        "moderation-input-bare": _before("400: the prompt is moderated, without details", "request", "line"),
        "rate-seconds": _before("429 with `retry-after` in seconds"),
        "rate-ms": _before("429 with `retry-after-ms`"),
        "rate-date": _before("429 with `retry-after` as a date"),
        "rate-text": _before("429 that says only in its text when to try again"),
        "quota": _before("429: the quota is used up"),
        "bad-key": _before("401"),
        "balance": _before("402: the balance is used up (openai: 400 billing_hard_limit_reached)"),
        "forbidden": _before("403: no access"),
        "no-model": _before("404: no such model"),
        "overloaded": _before("503: the platform is full"),
        "error": _before("500 before anything was charged"),
        "cut": _before("the connection is aborted before anything was charged"),
        "error-charged": _after("500 although the picture was made"),
        "cut-charged": _after("the connection is aborted although the picture was made"),
        "truncated": _after("half of the reply, then the connection is aborted"),
        "wrong-size": _after("a picture of another size"),
        "wrong-format": _after("a PNG for WebP and JPEG, a JPEG for PNG"),
        "garbage": _after("200 with a picture that cannot be decoded"),
        "moderation-output": _after("400: the picture is moderated, with details", charged=False),
        "moderation-output-bare": _after("400: the picture is moderated, without details", charged=False),
        "sse-error": _after("an error event in the stream", stage="stream", providers=_OPENAI),
        "sse-cut": _after("the stream ends before its picture", stage="stream", providers=_OPENAI),
        "batch-partial": _after("a line ends in the error file", charged=False, stage="line", providers=_OPENAI),
        "batch-expire": _after("a batch expires half done", charged=False, stage="batch", providers=_OPENAI),
        "batch-fail": _after("a batch fails before it begins", charged=False, stage="batch", providers=_OPENAI),
        "task-failed": _after("a task ends as failed", charged=False, providers=_TASKS),
        "task-moderated": _after("a task is stopped by the safety system", charged=False, providers=_TASKS),
        "task-timeout": _after("a task takes too long for its service", charged=False, providers=_TASKS),
        "callback-lost": _after("a callback is never sent", stage="callback", providers=_TASKS),
        "callback-duplicate": _after("a callback is sent twice", stage="callback", providers=_TASKS),
        "callback-forged": _after("a false callback comes before the true one", stage="callback", providers=_TASKS),
        "url-expired": _after("a result's address has expired", stage="file"),
        "file-cut": _after("half of a result's file, then the connection is aborted", stage="file"),
        "file-error": _after("500 for a result's file", stage="file"),
    }
)  # fmt: skip

# The shapes in which a reply may come that its service has not published.
SHAPES: Final = ("data-b64", "data-url", "images-string", "images-object", "output", "url")


@dataclass(slots=True, kw_only=True)
class Rule:
    """One entry of a script. What it has passed and played is counted here."""

    fault: str
    provider: str = "*"
    prompt: str = "*"
    times: int = 1
    after: int = 0
    passed: int = 0
    played: int = 0

    def matches(self, stage: str, provider: str, prompt: str | None) -> bool:
        if not FAULTS[self.fault].plays(stage, provider) or not fnmatchcase(provider, self.provider):
            return False
        return self.prompt == "*" if prompt is None else fnmatchcase(prompt, self.prompt)

    def plays_now(self) -> bool:
        """Counts one that matches; whether it is this one's turn."""
        if self.passed < self.after:
            self.passed += 1
            return False
        if self.played >= self.times:
            return False
        self.played += 1
        return True


@dataclass(slots=True, kw_only=True)
class Faults:
    """A script, the rates for what no rule of it matches, and the seed both are drawn with."""

    script: list[Rule] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    hinow_shape: str | None = None

    def scripted(self, stage: str, provider: str, prompt: str | None) -> str | None:
        """The first rule of the script whose turn it is. Counts."""
        return next((r.fault for r in self.script if r.matches(stage, provider, prompt) and r.plays_now()), None)

    def drawn(self, number: str) -> str | None:
        """The fault that chance has for what bears this number: at most one, whatever stage it belongs to."""
        if not self.rates:
            return None
        chance = Random(f"{self.seed}:{number}:fault").random()
        for name, rate in self.rates.items():
            if chance < rate:
                return name
            chance -= rate
        return None


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a service takes, in its own seconds: `60`, `30-240` (between), `lognormal:90:0.5` (median, sigma)."""

    kind: str
    first: float
    second: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Latency:
        try:
            if text.startswith("lognormal:"):
                median, sigma = (float(each) for each in text.removeprefix("lognormal:").split(":"))
                found = cls("lognormal", median, sigma)
            elif "-" in text:
                least, most = (float(each) for each in text.split("-"))
                found = cls("between", least, most)
            else:
                found = cls("always", float(text))
        except ValueError:
            raise SandboxError(
                f"latency `{text}`: neither seconds nor a distribution", hint="`60`, `30-240`, or `lognormal:90:0.5`"
            ) from None
        wrong = not all(math.isfinite(each) and each >= 0 for each in (found.first, found.second))
        if wrong or (found.kind == "between" and found.second < found.first):
            raise SandboxError(f"latency `{text}`: seconds go from 0 up", hint="`30-240`: the lesser first")
        return found

    def seconds(self, seed: int, number: str) -> float:
        chance = Random(f"{seed}:{number}:latency")
        if self.kind == "between":
            return chance.uniform(self.first, self.second)
        if self.kind == "lognormal":
            return self.first * math.exp(chance.gauss(0.0, self.second))
        return self.first


def read_faults(text: str, *, file: str, seed: int = 0) -> Faults:
    """A script (a list), or a mapping with `script`, `rates`, `seed`, `hinow-shape`; YAML, or JSON by its name.
    Raises all its mistakes at once."""
    problems = Problems()
    read = parse_json if file.endswith(".json") else parse_yaml
    root = read(text, file=file, problems=problems)
    found = Faults(seed=seed)
    if root is not None and root.is_list:
        found.script = _rules(root, problems)
    elif root is not None and fields.mapping(root, "faults", problems, hint="a list of `- {fault: NAME}`"):
        fields.check_keys(root, ("script", "rates", "seed", "hinow-shape"), "the faults", problems)
        if node := root.get("script"):
            found.script = _rules(node, problems)
        if (node := root.get("rates")) and fields.mapping(node, "`rates`", problems, hint="`{cut-charged: 0.05}`"):
            found.rates = _rates(node, problems)
        if node := root.get("seed"):
            found.seed = fields.whole_number(node, "`seed`", problems, least=0) or 0
        if node := root.get("hinow-shape"):
            found.hinow_shape = fields.choice(node, "`hinow-shape`", SHAPES, problems)
    problems.check()
    return found


def _rules(node: Node, problems: Problems) -> list[Rule]:
    return [
        rule
        for each in fields.list_of(node, "`script`", problems)
        if fields.mapping(each, "a rule", problems, hint="`{fault: cut-charged, times: 1}`")
        and (rule := _rule(each, problems)) is not None
    ]


def _rule(node: Node, problems: Problems) -> Rule | None:
    if not fields.check_keys(node, ("fault", "provider", "prompt", "times", "after"), "a rule", problems):
        return None
    named = node.get("fault")
    if named is None:
        problems.add("a rule without `fault`", at=node.place, hint="`- {fault: cut-charged}`")
        return None
    name = fields.text(named, "`fault`", problems)
    if name is not None and name not in FAULTS:
        problems.add(f"no fault `{name}`", at=named.place, hint=did_you_mean(name, FAULTS))
        return None
    rule = Rule(fault=name or "")
    for word in ("provider", "prompt"):
        if value := node.get(word):
            setattr(rule, word, fields.text(value, f"`{word}`", problems) or "*")
    for word, least in (("times", 1), ("after", 0)):
        if value := node.get(word):
            setattr(rule, word, fields.whole_number(value, f"`{word}`", problems, least=least) or 0)
    return rule if name else None


def _rates(node: Node, problems: Problems) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, key, value in node.items():
        if name not in FAULTS:
            problems.add(f"no fault `{name}`", at=key.place, hint=did_you_mean(name, FAULTS))
        elif isinstance(value.value, bool) or not isinstance(value.value, int | float) or not 0 <= value.value <= 1:
            fields.wrong(value, f"rate of `{name}`", "a share between 0 and 1", problems)
        else:
            found[name] = float(value.value)
    if sum(found.values()) > 1 + 1e-9:
        problems.add("rates: together they are more than 1", at=node.place, hint="each request has at most one fault")
    return found


def read_rates(words: Iterable[str], others: Mapping[str, float]) -> dict[str, float]:
    """Rates as they are typed, `cut-charged=0.05`, beside others; of the same fault, the typed one is right."""
    found = dict(others)
    for word in words:
        name, _, share = word.partition("=")
        if name not in FAULTS:
            raise SandboxError(f"no fault `{name}`", hint=did_you_mean(name, FAULTS))
        try:
            found[name] = float(share)
        except ValueError:
            found[name] = -1.0
        if not 0 <= found[name] <= 1:
            raise SandboxError(f"rate `{word}`: a share between 0 and 1 is wanted", hint=f"`--rate {name}=0.05`")
    if sum(found.values()) > 1 + 1e-9:
        raise SandboxError("rates: together they are more than 1", hint="each request has at most one fault")
    return found
