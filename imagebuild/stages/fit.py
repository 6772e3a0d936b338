"""Does all copy fit, in every locale, layout and shape? Read the campaign, set its copy, and say what is found.

Reads what a plan reads, and fonts and logos; makes no picture, and looks at no store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from imagebuild.core.action import Action
from imagebuild.core.address import Selectable, Selection, base_of, is_inner
from imagebuild.core.axis import Entry
from imagebuild.core.copy_lint import lint
from imagebuild.core.fit_report import Advice, Finding, FitReport, Kind, in_words, too_much
from imagebuild.core.key import digest_of
from imagebuild.core.layouts.canonical import TextItem, Typeset, typeset_of
from imagebuild.core.locale import PSEUDO_LOCALES, Locale, language_of
from imagebuild.core.sizes import Size
from imagebuild.core.spec import Campaign
from imagebuild.core.steps.kind import Step
from imagebuild.core.steps.registry import result_size
from imagebuild.errors import ImagebuildError, PictureError, Place, Problem, Problems, SpecErrors
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.stages.fit_group import GroupFit
from imagebuild.stages.fit_origin import Origins, Use
from imagebuild.stages.fit_trial import Trial
from imagebuild.stages.project import Project
from imagebuild.stages.read import Loaded, Spec, expand_spec, read_spec

__all__ = ["fit_campaign"]

PSEUDO = ("en-XA", "ar-XB")


class _Task(NamedTuple):
    """One setting of copy, and every picture that it is for."""

    typeset: Typeset
    size: Size
    uses: list[Use]


def fit_campaign(
    project: Project, *, provider: str | None = None, selection: Selection | None = None, pseudo: bool = False
) -> FitReport:
    """What is found of all copy, or of that of the pictures selected. A campaign with mistakes is looked at as far as
    it can be worked out. `pseudo`: in the pseudo-locales too."""
    spec = read_spec(project, provider=provider)
    notes: list[str] = []
    if pseudo:
        if "locale" in spec.campaign.axes and spec.campaign.locale is not None:
            spec.campaign = _with_pseudo(spec.campaign)
        else:
            notes.append("the campaign has no axis `locale`, and so no pseudo-locales")
    loaded = expand_spec(project, spec)
    mistakes = _sorted(spec.problems)
    try:
        actions = _selected(loaded, selection)
    except ImagebuildError:
        if not mistakes:
            raise
        actions = []  # what it selects may only be missing for the mistakes, which are told
    found = _tasks(loaded, actions)
    tasks = list(found.values())
    if not tasks and not mistakes:
        which = "the campaign" if selection is None else "what is selected"
        notes.append(f"nothing in {which} has a step `typeset`: there is no copy to fit")
    judge = _Judge(spec, loaded)
    findings = [finding for task in tasks for finding in judge.findings(task)]
    uses = [use for task in tasks for use in task.uses]
    return FitReport(
        campaign=spec.campaign.name,
        findings=(*findings, *judge.lints(tasks)),
        pictures=len({use.address for use in uses}),
        texts=sum(len(task.typeset.texts) for task in tasks),
        locales=tuple(dict.fromkeys(use.locale for use in uses if use.locale)),
        sizes=tuple(dict.fromkeys(task.size for task in tasks)),
        notes=tuple(notes),
        mistakes=mistakes,
    )


def _sorted(problems: Problems) -> tuple[Problem, ...]:
    return SpecErrors(problems.found).problems


def _with_pseudo(campaign: Campaign) -> Campaign:
    axis, setting = campaign.axes["locale"], campaign.locale
    assert setting is not None
    added = [tag for tag in PSEUDO if axis.find(tag) is None]
    entries = [Entry(axis="locale", id=tag, value=Locale(tag), place=axis.place) for tag in added]
    axes = {**campaign.axes, "locale": axis._replace(entries=(*axis.entries, *entries))}
    return campaign._replace(axes=axes, locale=setting._replace(targets=(*setting.targets, *added)))


def _selected(loaded: Loaded, selection: Selection | None) -> list[Action]:
    actions = list(loaded.expansion.actions.values())
    if selection is None:
        return actions
    items = [
        Selectable(action.address, action.asset, action.cell, action.output)
        for action in actions
        if not is_inner(action.address)
    ]
    chosen = selection.pick(items)
    return [action for action in actions if base_of(action.address) in chosen]


def _tasks(loaded: Loaded, actions: list[Action]) -> dict[tuple[str, Size], _Task]:
    """Every setting of copy, equal ones once."""
    found: dict[tuple[str, Size], _Task] = {}
    for action in actions:
        if action.kind != "local":
            continue
        for number, (parameters, size) in enumerate(_typeset_steps(loaded, action)):
            text = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
            task = found.get((text, size))
            if task is None:
                task = found[text, size] = _Task(typeset_of(parameters), size, [])
            task.uses.append(Use(action, number))
    return found


def _typeset_steps(loaded: Loaded, action: Action) -> Iterator[tuple[Mapping[str, Any], Size]]:
    """The canonical parameters of an action's typeset steps, and the size of the picture that comes to each."""
    steps = cast("list[Mapping[str, Mapping[str, Any]]]", action.manifest.get("steps", []))
    if not any("typeset" in step for step in steps):
        return
    size, _ = loaded.expansion.results[dict(action.inputs)["input"]]
    assert size is not None  # or the action would not be there
    for step in steps:
        for name, parameters in step.items():
            if name == "typeset":
                yield parameters, size
            elif name != "put_back":  # which leaves the size as it is
                size = result_size([Step(name=name, parameters=parameters, place=Place(""))], size)


