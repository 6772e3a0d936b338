"""`imagebuild graph`: what is made from what, as Mermaid or DOT on stdout."""

from __future__ import annotations

import argparse
import os
import sys

from imagebuild.cli.plan import provider_of
from imagebuild.core.graph import asset_drawing, cell_drawing, dot, down_to, mermaid
from imagebuild.stages.about import picked
from imagebuild.stages.project import find_project
from imagebuild.stages.read import read_campaign

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    loaded = read_campaign(find_project(options.file, os.environ), provider=provider_of(options))
    expansion, campaign = loaded.expansion, loaded.campaign
    wanted = down_to(expansion.actions, picked(expansion.actions, options.select, options.exclude))
    if options.cells:
        drawing = cell_drawing(campaign.name, expansion.actions, wanted, expansion.file_of)
    else:
        over = {name: asset.over for name, asset in campaign.assets.items()}
        drawing = asset_drawing(campaign.name, expansion.actions, wanted, expansion.file_of, over)
    sys.stdout.write(dot(drawing) if options.format == "dot" else mermaid(drawing))
    return 0
