"""Campaigns from texts, for the tests of the reading side: no file is read, nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from imagebuild.core.action import Expansion
from imagebuild.core.catalogue import parse_catalogue, strings_files
from imagebuild.core.document import Node, parse_yaml
from imagebuild.core.expand import expand
from imagebuild.core.key import digest_of
from imagebuild.core.offer import USUAL, Offer, Situation
from imagebuild.core.spec import Campaign
from imagebuild.core.spec_parser import parse_campaign
from imagebuild.core.strings import Strings
from imagebuild.errors import Problem, Problems, SpecErrors
from imagebuild.picture.placements import shipped_placements
from imagebuild.providers.catalog import load_catalog

SNAPSHOT = "gpt-image-2-2026-04-21"
HEAD = f"imagebuild: 1\ncampaign: test\nmodel: {SNAPSHOT}\n"
FILE = "campaign.yaml"


class Texts:
    """Source files that are a mapping of path to text."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self.files = dict(files or {})

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def label(self, path: str) -> str:
        return path

    def damaged(self, path: str) -> bool:
        return False


def node_of(text: str) -> Node:
    problems = Problems()
    node = parse_yaml(text, file=FILE, problems=problems)
    problems.check()
    assert node is not None
    return node


def campaign_of(text: str, files: Mapping[str, str] | None = None) -> Campaign:
    """The campaign that a text is, under the usual head."""
    problems = Problems()
    campaign = parse_campaign(HEAD + text, Texts(files), file=FILE, problems=problems, shipped=shipped_placements)
    problems.check()
    assert campaign is not None
    return campaign


def mistakes_of(text: str, files: Mapping[str, str] | None = None, *, head: str = HEAD) -> list[Problem]:
    problems = Problems()
    parse_campaign(head + text, Texts(files), file=FILE, problems=problems, shipped=shipped_placements)
    return list(SpecErrors(problems.found).problems)


def offer_of(
    provider: str = "proof", model: str = SNAPSHOT, *, floating: bool = False, situation: Situation = USUAL
) -> Offer:
    problems = Problems()
    offer = load_catalog().offer(
        provider,
        model,
        allow_floating=floating,
        problems=problems,
        model_at=None,
        provider_at=None,
        situation=situation,
    )
    problems.check()
    assert offer is not None
    return offer


def strings_of(campaign: Campaign, files: Mapping[str, str], problems: Problems) -> Strings | None:
    if campaign.locale is None or not campaign.locale.strings:
        return None
    catalogues = {
        tag: parse_catalogue(files[path], file=path, tag=tag, problems=problems)
        for pattern, _ in campaign.locale.strings
        for tag, path in strings_files(pattern, campaign.locale.tags)
        if tag is not None and path in files
    }
    return Strings(
        catalogues, source=campaign.locale.source, targets=campaign.locale.targets, policy=campaign.locale.policy
    )


class OneTool:
    """One library draws and checks everything."""

    def of_steps(self, names, formats):
        return {"pillow": "1"}

    def of_checks(self, checks):
        return {"pillow": "1"}


def expansion_of(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    provider: str = "proof",
    floating: bool = False,
    situation: Situation = USUAL,
) -> Expansion:
    """What follows from a campaign; a file's digest is that of its text."""
    files = files or {}
    campaign, problems = campaign_of(text, files), Problems()
    strings = strings_of(campaign, files, problems)
    found = expand(
        campaign,
        offer_of(provider, floating=floating, situation=situation),
        strings,
        Texts(files),
        lambda path: digest_of(files[path].encode()) if path in files else None,
        OneTool(),
        problems,
    )
    problems.check()
    return found