class _Judge:
    """Turns what is tried into findings, each with where its copy comes from."""

    def __init__(self, spec: Spec, loaded: Loaded) -> None:
        self._loaded = loaded
        self._origins = Origins(spec, loaded)
        locale = spec.campaign.locale
        self._source = locale.source if locale is not None else ""

    def _read(self, digest: str) -> bytes:
        path = self._loaded.expansion.file_of[digest]
        data = self._loaded.files.read(path)
        if digest_of(data) != digest:
            raise ImagebuildError(f"`{path}` changed while it was being read", hint="run the same command again")
        return data

    def _named(self, what: str) -> str:
        """A message with files by their paths instead of by digest."""
        for digest, path in self._loaded.expansion.file_of.items():
            for short in (digest, f"{digest[:19]}…"):
                what = what.replace(short, path)
        return what

    def findings(self, task: _Task) -> Iterator[Finding]:
        """What is found of one setting, for each asset and locale that has it."""
        of: dict[tuple[str, str, int], list[Use]] = {}
        for use in task.uses:
            of.setdefault((use.action.asset, use.locale, use.step), []).append(use)
        first = task.uses[0]
        shape, scales, places = self._origins.shape(first, task.size)
        for group in task.typeset.groups:
            items = [item for item in group.items if isinstance(item, TextItem)]
            try:
                fit = GroupFit(Trial(task.typeset, task.size, self._read), group, scales)
                found = list(_of_group(fit, task.typeset.language, first.locale == self._source != ""))
            except PictureError as bad:
                role, text = (items[0].role, items[0].text) if items else ("", "")
                found = [_Found("drawing", role, text, self._named(bad.what), hint=bad.hint or "")]
            for each in found:
                for (asset, locale, _), uses in of.items():
                    origin = self._origins.of(uses[0], each.role, each.text)
                    yield Finding(
                        asset=asset, locale=locale, keys=origin.keys, place=origin.place, size=task.size, shape=shape,
                        at=places.get(each.role), addresses=tuple(use.address for use in uses), **each._asdict(),
                    )  # fmt: skip

    def lints(self, tasks: list[_Task]) -> Iterator[Finding]:
        """What is probably wrong with the copy itself, each text of a locale once."""
        texts: dict[tuple[str, str, str, str], list[Use]] = {}
        languages: dict[tuple[str, str, str, str], str] = {}
        sources: dict[tuple[object, ...], str] = {}
        for task in tasks:
            for use in task.uses:
                for item in task.typeset.texts:
                    text = (use.action.asset, item.role, use.locale, item.text)
                    texts.setdefault(text, []).append(use)
                    languages[text] = task.typeset.language
                    if use.locale == self._source:
                        sources[_beside(use, item.role)] = item.text
        for text, uses in texts.items():
            asset, role, locale, written = text
            if languages[text] == "und":
                continue
            origin = self._origins.of(uses[0], role, written)
            source = sources.get(_beside(uses[0], role)) if origin.keys else None
            tag = languages[text]
            if _same_language(tag, self._source):
                source = None
            for found in lint(origin.raw if origin.raw is not None else written, tag, source):
                if (
                    not origin.keys and found.word == "script"
                ):  # no translation: a name, say, that is the same everywhere
                    continue
                addresses = tuple(dict.fromkeys(use.address for use in uses))
                yield Finding(
                    kind="copy", asset=asset, role=role, locale=locale, text=written, what=found.sentence,
                    keys=origin.keys, place=origin.place, hint=found.hint, word=found.word, addresses=addresses,
                )  # fmt: skip


