"""The campaign file → `Campaign`: every key of format 1, checked; every mistake noted with its place.

What is wrong in one part does not hide what is wrong in another, nor is told again there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuild.core import fields
from imagebuild.core.approvals.policy import NO_POLICY
from imagebuild.core.approvals.policy_parser import check_rules, parse_policy
from imagebuild.core.asset_parser import ASSET_NAME, parse_asset
from imagebuild.core.axis_parser import parse_axes
from imagebuild.core.cell_parser import check_exclusions, check_variable, parse_exclusions, parse_inclusions
from imagebuild.core.check_parser import parse_checks
from imagebuild.core.document import Node, parse_yaml, plain
from imagebuild.core.placements.placement import Placement
from imagebuild.core.scope import Scope
from imagebuild.core.setting_parser import parse_settings
from imagebuild.core.shape_parser import parse_own_placements, with_inherited_focus
from imagebuild.core.spec import (
    ASSET_KEYS,
    BUDGET_KEYS,
    CAMPAIGN_KEYS,
    FORMAT,
    SETTING_KEYS,
    AssetSpec,
    Budget,
    Campaign,
    Settings,
)
from imagebuild.errors import Place, Problems

__all__ = ["parse_campaign"]

DEFAULT_FOLDER = "out"
_START = "start with `imagebuild: 1`; `imagebuild init` writes a working example"


def parse_campaign(
    text: str,
    sources: fields.Sources,
    *,
    file: str,
    problems: Problems,
    shipped: Callable[[], Mapping[str, Placement]] = dict,
) -> Campaign | None:
    """The campaign, or None when it is too broken to go on; `problems` holds every mistake found. `shipped` are the
    catalogue's placements, asked for when the campaign names one."""
    before = len(problems)
    root = parse_yaml(text, file=file, problems=problems)
    if root is None:
        if len(problems) == before:
            problems.add("the campaign is empty", at=Place(file, 1, 1), hint=_START)
        return None
    if not fields.mapping(root, "a campaign", problems, hint=_START) or not _format_is_known(root, problems):
        return None
    fields.check_keys(root, CAMPAIGN_KEYS, "the campaign", problems)
    return _Parser(root, sources, problems, shipped).campaign()


def _format_is_known(root: Node, problems: Problems) -> bool:
    version = root.get("imagebuild")
    wanted = f"`imagebuild: {FORMAT}`"
    if version is None:
        hint = f"the version of the format: {wanted} as the first line"
        problems.add("missing key `imagebuild`", at=root.place, hint=hint)
        return True
    if not isinstance(version.value, int) or isinstance(version.value, bool):
        fields.wrong(version, "`imagebuild`", "a whole number", problems, f"write {wanted}")
        return version.value in (str(FORMAT), float(FORMAT))
    if version.value != FORMAT:
        problems.add(f"format {version.value} is not known here", at=version.place, hint=f"this version reads {wanted}")
        return False
    return True


