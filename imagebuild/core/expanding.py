"""What an expansion has found so far, and what all assets ask of it: templates, files, layouts, other assets' cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuild.core.action import Expansion, Result, Tools
from imagebuild.core.address import address_of
from imagebuild.core.axis import Entry
from imagebuild.core.fields import Sources
from imagebuild.core.key import Digest
from imagebuild.core.layouts.parser import Layout, parse_layout
from imagebuild.core.offer import Offer
from imagebuild.core.outputs import OutputPaths
from imagebuild.core.placements.sharing import Sharing
from imagebuild.core.prompts import Prompts
from imagebuild.core.spec import Campaign
from imagebuild.core.strings import Strings
from imagebuild.core.template import Templates
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import Problems

__all__ = ["Expanding"]


class Expanding:
    """One expansion under way. `results` is what comes out of an action; `stages` names, of a picture that is checked,
    the action that others are made from: they need not wait for the check."""

    def __init__(
        self, campaign: Campaign, offer: Offer, strings: Strings | None, sources: Sources,
        digest_of_file: Callable[[str], Digest | None], tools: Tools, problems: Problems,
    ) -> None:  # fmt: skip
        self.campaign = campaign
        self.offer = offer
        self.sources = sources
        self.tools = tools
        self.problems = problems
        self.templates = Templates(sources, problems)
        self.prompts = Prompts(campaign, strings, problems)
        self.paths = OutputPaths(campaign.output_folder, problems)
        self.sharing = Sharing(campaign.assets, campaign.axes, self.templates.compile, problems)
        self.found = Expansion()
        self.results: dict[str, Result] = {}
        self.stages: dict[str, str] = {}
        self.skipped: set[str] = set()
        self.outputs: Mapping[str, str] = {}  # of cells whose path is as it was
        self.picks: Mapping[str, int] = {}  # the variants that were chosen in a review, by address
        self.used_inclusions: set[int] = set()
        self._digest_of_file = digest_of_file
        self._layouts: dict[str, Layout | None] = {}

    def file(self, path: str) -> Digest | None:
        """The digest of a file that the campaign names, remembered so that a build finds the file again."""
        digest = self._digest_of_file(path)
        if digest is not None:
            self.found.file_of[digest] = path
        return digest

    def layout(self, path: str, written: SourceText) -> Layout | None:
        """A layout, read once; None after noting why there is none."""
        if path not in self._layouts:
            text = self.sources.read(path)
            if text is None:
                hint = "paths start at the campaign's folder"
                self.problems.add(f"no layout `{path}`", at=written.place, hint=hint, once=("layout", path))
            self._layouts[path] = (
                None
                if text is None or self.sources.damaged(path)
                else parse_layout(text, file=self.sources.label(path), problems=self.problems)
            )
        return self._layouts[path]

    def target(self, link: Link, entries: tuple[Entry, ...], address: str) -> str | None:
        """The action that a link means in a cell; None when that cell is skipped or excluded, which is told."""
        target = self.campaign.assets[link.asset]
        own = {entry.axis: entry.id for entry in entries}
        wanted = address_of(link.asset, [f"{axis}={link.pins.get(axis) or own[axis]}" for axis in target.over])
        if wanted in self.found.finished:
            if self.results.get(wanted, (None, ""))[1] == "pdf":
                hint = f"make it from what `{link.asset}` is made from"
                what = f"`{link.asset}` is a pdf: no picture can be made from it"
                self.problems.add(what, at=link.place, hint=hint, once=("pdf", link.place))
                return None
            return self.stages.get(wanted, wanted)
        if wanted in self.skipped:
            self.found.skipped.append((address, f"`{wanted}` is skipped"))
        elif not self.problems:
            self.problems.add(
                f"`{address}` is made from `{wanted}`, which is excluded",
                at=link.place,
                hint="exclude both, or neither",
            )
        return None
