"""Read a campaign: its file and everything it names → what follows from it, or every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from imagebuild.core.action import Expansion, Result
from imagebuild.core.catalogue import parse_catalogue, parse_catalogues, strings_files
from imagebuild.core.cells import Reach
from imagebuild.core.expand import expand
from imagebuild.core.offer import Catalog, Offer, Situation
from imagebuild.core.placements.placement import Placement
from imagebuild.core.plan import unknown_price
from imagebuild.core.spec import Campaign
from imagebuild.core.spec_parser import parse_campaign
from imagebuild.core.strings import Strings, Text
from imagebuild.errors import ImagebuildError, Place, Problems
from imagebuild.lazy import lazy
from imagebuild.picture.checks.versions import versions_for
from imagebuild.picture.versions import tools_for
from imagebuild.providers.catalog import load_catalog
from imagebuild.stages.project import Project
from imagebuild.workspace.files import Files, Remembered

if TYPE_CHECKING:
    from imagebuild.picture import placements
    from imagebuild.providers import account
    from imagebuild.stages import plugins
else:  # for placements, for a provider that is not in the catalogue, and for what `.env` may say of one that is
    placements = lazy("imagebuild.picture.placements")
    account = lazy("imagebuild.providers.account")
    plugins = lazy("imagebuild.stages.plugins")

__all__ = ["Loaded", "Spec", "expand_spec", "read_campaign", "read_spec"]


@dataclass(slots=True)
class Loaded:
    """A campaign, read and expanded."""

    project: Project
    campaign: Campaign
    offer: Offer
    strings: Strings | None
    expansion: Expansion
    files: Files
    string_files: Mapping[str, tuple[str, ...]]  # locale → the files its texts may come from


class _Sources:
    """Answers core's questions about source files."""

    def __init__(self, project: Project, files: Files, problems: Problems) -> None:
        self._project = project
        self._files = files
        self._problems = problems
        self._texts: dict[str, str | None] = {}
        self._damaged: set[str] = set()

    def read(self, path: str) -> str | None:
        if path not in self._texts:
            try:
                self._texts[path] = self._files.read_text(path) if self._files.exists(path) else None
            except ImagebuildError as bad:
                at = bad.at or Place(path)
                at.file = self._project.label(path)
                self._problems.add(bad.what, at=at, hint=bad.hint)
                self._texts[path] = ""
                self._damaged.add(path)
        return self._texts[path]

    def label(self, path: str) -> str:
        return self._project.label(path)

    def damaged(self, path: str) -> bool:
        return path in self._damaged


@dataclass(slots=True)
class Spec:
    """A campaign before it is expanded: the part that every cell shares."""

    campaign: Campaign
    offer: Offer | None
    sources: _Sources
    files: Files
    problems: Problems


def read_spec(
    project: Project, *, provider: str | None, remembered: Remembered | None = None, catalog: Catalog | None = None
) -> Spec:
    """Parse the campaign file and the axis files it names."""
    problems = Problems()
    files = Files(project.folder, remembered)
    sources = _Sources(project, files, problems)
    text = sources.read(project.spec_name)
    problems.check()
    campaign = parse_campaign(
        text or "", sources, file=project.label(project.spec_name), problems=problems, shipped=_shipped_placements
    )
    if campaign is None:
        problems.check()
        raise ImagebuildError(f"cannot read `{project.spec_name}`")
    name = provider or campaign.provider or "proof"
    offer = (catalog or _catalog_with(name)).offer(
        name,
        campaign.model,
        allow_floating=campaign.allow_floating,
        problems=problems,
        model_at=campaign.model_place,
        provider_at=campaign.provider_place if provider is None else None,
        situation=Situation() if name == "proof" else _situation(project, name),
    )
    return Spec(campaign, offer, sources, files, problems)


def _shipped_placements() -> Mapping[str, Placement]:
    return placements.shipped_placements()


def _catalog_with(name: str) -> Catalog:
    """The catalogue; with what plugins bring to it when it has no such provider, for looking for them takes time."""
    catalog = load_catalog()
    return catalog if name in catalog.providers else plugins.catalog_for(name)


def _situation(project: Project, provider: str) -> Situation:
    """What the environment, and `.env` behind it, say of how a provider is asked."""
    written = account.read_dotenv([project.folder, project.root])

    def found(name: str) -> str:
        return os.environ.get(name, "").strip() or written.get(name, "").strip()

    partials = found(f"IMAGEBUILD_{provider}_PARTIALS".upper().replace("-", "_"))
    return Situation(
        public_references=bool(found("IMAGEBUILD_REFERENCES_URL")),
        partials=int(partials) if partials in ("1", "2", "3") else 0,
    )


