"""What steps are worked out in, without a campaign: a list of steps as text, and a cell that answers from two dicts."""

from __future__ import annotations

import hashlib

from imagebuild.core.document import parse_yaml
from imagebuild.core.scope import Scope
from imagebuild.core.steps.kind import Unresolved
from imagebuild.core.steps.registry import parse_steps, resolved
from imagebuild.core.written import Link
from imagebuild.errors import Problem, Problems
from tests.core.reading import Texts


class Cell:
    """`files` are texts by path, `values` what templates say by name."""

    size = (100, 80)
    language = "de-DE"

    def __init__(self, files=None, values=None, safe=(0.0, 0.0, 0.0, 0.0)):
        self.files = files or {}
        self.values = values or {}
        self.safe = safe
        self.problems = []
        self.slots = []

    def render(self, text):
        found = text.text
        for name, value in self.values.items():
            found = found.replace("{{ " + name + " }}", value)
        return found

    def file(self, path):
        self.read(path)
        return digest(self.files[self.render(path)])

    def read(self, path):
        if self.render(path) not in self.files:
            raise self.problem(f"no file `{path.text}`", path.place)
        return self.files[self.render(path)]

    def picture(self, what, slot):
        if isinstance(what, Link):
            self.slots.append((slot, what.asset))
            return None
        return self.file(what)

    def problem(self, what, at, hint=None):
        self.problems.append(Problem(what, at=at, hint=hint))
        return Unresolved()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def steps_of(text, assets=()):
    """The steps, and the problems that were noted."""
    problems = Problems()
    node = parse_yaml(text, file="campaign.yaml", problems=problems)
    return parse_steps(node, Scope(Texts(), problems, asset_names=assets)), problems.found


def worked_out(text, cell, assets=()):
    """The canonical parameters of one step in a cell."""
    (step,), found = steps_of(f"[{text}]", assets)
    assert found == []
    return resolved(step, cell).parameters