class _Parser:
    def __init__(
        self,
        root: Node,
        sources: fields.Sources,
        problems: Problems,
        shipped: Callable[[], Mapping[str, Placement]],
    ) -> None:
        self.root = root
        self.problems = problems
        self.scope = Scope(sources, problems)
        self.shipped = shipped

    def campaign(self) -> Campaign | None:
        root, problems, scope = self.root, self.problems, self.scope
        axes_node, vars_node, assets_node = root.get("axes"), root.get("vars"), root.get("assets")
        scope.placements = parse_own_placements(root.get("placements"), scope, self.shipped, problems)
        scope.axes, locale, axis_files = parse_axes(axes_node, scope.sources, problems, scope.placements)
        scope.files.extend(axis_files)
        if assets_node is not None:
            scope.asset_names = tuple(name for name, _, _ in assets_node.items())
        name = self._name()
        model = self._text("model", "a pinned snapshot, e.g. `model: gpt-image-2-2026-04-21`", required=True)
        provider = self._text("provider", "e.g. `provider: proof`")
        floating = root.get("allow_floating")
        allowed = bool(floating and fields.boolean(floating, "`allow_floating`", problems))
        budget, folder = self._budget(root.get("budget")), self._output_folder(root.get("output_folder"))
        variables = self._variables(vars_node)
        readable = all(each is None or each.is_mapping for each in (axes_node, vars_node))
        policy = parse_policy(root.get("approvers"), root.get("approval"), scope, axes_known=readable)
        scope.policy = policy or NO_POLICY
        assets = self._assets(assets_node) if readable else {}
        check_exclusions(assets, problems)
        check_rules(scope.policy, assets, problems)
        own = {name: asset.approval for name, asset in assets.items() if asset.approval is not None}
        if name is None or model is None or not readable:
            return None
        return Campaign(
            name=name,
            model=model,
            model_place=(root.get("model") or root).place,
            allow_floating=allowed,
            provider=provider,
            provider_place=(root.get("provider") or root).place if provider else None,
            budget=budget,
            output_folder=folder,
            axes=scope.axes,
            locale=locale,
            variables=variables,
            assets=assets,
            files=tuple(dict.fromkeys(scope.files)),
            place=root.place,
            placements=scope.placements.own,
            approval=scope.policy._replace(own=own) if policy is not None or own else None,
        )

    def _text(self, name: str, hint: str, *, required: bool = False) -> str | None:
        node = self.root.get(name)
        if node is None:
            if required:
                self.problems.add(f"missing key `{name}`", at=self.root.place, hint=hint)
            return None
        return fields.text(node, f"`{name}`", self.problems)

    def _name(self) -> str | None:
        name = self._text("campaign", "a short name, e.g. `campaign: spring-kettle`", required=True)
        node = self.root.get("campaign")
        if name is not None and node is not None and (not name.isprintable() or len(name) > 100):
            hint = "a short name, e.g. `campaign: spring-kettle`"
            self.problems.add("`campaign` is no name: one line, at most 100 characters", at=node.place, hint=hint)
        return name

    def _budget(self, node: Node | None) -> Budget:
        example = "`budget: {build: 10 USD}`"
        if node is None or not fields.mapping(node, "`budget`", self.problems, hint=f"e.g. {example}"):
            return Budget()
        fields.check_keys(node, BUDGET_KEYS, "`budget`", self.problems)
        amounts = {
            name: fields.money(value, f"`budget.{name}`", self.problems)
            for name, _, value in node.items()
            if name in BUDGET_KEYS
        }
        return Budget(**amounts)

    def _output_folder(self, node: Node | None) -> str:
        value = fields.text(node, "`output_folder`", self.problems) if node else None
        if value is None or node is None:
            return DEFAULT_FOLDER
        parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
        if value.startswith(("/", "~")) or ".." in parts or not parts or ":" in parts[0] or not value.isprintable():
            what = f"`output_folder`: `{value}` is not a folder below the campaign's"
            self.problems.add(what, at=node.place, hint=f"e.g. `output_folder: {DEFAULT_FOLDER}`")
            return DEFAULT_FOLDER
        return "/".join(parts)

    def _variables(self, node: Node | None) -> dict[str, object]:
        if node is None or not fields.mapping(node, "`vars`", self.problems):
            return {}
        for name, key, _ in node.items():
            check_variable(name, key, self.scope)
        frozen = fields.frozen(plain(node))
        return frozen if isinstance(frozen, dict) else {}

    def _defaults(self, node: Node | None) -> Settings:
        if node is None or not fields.mapping(node, "`defaults`", self.problems):
            return Settings()
        fields.check_keys(node, SETTING_KEYS, "`defaults`", self.problems)
        return parse_settings(node, "`defaults`", self.problems)

    def _assets(self, node: Node | None) -> dict[str, AssetSpec]:
        below = self._defaults(self.root.get("defaults"))
        cells = (
            parse_exclusions(self.root.get("exclude"), (), self.scope),
            parse_inclusions(self.root.get("include"), (), self.scope),
        )
        checks_node = self.root.get("checks")
        checks = parse_checks(checks_node, self.scope, "the campaign") if checks_node else {}
        hint = "what to make, e.g. `assets: {scene: {prompt: A kettle, output: kettle.png}}`"
        if node is None:
            self.problems.add("missing key `assets`", at=self.root.place, hint=hint)
            return {}
        if not fields.mapping(node, "`assets`", self.problems, hint=hint):
            return {}
        if not node.value:
            self.problems.add("`assets` is empty", at=node.place, hint=hint)
        found: dict[str, AssetSpec] = {}
        for name, key, value in node.items():
            where = f"asset `{name}`"
            example = "e.g. `{prompt: A kettle, output: kettle.png}`"
            if not ASSET_NAME.match(name):
                rule = "letters, digits, `_`, `-` and `.`"
                self.problems.add(f"`{name}` cannot be the name of an asset", at=key.place, hint=rule)
            elif fields.mapping(value, where, self.problems, hint=example):
                fields.check_keys(value, ASSET_KEYS, where, self.problems)
                found[name] = parse_asset(name, key, value, below, cells, checks, self.scope)
        return with_inherited_focus(found)
