"""The campaign file → `Campaign`: every key of format 1, checked, with the places kept for later messages.

Knows the form of the file; not which pictures follow from it (`expand`), nor what a template says (`template`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields as dataclass_fields
from decimal import Decimal

from imagebuild.core import fields
from imagebuild.core.axis import RESERVED, Axis, Entry, LocaleSetting, parse_axes, parse_entry
from imagebuild.core.document import Node, parse_yaml, plain
from imagebuild.core.sizes import Size, parse_size
from imagebuild.core.steps import Step, parse_steps
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = [
    "AssetSpec",
    "Budget",
    "Campaign",
    "Exclusion",
    "Inclusion",
    "Link",
    "Settings",
    "SourceText",
    "parse_campaign",
]

FORMAT = 1
QUALITIES = ("low", "medium", "high")
RESOLUTIONS = ("1k", "2k", "4k")
BACKGROUNDS = ("auto", "opaque", "transparent")
FORMATS = ("png", "jpeg", "webp")
SETTING_KEYS = ("quality", "resolution", "size", "background", "format", "take")
CAMPAIGN_KEYS = (
    "imagebuild", "campaign", "model", "allow_floating", "provider", "budget", "output_folder", "defaults", "axes",
    "exclude", "include", "vars", "assets",
)  # fmt: skip
ASSET_KEYS = ("over", "prompt", "from", "references", "mask", "steps", "output", "exclude", "include", *SETTING_KEYS)
BUDGET_KEYS = ("build", "campaign", "month")

_ASSET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_LINK = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)(?:\[([^\[\]]*)\])?\Z")
_PROMPT_FILE = re.compile(r"[^\s{}]+\.(j2|jinja|jinja2|txt|md|prompt)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A template's text and where it stands: in a file of its own, or inline in the campaign at `place`.

    `lines` are those of the file that holds it, `first_line` the one where the text starts: for messages.
    """

    text: str
    file: str | None
    place: Place
    lines: list[str] = field(compare=False, repr=False)
    first_line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a request may say beside its words. None: not said at this level."""

    quality: str | None = None
    resolution: str | None = None
    size: Size | None = None
    background: str | None = None
    format: str | None = None
    take: int | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def over(self, below: Settings) -> Settings:
        """These settings, with what they do not say taken from `below`. A size and a resolution replace each other."""
        said = {each.name: getattr(self, each.name) for each in dataclass_fields(self) if each.name != "places"}
        merged = {name: value if value is not None else getattr(below, name) for name, value in said.items()}
        if self.resolution is not None and self.size is None:
            merged["size"] = None
        return Settings(**merged, places={**below.places, **self.places})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`scene`, or `scene[ratio=1:1]`: another asset of the campaign, in the same cell but for the axes pinned here."""

    asset: str
    pins: Mapping[str, str]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Cells that match every pattern are not made. `assets` is empty for all."""

    assets: tuple[str, ...]
    patterns: Mapping[str, tuple[str, ...]]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Overrides settings or variables of the cells that match, or adds the one cell that it names in full."""

    assets: tuple[str, ...]
    cell: Mapping[str, Entry]
    settings: Settings
    variables: Mapping[str, object]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    build: Decimal | None = None
    campaign: Decimal | None = None
    month: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSpec:
    name: str
    over: tuple[str, ...]
    prompt: SourceText | None
    source: Link | None
    references: tuple[tuple[str | Link, Place], ...]
    mask: SourceText | None
    steps: tuple[Step, ...]
    output: SourceText | None
    settings: Settings
    exclude: tuple[Exclusion, ...]
    include: tuple[Inclusion, ...]
    place: Place

    @property
    def paid(self) -> bool:
        return self.prompt is not None

    @property
    def links(self) -> tuple[Link, ...]:
        """Every other asset that this one is made from."""
        own = (self.source,) if self.source else ()
        return own + tuple(reference for reference, _ in self.references if isinstance(reference, Link))


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
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