def read_campaign(
    project: Project,
    *,
    provider: str | None = None,
    remembered: Remembered | None = None,
    narrow: Narrow | None = None,
    priced: bool = False,
    picks: Mapping[str, int] | None = None,
) -> Loaded:
    """Everything that follows from a campaign. `narrow`: what of it to work out, a memory answering for the rest;
    `picks`: which variants were chosen in a review.
    `priced`: a price that is not known is a mistake too, also of what has been made already."""
    spec = read_spec(project, provider=provider, remembered=remembered)
    campaign, problems = spec.campaign, spec.problems
    loaded = expand_spec(project, spec, narrow(campaign) if narrow is not None else None, picks)
    if priced and spec.offer is not None:
        for action in loaded.expansion.actions.values():
            unknown = unknown_price(action, spec.offer)
            if unknown is not None:
                what, hint = unknown
                problems.add(what, at=campaign.assets[action.asset].place, hint=hint, once=("price", action.asset))
    problems.check()
    return loaded


def expand_spec(
    project: Project, spec: Spec, part: Part | None = None, picks: Mapping[str, int] | None = None
) -> Loaded:
    """What follows from a campaign, or from a part of it, as far as it can be worked out: what is wrong is in
    `spec.problems`."""
    part = part or Part(None, None, {}, {})
    campaign = spec.campaign
    strings, string_files = _read_strings(campaign, spec, part.tags)
    offer = spec.offer or _any_offer()  # every other mistake is told as well
    expansion = expand(
        campaign, offer, strings, spec.sources, spec.files.digest, _Tools(), spec.problems,
        reach=part.reach, known=part.known, outputs=part.outputs, picks=picks,
    )  # fmt: skip
    return Loaded(project, campaign, offer, strings, expansion, spec.files, string_files)


class _Tools:
    """Which versions draw and check, each asked for once."""

    def __init__(self) -> None:
        self.of_steps = cache(tools_for)

    def of_checks(self, checks: Mapping[str, object]) -> Mapping[str, str]:
        return versions_for(checks)


class Part(NamedTuple):
    """A part of a campaign: which cells of which assets (None: all), the locales whose strings that takes (None: all),
    the results of the rest, and the output paths, by address, that are as they were."""

    reach: Mapping[str, Reach | None] | None
    tags: set[str] | None
    known: Mapping[str, Result]
    outputs: Mapping[str, str]


Narrow = Callable[[Campaign], Part]


def _any_offer() -> Offer:
    catalog = load_catalog()
    offer = catalog.offer(
        "proof", next(iter(catalog.models)), allow_floating=True, problems=Problems(), model_at=None, provider_at=None
    )
    assert offer is not None
    return offer


def _read_strings(
    campaign: Campaign, spec: Spec, tags: set[str] | None
) -> tuple[Strings | None, dict[str, tuple[str, ...]]]:
    """The catalogues of every locale, or of those in `tags` and of the source."""
    locale = campaign.locale
    if locale is None or not locale.strings:
        return None, {}
    wanted = [tag for tag in locale.tags if tags is None or tag in tags or tag == locale.source]
    catalogues: dict[str, dict[str, Text]] = {}
    by_locale: dict[str, tuple[str, ...]] = {}
    damaged: set[str] = set()
    for pattern, at in locale.strings:
        found_any = False
        for tag, path in strings_files(pattern, wanted):
            text = spec.sources.read(path)
            if text is None:
                continue
            found_any = True
            before = len(spec.problems)
            for each, texts in _parse_strings(text, tag, spec.sources.label(path), spec.problems).items():
                catalogues.setdefault(each, {}).update(texts)
            if len(spec.problems) > before or spec.sources.damaged(path):
                damaged.update(wanted if tag is None else [tag])
        if not found_any and tags is None:
            spec.problems.add(f"`strings`: no file for `{pattern}`", at=at, hint=_strings_hint(pattern, locale.source))
            damaged.update(wanted)
        for tag in wanted:
            paths = tuple(path for _, path in strings_files(pattern, [tag]))
            by_locale[tag] = by_locale.get(tag, ()) + paths
    strings = Strings(
        catalogues,
        source=locale.source,
        targets=locale.targets,
        policy=locale.policy,
        damaged=damaged,
        files={tag: spec.sources.label(paths[0]) for tag, paths in by_locale.items() if paths},
    )
    return strings, by_locale


def _parse_strings(text: str, tag: str | None, label: str, problems: Problems) -> dict[str, dict[str, Text]]:
    if tag is None:
        return parse_catalogues(text, file=label, problems=problems)
    return {tag: parse_catalogue(text, file=label, tag=tag, problems=problems)}


def _strings_hint(pattern: str, source: str) -> str:
    if "{" not in pattern:
        return "one file for all locales, or a path with `{locale}` in it"
    return f"e.g. `{strings_files(pattern, [source])[0][1]}`"