def _beside(use: Use, role: str) -> tuple[object, ...]:
    """The same text in the same picture, whatever its locale."""
    cell = tuple(pair for pair in use.action.cell if pair[0] != "locale")
    return (use.action.asset, cell, use.step, role)


def _same_language(tag: str, other: str) -> bool:
    if not other or language_of(tag) != language_of(other):
        return False
    return Locale(tag).script == Locale(other).script


class _Found(NamedTuple):
    """What a finding says, but for whose it is."""

    kind: Kind
    role: str
    text: str
    what: str
    over: float = 0.0
    hint: str = ""
    advice: tuple[Advice, ...] = ()


def _of_group(fit: GroupFit, language: str, is_source: bool) -> Iterator[_Found]:
    if fit.placed is None:
        yield from (_misfit(fit, misfit) for misfit in fit.misfits())
        return
    for near in fit.near():
        pixels = f"{near.pixels:.1f} px, its least is {near.least:.1f}"
        what = "it is" if near.low == near.item else f"for it, `{near.low.role}` is"
        yield _Found("near", near.item.role, near.item.text, f"only just fits: {what} set at {pixels}")
    if is_source and language not in PSEUDO_LOCALES:
        for item, misfit in fit.no_room(language):
            what, over = _said(fit, misfit, item)
            yield _Found("room", item.role, item.text, f"no room for a translation of usual length: {what}", over)


def _misfit(fit: GroupFit, misfit: Misfit) -> _Found:
    """A misfit, as one of the text that is to be changed: where several are too high together, the one of which the
    least has to go."""
    advice = fit.advice(misfit)
    role, text = misfit.role, misfit.text
    if misfit.reason == "height":
        role = next((each.role for each in advice if each.do == "shorten"), role)
    item = next(each for each in fit.texts if each.role == role and (role != misfit.role or each.text == text))
    what, over = _said(fit, misfit, item)
    return _Found(misfit.reason, role, item.text, what, over, "" if advice else misfit.hint or "", advice)


def _said(fit: GroupFit, misfit: Misfit, item: TextItem) -> tuple[str, float]:
    """What is too much, and by how much."""
    if misfit.reason == "word":
        return f"the word `{misfit.word}` is {too_much(misfit.over)} too wide at its least size", misfit.over
    if misfit.reason == "lines":
        over, lines = fit.too_large(misfit), f"{round(misfit.needed)} lines"
        if misfit.allowed == 1:
            return f"{too_much(over)} too wide at its least size: it takes {lines}, 1 is allowed", over
        return f"it takes {lines} at its least size, {round(misfit.allowed)} are allowed", over
    if misfit.reason == "height":
        others = in_words([f"`{each.role}`" for each in fit.texts if each is not item])
        together = f"together with {others} " if others else ""
        return f"{together}{too_much(misfit.over)} too high at its least size", misfit.over
    return misfit.why, 0.0
