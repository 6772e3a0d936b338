"""What each asset is cut from, for every entry of the ratio axis, and what of that a plan should tell.

Reads the actions that follow from a campaign; a cell is taken from each asset and entry, for they are all alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

from imagebuild.core.action import Action
from imagebuild.core.address import is_inner
from imagebuild.core.axis import Axis, Ratio
from imagebuild.core.fit_loss import FitLoss, fit_loss
from imagebuild.core.placements.placement import Placement
from imagebuild.core.sizes import Size, size_text

__all__ = ["MOST_CUT_UNTOLD", "Cut", "cut_notes", "cuts_of"]

MOST_CUT_UNTOLD: Final = 0.25
_HAIR: Final = 0.001
PNG_BYTES: Final = 2  # a pixel: about what a photograph takes in png


class Cut(NamedTuple):
    """One asset at one entry of the ratio axis. `shared`: the other entries whose masters have the same size."""

    asset: str
    ratio: str
    paid: bool
    placement: Placement | None
    source: str  # the paid asset that it is cut from
    master: Size
    size: Size
    loss: FitLoss
    form: str
    max_bytes: int | None
    shared: tuple[str, ...] = ()


def cuts_of(actions: Mapping[str, Action], axis: Axis | None) -> list[Cut]:
    """A row for each asset over `ratio` and entry of it, in the campaign's order."""
    entries = {entry.id: entry.value for entry in axis.entries} if axis else {}
    found: dict[tuple[str, str], Cut] = {}
    for action in actions.values():
        ratio = next((identity for name, identity in action.cell if name == "ratio"), None)
        if ratio is None or (action.asset, ratio) in found or is_inner(action.address):
            continue
        value = entries.get(ratio)
        cut = _cut(action, ratio, value.placement if isinstance(value, Ratio) else None, actions)
        if cut is not None:
            found[action.asset, ratio] = cut
    rows = list(found.values())
    return [row._replace(shared=_beside(row, rows)) for row in rows]


def _beside(row: Cut, rows: Iterable[Cut]) -> tuple[str, ...]:
    return tuple(
        other.ratio
        for other in rows
        if other.ratio != row.ratio and (other.asset, other.source, other.master) == (row.asset, row.source, row.master)
    )


def _cut(action: Action, ratio: str, placement: Placement | None, actions: Mapping[str, Action]) -> Cut | None:
    """The row of one action; None when it is not known from what it is cut."""
    steps: list[tuple[str, Mapping[str, object]]] = []
    each: Action | None = action
    while each is not None and not each.paid:
        own = cast("list[dict[str, dict[str, object]]]", each.manifest.get("steps", []))
        steps = [*(next(iter(step.items())) for step in own), *steps]
        source = next((address for slot, address in each.inputs if slot == "input"), None)
        each = actions.get(source) if source else None
    if each is None or each.size is None or action.size is None:
        return None
    last = steps[-1] if steps and steps[-1][0] == "encode" else None
    return Cut(
        asset=action.asset,
        ratio=ratio,
        paid=each.asset == action.asset,
        placement=placement,
        source=each.asset,
        master=each.size,
        size=action.size,
        loss=fit_loss(steps, each.size),
        form=str(last[1]["format"] if last else each.manifest.get("format", "")),
        max_bytes=cast("int | None", last[1].get("max_bytes")) if last and action.output else None,
    )


def cut_notes(cuts: Sequence[Cut]) -> list[str]:
    """What a plan should tell: which entries share masters, what is enlarged or cut by much, a png under a limit that
    a photograph will not meet."""
    return [*_shared_notes(cuts), *_loss_notes(cuts), *_png_notes(cuts)]


def _shared_notes(cuts: Sequence[Cut]) -> Iterator[str]:
    """A line for each paid asset some of whose entries share a master."""
    for asset in dict.fromkeys(cut.asset for cut in cuts if cut.paid and cut.shared):
        masters: dict[Size, list[str]] = {}
        own = [cut for cut in cuts if cut.asset == asset and cut.paid]
        for cut in own:
            masters.setdefault(cut.master, []).append(cut.ratio)
        told = "; ".join(f"{size_text(size)} for {', '.join(names)}" for size, names in masters.items())
        one = "1 master" if len(masters) == 1 else f"{len(masters)} masters"
        yield f"`{asset}`: {one} for {len(own)} ratios: {told}"


def _loss_notes(cuts: Sequence[Cut]) -> Iterator[str]:
    for cut in cuts:
        told = []
        if cut.loss.excess > 1 + _HAIR:
            told.append(f"enlarged {cut.loss.scale:.2f} times")
        if cut.loss.cut > MOST_CUT_UNTOLD:
            told.append(f"{cut.loss.cut:.0%} of it cut away")
        if told:
            way = f"{size_text(cut.size)} from {size_text(cut.master)}"
            yield f"`{cut.asset}[ratio={cut.ratio}]`: {way}, {' and '.join(told)}"


def _png_notes(cuts: Sequence[Cut]) -> Iterator[str]:
    for cut in cuts:
        if cut.form == "png" and cut.max_bytes and cut.max_bytes < PNG_BYTES * cut.size[0] * cut.size[1]:
            limit = f"{cut.max_bytes / 1000:,.0f} kB"
            png = f"a png of {size_text(cut.size)} within {limit}"
            yield f"`{cut.asset}[ratio={cut.ratio}]`: {png} can hold few photographs; jpeg is usual"
