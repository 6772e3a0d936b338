"""Whether the copy keeps clear: of what a placement covers with its own controls, of the picture's edge, and, where a
layout set it, of the edge of its box. Logos of the layout count as copy.

Of what was typeset the place is known; of what a model drew it is where it was read, and unverified where it was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from imagebuild.core.sizes import Size
from imagebuild.picture.checks.finding import Finding, Rectangle, copy_named, place_of
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.reading.base import Box, around, overlap
from imagebuild.picture.typeset.setting import PlacedRule, PlacedText

__all__ = ["check_zones"]

_SIDES: Final = ("left", "top", "right", "bottom")
_INSIDE: Final = 0.5
_TOUCH: Final = 2  # pixels from the edge
_ROUNDING: Final = 1.5  # pixels: shares become whole ones, and ink has a soft edge

_Edges = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


class _Placed(NamedTuple):
    """A piece of copy, where it is, and the box that it may not leave."""

    role: str
    text: str
    box: Rectangle
    within: Rectangle | None


def check_zones(subject: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    left, top, right, bottom = wanted["safe"]
    wide, high = subject.size
    clear = (left * wide, top * high, wide - right * wide, high - bottom * high)
    for placed in _typeset(subject):
        yield from _covered(placed, clear, subject.size, "say `frame: safe` for its group in the layout")
        yield from _cut(placed, subject.size)
    if "unverified" in wanted:
        yield from _drawn(subject, clear)


def _typeset(subject: Subject) -> Iterator[_Placed]:
    for setting in subject.settings:
        for group in setting.groups:
            for placed in group.items:
                if isinstance(placed, PlacedRule):
                    continue
                text = placed.text if isinstance(placed, PlacedText) else ""
                yield _Placed(placed.item.role, text, placed.box, group.box)


def _drawn(subject: Subject, clear: _Edges) -> Iterator[Finding]:
    """Of the copy that no layout set: where it was read."""
    for item in subject.reading.items:
        if _is_typeset(subject, item.expected):
            continue
        box = _tight(item.box, subject.reading.lines) if item.box else None
        if box is None:
            what = f"where {copy_named(item.role, item.expected)} stands cannot be told: it was not read"
            hint = subject.reading.hint or "look at the picture; `unverified: deliver` lets it pass unseen"
            yield Finding("safe_zones", "unverified", what, hint, role=item.role or None, expected=item.expected)
            continue
        placed = _Placed(item.role, item.expected, box, None)
        yield from _covered(placed, clear, subject.size, "ask for it elsewhere in the prompt, or say another `focus`")
        yield from _at_edge(placed, subject.size)


def _tight(box: Box, lines: Sequence[Box]) -> Box | None:
    """Around the lines of text that lie in a box that was looked at."""
    inside = [line for line in lines if overlap(line, box) > _INSIDE]
    return around(inside) if inside else None


def _is_typeset(subject: Subject, text: str) -> bool:
    folded = " ".join(text.split())
    return any(" ".join(each.text.split()) == folded for typeset in subject.typesets for each in typeset.texts)


def _covered(placed: _Placed, clear: _Edges, size: Size, hint: str) -> Iterator[Finding]:
    """On the side where it reaches furthest into what is covered."""
    depths = (clear[0], clear[1], size[0] - clear[2], size[1] - clear[3])
    over = [amount if depth else 0.0 for amount, depth in zip(_outside(placed.box, clear), depths, strict=True)]
    worst = max(range(4), key=lambda side: over[side])
    if over[worst] <= _ROUNDING:
        return
    what = (
        f"{copy_named(placed.role, placed.text)} reaches {over[worst]:.0f} px into the {depths[worst]:.0f} px that the "
        f"placement covers at the {_SIDES[worst]}, {place_of(placed.box, size)}"
    )
    yield _finding(placed, what, hint, over[worst])


def _cut(placed: _Placed, size: Size) -> Iterator[Finding]:
    """What was typeset and leaves its box, or the picture."""
    for name, within in (("the picture", (0, 0, *size)), ("its box", placed.within)):
        over = max(_outside(placed.box, within)) if within else 0.0
        if over > _ROUNDING:
            named = copy_named(placed.role, placed.text)
            what = f"{named} is {over:.0f} px outside {name}, {place_of(placed.box, size)}"
            yield _finding(placed, what, "make its box larger in the layout, or the text shorter", over)
            return


def _at_edge(placed: _Placed, size: Size) -> Iterator[Finding]:
    """Words that were read against the edge may go on beyond it."""
    over = _outside(placed.box, (_TOUCH, _TOUCH, size[0] - _TOUCH, size[1] - _TOUCH))
    worst = max(range(4), key=lambda side: over[side])
    if over[worst] > 0:
        named = copy_named(placed.role, placed.text)
        what = f"{named} stands against the {_SIDES[worst]} edge and may be cut, {place_of(placed.box, size)}"
        yield _finding(placed, what, "ask for more room around it in the prompt", None)


def _finding(placed: _Placed, what: str, hint: str, over: float | None) -> Finding:
    limit = None if over is None else 0
    measured = None if over is None else round(over, 1)
    role, expected = placed.role or None, placed.text or None
    return Finding(
        "safe_zones", "failed", what, hint, role=role, box=placed.box, expected=expected, measured=measured, limit=limit
    )


def _outside(box: Rectangle, within: _Edges) -> _Edges:
    """How far a box is outside of another, on each side; negative where it is inside."""
    return (within[0] - box[0], within[1] - box[1], box[2] - within[2], box[3] - within[3])
