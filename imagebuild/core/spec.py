"""A campaign as it is written: format 1's keys and the values they become, with the places kept for later messages.

Knows the form of the file; not how it is read (`spec_parser`), nor which pictures follow from it (`expand`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, NamedTuple

from imagebuild.core.approvals.policy import Need, Policy
from imagebuild.core.axis import Axis, Entry, LocaleSetting, Ratio
from imagebuild.core.checks import Check
from imagebuild.core.placements.placement import Placement
from imagebuild.core.sizes import Size
from imagebuild.core.steps.kind import Step
from imagebuild.core.written import Link, SourceText, links_in
from imagebuild.errors import Place

__all__ = [
    "APPROVAL_KEYS",
    "ASSET_KEYS",
    "BACKGROUNDS",
    "BUDGET_KEYS",
    "CAMPAIGN_KEYS",
    "FORMAT",
    "MASTER_FORMATS",
    "MOST_TAKES",
    "QUALITIES",
    "RESOLUTIONS",
    "SETTING_KEYS",
    "AssetSpec",
    "Budget",
    "Campaign",
    "Exclusion",
    "Focus",
    "Inclusion",
    "MaskBox",
    "Masters",
    "Settings",
    "SheetSpec",
]

FORMAT = 1
QUALITIES = ("low", "medium", "high")
RESOLUTIONS = ("1k", "2k", "4k")
BACKGROUNDS = ("auto", "opaque", "transparent")
MASTER_FORMATS = ("png", "jpeg", "webp")
MOST_TAKES = 9999
SETTING_KEYS = ("quality", "resolution", "size", "background", "format", "take", "variants", "pick")
CAMPAIGN_KEYS = (
    "imagebuild",
    "campaign",
    "model",
    "allow_floating",
    "provider",
    "budget",
    "output_folder",
    "defaults",
    "checks",
    "placements",
    "approvers",
    "approval",
    "axes",
    "exclude",
    "include",
    "vars",
    "assets",
)
ASSET_KEYS = (
    "over", "prompt", "from", "references", "mask", "outside", "sheet", "focus", "masters", "steps", "checks",
    "output", "alt", "approval", "exclude", "include", *SETTING_KEYS,
)  # fmt: skip
BUDGET_KEYS = ("build", "campaign", "month")
APPROVAL_KEYS = ("need", "by_others", "for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a request may say beside its words. None: not said at this level."""

    quality: str | None = None
    resolution: str | None = None
    size: Size | None = None
    background: str | None = None
    format: str | None = None
    take: int | None = None
    variants: int | None = None
    pick: int | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def over(self, below: Settings) -> Settings:
        """These settings, with what they do not say taken from `below`. A size and a resolution replace each other."""
        said = {each.name: getattr(self, each.name) for each in dataclass_fields(self) if each.name != "places"}
        merged = {name: value if value is not None else getattr(below, name) for name, value in said.items()}
        if self.resolution is not None and self.size is None:
            merged["size"] = None
        return Settings(**merged, places={**below.places, **self.places})


class Exclusion(NamedTuple):
    """Cells that match every pattern are not made. `assets` is empty for all."""

    assets: tuple[str, ...]
    patterns: Mapping[str, tuple[str, ...]]
    place: Place


class Inclusion(NamedTuple):
    """Overrides settings or variables of the cells that match, or adds the one cell that it names in full."""

    assets: tuple[str, ...]
    cell: Mapping[str, Entry]
    settings: Settings
    variables: Mapping[str, object]
    place: Place


class MaskBox(NamedTuple):
    """The part of a picture that an edit may change, as canonical parameters of a crop's `box`."""

    box: Mapping[str, object]
    place: Place


class SheetSpec(NamedTuple):
    """One picture of many: those of another asset, in every cell that agrees with the sheet's own."""

    of: Link
    options: Mapping[str, object]
    place: Place


class Budget(NamedTuple):
    """The most that a build, the campaign in all, and a calendar month may cost, in US dollars. A month's is for every
    campaign that shares the store."""

    build: Decimal | None = None
    campaign: Decimal | None = None
    month: Decimal | None = None


class Focus(NamedTuple):
    """What a fit or a crop that is implied keeps: a canonical anchor."""

    anchor: str | tuple[float, ...]
    place: Place


Masters = Literal["fewest", "each"] | tuple[Ratio, ...]  # which pictures are paid for, for exact pixels of the axis


class AssetSpec(NamedTuple):
    """One asset as it is written. `broken`: part of it could not be read, so nothing can be said of its cells."""

    name: str
    over: tuple[str, ...]
    prompt: SourceText | None
    source: Link | None
    references: tuple[tuple[str | Link, Place], ...]
    mask: SourceText | MaskBox | None
    steps: tuple[Step, ...]
    output: SourceText | None
    settings: Settings
    exclude: tuple[Exclusion, ...]
    include: tuple[Inclusion, ...]
    place: Place
    broken: bool = False
    keep_outside: bool = False  # of the mask: those pixels are the source's again
    sheet: SheetSpec | None = None
    checks: Mapping[str, Check] = {}
    focus: Focus | None = None
    masters: Masters = "fewest"
    masters_place: Place | None = None
    alt: SourceText | None = None  # what a delivered picture says to those who do not see it
    approval: Need | None = None  # instead of what the campaign says

    @property
    def paid(self) -> bool:
        return self.prompt is not None

    @property
    def links(self) -> tuple[Link, ...]:
        """Every other asset that this one is made from."""
        own = (self.source,) if self.source else (self.sheet.of,) if self.sheet else ()
        pictures = tuple(reference for reference, _ in self.references if isinstance(reference, Link))
        return own + pictures + tuple(link for step in self.steps for link in links_in(step.parameters))


class Campaign(NamedTuple):
    """One campaign file, read and checked. `files` are the others it was read from."""

    name: str
    model: str
    model_place: Place
    allow_floating: bool
    provider: str | None
    provider_place: Place | None
    budget: Budget
    output_folder: str
    axes: Mapping[str, Axis]
    locale: LocaleSetting | None
    variables: Mapping[str, object]
    assets: Mapping[str, AssetSpec]
    files: tuple[str, ...]
    place: Place
    placements: Mapping[str, Placement] = MappingProxyType({})  # the campaign's own
    approval: Policy | None = None  # None: it says nothing of approvals
