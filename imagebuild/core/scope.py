"""What the parts of a campaign file may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagebuild.core import fields
from imagebuild.core.approvals.policy import NO_POLICY, Policy
from imagebuild.core.axis import Axis
from imagebuild.core.placements.placement import NO_PLACEMENTS, Placements
from imagebuild.errors import Problems

__all__ = ["Scope"]


@dataclass(slots=True)
class Scope:
    """What the parts of a campaign file may name, and where its parsers note what they find."""

    sources: fields.Sources
    problems: Problems
    axes: Mapping[str, Axis] = field(default_factory=dict)
    asset_names: tuple[str, ...] = ()
    placements: Placements = NO_PLACEMENTS
    policy: Policy = NO_POLICY
    files: list[str] = field(default_factory=list)
