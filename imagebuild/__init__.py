"""imagebuild: make for paid pictures.

    campaign.yaml ─parse→ Campaign ─expand→ Actions ─┐
               facts read from disk (lock, store,    ├─make_plan→ Plan ─run→ Summary, Lock
               output folder, what was remembered) ──┘

`core/` is pure: values in, values out. The hands (`store/`, `workspace/`, `providers/`, `picture/`) each do one kind of
I/O. `build/` alone spends money. `stages/` composes them into what a command does. `cli/` is the door. Imports point
down, in this order. For scripts, the stages can be called one by one:

    from imagebuild import Stop, find_project, plan_campaign, run_build

    planned = plan_campaign(find_project("campaign.yaml", {}))
    print(planned.plan.price)
    built = run_build(planned, listener=print, stop=Stop())
"""

from __future__ import annotations

import importlib

from imagebuild.version import VERSION

TYPE_CHECKING = False  # as typing's, without loading typing: importing this package must cost nothing
if TYPE_CHECKING:
    from imagebuild.build.report import Event as Event
    from imagebuild.build.report import Summary as Summary
    from imagebuild.build.run import Stop as Stop
    from imagebuild.core.address import parse_selection as parse_selection
    from imagebuild.core.plan import Plan as Plan
    from imagebuild.core.plan import PlanStep as PlanStep
    from imagebuild.core.planner import make_plan as make_plan
    from imagebuild.errors import ImagebuildError as ImagebuildError
    from imagebuild.stages.build import Built as Built
    from imagebuild.stages.build import run_build as run_build
    from imagebuild.stages.plan import Planned as Planned
    from imagebuild.stages.plan import plan_campaign as plan_campaign
    from imagebuild.stages.project import Project as Project
    from imagebuild.stages.project import find_project as find_project
    from imagebuild.stages.read import Loaded as Loaded
    from imagebuild.stages.read import read_campaign as read_campaign

__version__ = VERSION

_HOMES = {
    "Built": "imagebuild.stages.build",
    "Event": "imagebuild.build.report",
    "ImagebuildError": "imagebuild.errors",
    "Loaded": "imagebuild.stages.read",
    "Plan": "imagebuild.core.plan",
    "PlanStep": "imagebuild.core.plan",
    "Planned": "imagebuild.stages.plan",
    "Project": "imagebuild.stages.project",
    "Stop": "imagebuild.build.run",
    "Summary": "imagebuild.build.report",
    "find_project": "imagebuild.stages.project",
    "make_plan": "imagebuild.core.planner",
    "parse_selection": "imagebuild.core.address",
    "plan_campaign": "imagebuild.stages.plan",
    "read_campaign": "imagebuild.stages.read",
    "run_build": "imagebuild.stages.build",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """The names above, loaded when they are first used: importing the package costs nothing."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
