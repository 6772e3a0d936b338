"""Layouts from texts, and cells that are a few plain values, for the tests of `typeset`."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as replaced

from imagebuild.core.document import parse_yaml
from imagebuild.core.key import digest_of
from imagebuild.core.layouts.canonical import Typeset, typeset_of
from imagebuild.core.layouts.parser import Layout, parse_layout
from imagebuild.core.scope import Scope
from imagebuild.core.steps.kind import Unresolved
from imagebuild.core.steps.registry import parse_steps, resolved
from imagebuild.core.steps.typeset import TYPESET
from imagebuild.core.template import Templates
from imagebuild.errors import Problems, SpecErrors
from tests.core.reading import Texts

KINDS = {"typeset": TYPESET}


def layout_of(text, file="layouts/hero.yaml"):
    """The layout that a text is, under `layout: 1`."""
    problems = Problems()
    layout = parse_layout("layout: 1\n" + text, file=file, problems=problems)
    problems.check()
    assert isinstance(layout, Layout)
    return layout


def layout_mistakes(text, head="layout: 1\n"):
    """(what, the marked part of the line, hint) of each mistake, in reading order."""
    problems = Problems()
    layout = parse_layout(head + text, file="layouts/hero.yaml", problems=problems)
    assert (layout is None) == bool(problems)
    found = SpecErrors(problems.found).problems
    return [(each.what, marked(each.at), each.hint) for each in found]


def marked(at):
    return at.text[at.column - 1 : at.column - 1 + at.length]


@dataclass
class FakeCell:
    """A `StepCell` whose files are texts, and whose templates see `values`."""

    layouts: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    size: tuple = (1200, 630)
    language: str = "en-US"
    safe: tuple = (0.0, 0.0, 0.0, 0.0)
    problems: Problems = field(default_factory=Problems)
    asked: list = field(default_factory=list)

    def render(self, text):
        template = Templates(Texts(), self.problems).compile(text)
        assert template is not None
        return template.render(self.values)

    def file(self, path):
        name = self.render(path)
        self.asked.append(name)
        if name not in self.files:
            raise self.problem(f"no file `{name}`", path.place)
        return digest_of(self.files[name].encode())

    def layout(self, path):
        return layout_of(self.layouts[self.render(path)], self.render(path))

    def problem(self, what, at, hint=None):
        self.problems.add(what, at=at, hint=hint)
        return Unresolved(what)

    def but(self, **changes):
        return replaced(self, problems=Problems(), asked=[], **changes)


def step_of(text):
    problems = Problems()
    node = parse_yaml(f"- typeset: {text}", file="campaign.yaml", problems=problems)
    steps = parse_steps(node, Scope(Texts(), problems), KINDS)
    problems.check()
    (step,) = steps
    return step


def parameters_in(cell, text):
    """The canonical parameters of a step in a cell; what is wrong is raised as `SpecErrors`."""
    try:
        return dict(resolved(step_of(text), cell, KINDS).parameters)
    except Unresolved:
        cell.problems.check()
        raise


def typeset_in(cell, text) -> Typeset:
    return typeset_of(parameters_in(cell, text))
