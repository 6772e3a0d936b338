"""What a check found, and what all of a picture's findings come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

__all__ = ["Finding", "Rectangle", "Verdict", "copy_named", "place_of", "report_of", "shortened"]

Verdict = Literal["passed", "failed", "unverified"]
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

_MOST_SHOWN: Final = 48
_THIRDS: Final = (("left", "centre", "right"), ("top", "middle", "bottom"))


class Finding(NamedTuple):
    """`what` is a sentence without the asset it is about; `hint` says what to do."""

    check: str
    verdict: Literal["failed", "unverified"]
    what: str
    hint: str
    role: str | None = None
    box: Rectangle | None = None
    expected: str | None = None
    read: str | None = None
    measured: float | None = None
    limit: float | None = None
    beside: str | None = None

    def plain(self) -> dict[str, object]:
        """JSON-able; what there is nothing to say of is left out."""
        found = {name: getattr(self, name) for name in self._fields}
        return {name: list(value) if name == "box" else value for name, value in found.items() if value is not None}


def report_of(checks: Mapping[str, Mapping[str, object]], findings: Sequence[Finding]) -> dict[str, object]:
    """The report of a picture. One that could not be looked at has not passed, also where it may be delivered."""
    verdicts: dict[str, Verdict] = {}
    for name in checks:
        found = {finding.verdict for finding in findings if finding.check == name}
        verdicts[name] = "failed" if "failed" in found else "unverified" if found else "passed"
    said = set(verdicts.values())
    verdict: Verdict = "failed" if "failed" in said else "unverified" if "unverified" in said else "passed"
    held = [
        name for name, each in verdicts.items()
        if each == "failed" or (each == "unverified" and checks[name].get("unverified") != "deliver")
    ]  # fmt: skip
    return {
        "verdict": verdict,
        "deliver": not held,
        "checks": verdicts,
        "findings": [finding.plain() for finding in findings],
    }


def copy_named(role: str, text: str) -> str:
    """How messages call a piece of copy: `headline` “Jetzt kaufen”."""
    shown = f"“{shortened(text)}”" if text else ""
    return " ".join(part for part in (f"`{role}`" if role else "", shown) if part) or "the copy"


def shortened(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _MOST_SHOWN else joined[: _MOST_SHOWN - 1].rstrip() + "…"


def place_of(box: Rectangle, size: tuple[int, int]) -> str:
    """Where a box lies, for people: "at the top left (24, 18 to 512, 96)"."""
    thirds = []
    for axis, names in enumerate(_THIRDS):
        middle = (box[axis] + box[axis + 2]) / 2 / max(size[axis], 1)
        thirds.append(names[min(max(int(middle * 3), 0), 2)])
    across, down = thirds
    words = {
        ("middle", "centre"): "in the middle",
        ("middle", "left"): "at the left",
        ("middle", "right"): "at the right",
    }
    where = words.get((down, across)) or (f"at the {down}" if across == "centre" else f"at the {down} {across}")
    return f"{where} ({box[0]}, {box[1]} to {box[2]}, {box[3]})"
