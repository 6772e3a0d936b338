"""`imagebuild placements`: the catalogue of placements; of a campaign, what each picture is cut from, and how."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence

from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import Ink, ink_for, say
from imagebuild.core.placements.cuts import Cut, cuts_of
from imagebuild.core.placements.placement import Placement
from imagebuild.core.sizes import size_text
from imagebuild.errors import ImagebuildError
from imagebuild.picture.placements import shipped_placements
from imagebuild.stages.project import find_project
from imagebuild.stages.read import Loaded, read_campaign
from imagebuild.workspace.place import spec_of

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    there = options.file is not None or spec_of(None, os.getcwd()) is not None
    loaded: Loaded | None = None
    try:
        project = find_project(options.file, os.environ) if there else None
        loaded = read_campaign(project, provider=provider_of(options)) if project is not None else None
    except ImagebuildError:
        if not options.catalogue:  # the catalogue needs no campaign, and this one's own placements cannot be read
            raise
        say("this folder's campaign has mistakes (`imagebuild check`): its own placements are left out")
    if loaded is None or options.catalogue:
        _catalogue({**shipped_placements(), **(loaded.campaign.placements if loaded else {})}, options)
    else:
        _campaign(loaded, options)
    return 0


def _catalogue(found: Mapping[str, Placement], options: argparse.Namespace) -> None:
    if options.json:
        _dump({"placements": [_placement_json(each) for each in found.values()]})
        return
    head = ("placement", "pixels", "at most", "formats", "covered", "looked up")
    rows = [
        (
            each.name,
            size_text(each.size),
            _bytes(each.max_bytes),
            ", ".join(each.formats) or "any",
            ", ".join(f"{side} {share:.0%}" for side, share in each.safe._asdict().items() if share) or "-",
            f"{each.dated} {each.evidence}".strip() or "this campaign's own",
        )
        for each in found.values()
    ]
    print(_table(head, rows, ink_for(sys.stdout)))
    print("\nsecondary: not read at the platform itself. `--json` has the sources.")


def _campaign(loaded: Loaded, options: argparse.Namespace) -> None:
    cuts = cuts_of(loaded.expansion.actions, loaded.campaign.axes.get("ratio"))
    if options.json:
        _dump({"campaign": loaded.campaign.name, "pictures": [_cut_json(cut) for cut in cuts]})
        return
    if not cuts:
        print("No asset is over `ratio`. `--catalogue` lists the placements that the ratio axis can name.")
        return
    head = ("asset", "ratio", "pixels", "master", "shared with", "cut away", "scale", "file")
    print(_table(head, [_row(cut) for cut in cuts], ink_for(sys.stdout)))
    paid = [cut for cut in cuts if cut.paid]
    for asset in dict.fromkeys(cut.asset for cut in paid):
        own = [cut for cut in paid if cut.asset == asset]
        masters = len({cut.master for cut in own})
        print(f"\n{asset}: {masters} {'master' if masters == 1 else 'masters'} for {len(own)} ratios", end="")
    print()


def _row(cut: Cut) -> tuple[str, ...]:
    shared = [other for other in cut.shared if other != cut.ratio]
    limit = f", {_bytes(cut.max_bytes)}" if cut.max_bytes else ""
    return (
        cut.asset,
        cut.ratio,
        size_text(cut.size),
        size_text(cut.master) + ("" if cut.paid else f" of {cut.source}"),
        ", ".join(shared) or "-",
        f"{cut.loss.cut:.0%}" if cut.loss.cut >= 0.005 else "-",
        f"{cut.loss.scale:.2f}" + (" !" if cut.loss.excess > 1 else ""),
        cut.form + limit,
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], ink: Ink) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()

    return "\n".join([ink.bold(line(head)), *map(line, rows)])


def _bytes(count: int | None) -> str:
    if count is None:
        return "-"
    return f"{count / 1_000_000:g} MB" if count >= 1_000_000 else f"{count / 1000:g} kB"


def _placement_json(each: Placement) -> dict[str, object]:
    return {
        "name": each.name,
        "width": each.size[0],
        "height": each.size[1],
        "least": list(each.least) if each.least else None,
        "tolerance": each.tolerance,
        "max_bytes": each.max_bytes,
        "formats": list(each.formats),
        "safe": each.safe._asdict(),
        "source": each.source or None,
        "evidence": each.evidence or None,
        "dated": each.dated or None,
    }


def _cut_json(cut: Cut) -> dict[str, object]:
    return {
        "asset": cut.asset,
        "ratio": cut.ratio,
        "placement": cut.placement.name if cut.placement else None,
        "width": cut.size[0],
        "height": cut.size[1],
        "format": cut.form,
        "max_bytes": cut.max_bytes,
        "master": {"asset": cut.source, "width": cut.master[0], "height": cut.master[1]},
        "shared_with": list(cut.shared),
        "cut": cut.loss.cut,
        "scale": cut.loss.scale,
        "enlarged": cut.loss.excess > 1,
    }


def _dump(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=1)
    print()
