"""The step that puts back, outside of a mask, what an edit should not have changed.

It is not written in a campaign: it follows from what an edit says of what is outside of its mask.
"""

from __future__ import annotations

from typing import Final

from imagebuild.core.steps.kind import StepKind
from imagebuild.core.steps.values import Given, Parameters

__all__ = ["PUT_BACK"]


def _not_written(given: Given) -> Parameters:
    given.problems.add(f"step `{given.step}` is not for a campaign to write", at=given.place, hint="leave it out")
    return {}


PUT_BACK: Final = StepKind(parse=_not_written, result_size=lambda _, size: size, schema={})