def parse_campaign(text: str, sources: fields.Sources, *, file: str, problems: Problems) -> Campaign | None:
    """The campaign, or None when it is too broken to go on; `problems` holds every mistake found."""
    root = parse_yaml(text, file=file, problems=problems)
    if root is None or not root.is_mapping:
        if not problems:
            at = root.place if root else Place(file, 1, 1)
            problems.add(
                "a campaign is a mapping",
                at=at,
                hint="start with `imagebuild: 1`; `imagebuild init` writes a working example",
            )
        return None
    if not _format_is_known(root, problems):
        return None
    fields.check_keys(root, CAMPAIGN_KEYS, "the campaign", problems)
    parser = _Parser(root, sources, problems)
    return parser.campaign()


def _format_is_known(root: Node, problems: Problems) -> bool:
    version = root.get("imagebuild")
    if version is None:
        problems.add(
            "missing key `imagebuild`",
            at=root.place,
            hint=f"the format's version: `imagebuild: {FORMAT}` as the first line",
        )
        return True
    if version.value != FORMAT or isinstance(version.value, bool):
        problems.add(
            f"format {fields.written(version)} is not known to this version",
            at=version.place,
            hint=f"this version reads `imagebuild: {FORMAT}`",
        )
        return False
    return True


class _Parser:
    def __init__(self, root: Node, sources: fields.Sources, problems: Problems) -> None:
        self.root = root
        self.sources = sources
        self.problems = problems
        self.files: list[str] = []
        self.axes: dict[str, Axis] = {}
        self.asset_names: tuple[str, ...] = ()

    def campaign(self) -> Campaign | None:
        root, problems = self.root, self.problems
        self.axes, locale, axis_files = parse_axes(root.get("axes"), self.sources, problems)
        self.files.extend(axis_files)
        assets_node = root.get("assets")
        if assets_node is not None:
            self.asset_names = tuple(name for name, _, _ in assets_node.items())
        name = self._required("campaign", "a short name, e.g. `campaign: spring-kettle`")
        model = self._required("model", "a pinned snapshot, e.g. `model: gpt-image-2-2026-04-21`")
        model_node = root.get("model")
        provider_node = root.get("provider")
        floating = root.get("allow_floating")
        defaults = root.get("defaults")
        below = self._settings(defaults, "`defaults`", only_settings=True) if defaults else Settings()
        exclude = self._exclusions(root.get("exclude"), ())
        include = self._inclusions(root.get("include"), ())
        variables = self._variables(root.get("vars"))
        assets = self._assets(assets_node, below, exclude, include)
        if name is None or model is None or model_node is None:
            return None
        return Campaign(
            name=name,
            model=model,
            model_place=model_node.place,
            allow_floating=bool(floating and fields.boolean(floating, "`allow_floating`", problems)),
            provider=fields.text(provider_node, "`provider`", problems) if provider_node else None,
            provider_place=provider_node.place if provider_node else None,
            budget=self._budget(root.get("budget")),
            output_folder=self._output_folder(root.get("output_folder")),
            axes=self.axes,
            locale=locale,
            variables=variables,
            assets=assets,
            files=tuple(dict.fromkeys(self.files)),
            place=root.place,
        )

    def _required(self, name: str, hint: str) -> str | None:
        node = self.root.get(name)
        if node is None:
            self.problems.add(f"missing key `{name}`", at=self.root.place, hint=hint)
            return None
        return fields.text(node, f"`{name}`", self.problems)

    def _budget(self, node: Node | None) -> Budget:
        if node is None or not fields.mapping(node, "`budget`", self.problems):
            return Budget()
        fields.check_keys(node, BUDGET_KEYS, "`budget`", self.problems)
        amounts = {
            name: fields.money(value, f"`budget.{name}`", self.problems)
            for name, _, value in node.items()
            if name in BUDGET_KEYS
        }
        return Budget(**amounts)

    def _output_folder(self, node: Node | None) -> str:
        if node is None:
            return "out"
        value = fields.text(node, "`output_folder`", self.problems)
        if value is None:
            return "out"
        parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
        if value.startswith(("/", "~")) or ".." in parts or not parts or ":" in parts[0]:
            self.problems.add(
                f"`output_folder`: `{value}` is not a folder below the campaign's",
                at=node.place,
                hint="e.g. `output_folder: out`",
            )
            return "out"
        return "/".join(parts)

    def _variables(self, node: Node | None) -> dict[str, object]:
        if node is None or not fields.mapping(node, "`vars`", self.problems):
            return {}
        for name, key, _ in node.items():
            if name in RESERVED or name in self.axes:
                self.problems.add(
                    f"`{name}` cannot be a variable: templates use this name already",
                    at=key.place,
                    hint="give it another name",
                )
        frozen = fields.frozen(plain(node))
        return frozen if isinstance(frozen, dict) else {}

    def _assets(
        self, node: Node | None, below: Settings, exclude: tuple[Exclusion, ...], include: tuple[Inclusion, ...]
    ) -> dict[str, AssetSpec]:
        if node is None:
            self.problems.add(
                "missing key `assets`", at=self.root.place, hint="what to make; see `imagebuild init` for an example"
            )
            return {}
        if not fields.mapping(node, "`assets`", self.problems):
            return {}
        found: dict[str, AssetSpec] = {}
        for name, key, value in node.items():
            if not _ASSET_NAME.match(name):
                self.problems.add(
                    f"`{name}` cannot be the name of an asset", at=key.place, hint="letters, digits, `_`, `-` and `.`"
                )
            elif fields.mapping(value, f"asset `{name}`", self.problems):
                fields.check_keys(value, ASSET_KEYS, f"asset `{name}`", self.problems)
                found[name] = self._asset(name, key.place, value, below, exclude, include)
        if not node.value:
            self.problems.add("`assets` is empty", at=node.place, hint="name at least one")
        return found

    def _asset(
        self,
        name: str,
        place: Place,
        node: Node,
        below: Settings,
        exclude: tuple[Exclusion, ...],
        include: tuple[Inclusion, ...],
    ) -> AssetSpec:
        problems = self.problems
        where = f"asset `{name}`"
        prompt_node, from_node, steps_node, mask_node, output_node = (
            node.get(key) for key in ("prompt", "from", "steps", "mask", "output")
        )
        own = self._settings(node, where)
        if prompt_node is None and from_node is None:
            problems.add(
                f"{where} has neither `prompt` nor `from`",
                at=place,
                hint="`prompt` makes a picture; `from` with `steps` works on another asset's",
            )
        if mask_node and not (prompt_node and from_node):
            problems.add(
                f"{where}: a `mask` needs `from` and `prompt`",
                at=mask_node.place,
                hint="a mask says which part of a picture an edit may change",
            )
        if prompt_node is None:
            for key in ("quality", "resolution", "size", "background", "format", "take"):
                if key in own.places:
                    problems.add(
                        f"{where}: `{key}` is for a paid picture, this asset has no `prompt`",
                        at=own.places[key],
                        hint="for the pixels of a local picture use `steps: [fit: …]`"
                        if key in ("size", "resolution")
                        else None,
                    )
            if node.get("references"):
                problems.add(
                    f"{where}: `references` go with a `prompt`",
                    at=node.value["references"][0].place if isinstance(node.value, dict) else place,
                )
        return AssetSpec(
            name=name,
            over=self._over(node.get("over"), where),
            prompt=self._prompt(prompt_node, where) if prompt_node else None,
            source=self._link(from_node, where) if from_node else None,
            references=self._references(node.get("references"), where),
            mask=self._inline(mask_node, f"{where}: `mask`") if mask_node else None,
            steps=parse_steps(steps_node, problems) if steps_node else (),
            output=self._inline(output_node, f"{where}: `output`") if output_node else None,
            settings=own.over(below),
            exclude=exclude + self._exclusions(node.get("exclude"), (name,)),
            include=include + self._inclusions(node.get("include"), (name,)),
            place=place,
        )

    def _over(self, node: Node | None, where: str) -> tuple[str, ...]:
        if node is None:
            return ()
        found: list[str] = []
        for name, element in fields.texts(node, f"{where}: `over`", self.problems):
            if name not in self.axes:
                self.problems.add(
                    f"{where}: no axis `{name}`",
                    at=element.place,
                    hint=did_you_mean(name, self.axes) or "name it under `axes`",
                )
            elif name in found:
                self.problems.add(f"{where}: axis `{name}` stands twice in `over`", at=element.place)
            else:
                found.append(name)
        return tuple(found)

    def _settings(self, node: Node, where: str, *, only_settings: bool = False) -> Settings:
        if not fields.mapping(node, where, self.problems):
            return Settings()
        if only_settings:
            fields.check_keys(node, SETTING_KEYS, where, self.problems)
        said: dict[str, object] = {}
        places: dict[str, Place] = {}
        for name in SETTING_KEYS:
            value = node.get(name)
            if value is not None:
                said[name] = self._setting(name, value, where)
                places[name] = value.place
        return Settings(**said, places=places)  # type: ignore[arg-type]

    def _setting(self, name: str, node: Node, where: str) -> object:
        what = f"{where}: `{name}`"
        choices = {"quality": QUALITIES, "resolution": RESOLUTIONS, "background": BACKGROUNDS, "format": FORMATS}
        if name in choices:
            if node.value == "auto" and name == "quality":
                self.problems.add(
                    f"{what}: `auto` leaves the price open", at=node.place, hint="choose low, medium or high"
                )
                return None
            return fields.choice(node, what, choices[name], self.problems)
        if name == "take":
            return fields.whole_number(node, what, self.problems, most=9999)
        written = fields.text(node, what, self.problems, numbers=True)
        size = parse_size(written) if written else None
        if written and size is None:
            self.problems.add(
                f"{what}: `{written}` is not a size", at=node.place, hint="width x height in pixels, e.g. `1536x1024`"
            )
        return size

    def _prompt(self, node: Node, where: str) -> SourceText | None:
        what = f"{where}: `prompt`"
        if node.is_mapping:
            fields.check_keys(node, ("file", "text"), what, self.problems)
            file_node, text_node = node.get("file"), node.get("text")
            if (file_node is None) == (text_node is None):
                self.problems.add(f"{what} has either `file` or `text`", at=node.place)
                return None
            if text_node:
                return self._inline(text_node, what)
            node = file_node or node
            path = fields.text(node, what, self.problems)
        else:
            path = fields.text(node, what, self.problems)
            if path is not None and not _PROMPT_FILE.match(path):
                return self._inline(node, what)
        if path is None:
            return None
        content = self.sources.read(path)
        self.files.append(path)
        if content is None:
            self.problems.add(
                f"{what}: no file `{path}`",
                at=node.place,
                hint="paths start at the campaign's folder; `{text: …}` for a prompt that looks like a path",
            )
            return None
        if not content.strip():
            self.problems.add(f"{what}: `{path}` is empty", at=node.place)
            return None
        return SourceText(
            text=content, file=path, place=Place(self.sources.label(path), 1, 1), lines=content.splitlines()
        )

    def _inline(self, node: Node, what: str) -> SourceText | None:
        value = fields.text(node, what, self.problems)
        if value is None:
            return None
        place = node.place
        block = place.text[place.column - 1 : place.column] in ("|", ">")
        return SourceText(
            text=value, file=None, place=place, lines=node.lines, first_line=node.line + 1 if block else node.line
        )

    def _link(self, node: Node, where: str) -> Link | None:
        value = fields.text(node, f"{where}: `from`", self.problems)
        return self.link(value, node, f"{where}: `from`") if value else None

    def link(self, value: str, node: Node, what: str) -> Link | None:
        match = _LINK.match(value)
        if match is None or match.group(1) not in self.asset_names:
            name = match.group(1) if match else value
            self.problems.add(f"{what}: no asset `{name}`", at=node.place, hint=did_you_mean(name, self.asset_names))
            return None
        pins: dict[str, str] = {}
        for part in filter(None, (match.group(2) or "").split(",")):
            axis, _, identity = part.partition("=")
            axis, identity = axis.strip(), identity.strip()
            if axis not in self.axes:
                self.problems.add(f"{what}: no axis `{axis}`", at=node.place, hint=did_you_mean(axis, self.axes))
            elif self.axes[axis].find(identity) is None:
                known = [entry.id for entry in self.axes[axis].entries]
                self.problems.add(
                    f"{what}: axis `{axis}` has no `{identity}`", at=node.place, hint=did_you_mean(identity, known)
                )
            else:
                pins[axis] = identity
        return Link(asset=match.group(1), pins=pins, place=node.place)

    def _references(self, node: Node | None, where: str) -> tuple[tuple[str | Link, Place], ...]:
        if node is None:
            return ()
        what = f"{where}: `references`"
        found: list[tuple[str | Link, Place]] = []
        for element in node.elements() if node.is_list else [node]:
            if element.is_mapping:
                fields.check_keys(element, ("asset", "file"), what, self.problems)
                asset, path = element.get("asset"), element.get("file")
                value = fields.text(asset or path or element, what, self.problems)
                if value and asset:
                    link = self.link(value, asset, what)
                    found.extend([(link, element.place)] if link else [])
                elif value:
                    found.append((value, element.place))
                continue
            value = fields.text(element, what, self.problems)
            if value is None:
                continue
            match = _LINK.match(value)
            if match and match.group(1) in self.asset_names:
                link = self.link(value, element, what)
                found.extend([(link, element.place)] if link else [])
            else:
                found.append((value, element.place))
        if len(found) > 16:
            self.problems.add(f"{what}: {len(found)} pictures, more than the 16 a request may carry", at=node.place)
        return tuple(found)

    def _which_assets(self, node: Node, owner: tuple[str, ...], what: str) -> tuple[str, ...]:
        asset = node.get("asset")
        if asset is None or owner:
            return owner
        names = fields.texts(asset, f"{what}: `asset`", self.problems)
        for name, element in names:
            if name not in self.asset_names:
                self.problems.add(
                    f"{what}: no asset `{name}`", at=element.place, hint=did_you_mean(name, self.asset_names)
                )
        return tuple(name for name, _ in names)

    def _exclusions(self, node: Node | None, owner: tuple[str, ...]) -> tuple[Exclusion, ...]:
        if node is None:
            return ()
        found: list[Exclusion] = []
        for element in fields.list_of(node, "`exclude`", self.problems):
            if not fields.mapping(element, "an entry of `exclude`", self.problems):
                continue
            known = list(self.axes) if owner else [*self.axes, "asset"]
            fields.check_keys(element, known, "`exclude`", self.problems)
            patterns: dict[str, tuple[str, ...]] = {}
            for name, _, value in element.items():
                if name in self.axes:
                    patterns[name] = self._patterns(name, value)
            found.append(
                Exclusion(
                    assets=self._which_assets(element, owner, "`exclude`"), patterns=patterns, place=element.place
                )
            )
        return tuple(found)

    def _patterns(self, axis: str, node: Node) -> tuple[str, ...]:
        known = [entry.id for entry in self.axes[axis].entries]
        found: list[str] = []
        for value, element in fields.texts(node, f"`exclude`: `{axis}`", self.problems, numbers=True):
            if not any(letter in value for letter in "*?[") and value not in known:
                self.problems.add(
                    f"`exclude`: axis `{axis}` has no `{value}`", at=element.place, hint=did_you_mean(value, known)
                )
            found.append(value)
        return tuple(found)

    def _inclusions(self, node: Node | None, owner: tuple[str, ...]) -> tuple[Inclusion, ...]:
        if node is None:
            return ()
        found: list[Inclusion] = []
        for element in fields.list_of(node, "`include`", self.problems):
            if not fields.mapping(element, "an entry of `include`", self.problems):
                continue
            cell: dict[str, Entry] = {}
            variables: dict[str, object] = {}
            for name, key, value in element.items():
                if name in self.axes:
                    entry = self._cell_entry(name, value)
                    if entry:
                        cell[name] = entry
                elif name not in SETTING_KEYS and name != "asset":
                    if name in RESERVED:
                        self.problems.add(
                            f"`{name}` cannot be a variable: templates use this name already", at=key.place
                        )
                    variables[name] = fields.frozen(plain(value))
            found.append(
                Inclusion(
                    assets=self._which_assets(element, owner, "`include`"),
                    cell=cell,
                    settings=self._settings(element, "`include`"),
                    variables=variables,
                    place=element.place,
                )
            )
        return tuple(found)

    def _cell_entry(self, axis: str, node: Node) -> Entry | None:
        """The axis's own entry when the value names one, else a new entry for a cell to be added."""
        if node.is_scalar and isinstance(node.value, str | int | float):
            own = self.axes[axis].find(fields.written(node) if not isinstance(node.value, str) else node.value)
            if own:
                return own
        return parse_entry(axis, node, self.problems)
