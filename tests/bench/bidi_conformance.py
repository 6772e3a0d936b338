"""Run Unicode's own conformance files through `imagebuild.picture.bidi`, every line of them.

    python tests/bench/bidi_conformance.py /usr/share/unicode        # Debian: apt-get install unicode-data

Prints how many cases there are and how many fail; exits 1 if any does. `--sample N` prints the file's head, its first
100 cases (written by hand) and N of the others, evenly spread: tests/picture/data/BidiCharacterTest.sample.txt.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from imagebuild.picture import bidi

OF_CLASS = {
    "L": "a", "R": "\u05d0", "AL": "\u0627", "EN": "1", "AN": "\u0661", "ES": "+", "ET": "%", "CS": ",",
    "NSM": "\u0300", "BN": "\u00ad", "B": "\u2029", "S": "\t", "WS": " ", "ON": "!", "LRE": "\u202a", "RLE": "\u202b",
    "PDF": "\u202c", "LRO": "\u202d", "RLO": "\u202e", "LRI": "\u2066", "RLI": "\u2067", "FSI": "\u2068",
    "PDI": "\u2069",
}  # fmt: skip
DIRECTIONS: tuple[bidi.Direction, ...] = ("ltr", "rtl", "auto")

Case = tuple[str, str, bidi.Direction, int | None, list[str], list[str]]


def character_cases(lines: list[str]) -> Iterator[Case]:
    """(name, text, direction, base level, levels with `x` for removed, visual order) of BidiCharacterTest.txt."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            codes, direction, base, levels, order = line.strip().split(";")
            text = "".join(chr(int(code, 16)) for code in codes.split())
            yield f"line {number}", text, DIRECTIONS[int(direction)], int(base), levels.split(), order.split()


def class_cases(lines: list[str]) -> Iterator[Case]:
    """The same of BidiTest.txt, where a text is given by its characters' classes."""
    levels: list[str] = []
    order: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("@Levels:"):
            levels = line.split(":")[1].split()
        elif line.startswith("@Reorder:"):
            order = line.split(":")[1].split()
        elif line.strip() and line[0] not in "#@":
            names, bits = line.strip().split(";")
            text = "".join(OF_CLASS[name] for name in names.split())
            for bit, direction in ((1, "auto"), (2, "ltr"), (4, "rtl")):
                if int(bits, 16) & bit:
                    yield f"line {number} {direction}", text, direction, None, levels, order  # type: ignore[misc]


def holds(case: Case) -> bool:
    _, text, direction, base, levels, order = case
    paragraph = bidi.resolve(text, direction)
    found = paragraph.line(0, len(text))
    if base is not None and paragraph.base != base:
        return False
    if any(wanted not in ("x", str(level)) for wanted, level in zip(levels, found, strict=True)):
        return False
    visual = [
        index
        for run in bidi.visual_runs(found)
        for index in (range(run.end - 1, run.start - 1, -1) if run.level % 2 else range(run.start, run.end))
    ]
    removed = {index for index, wanted in enumerate(levels) if wanted == "x"}
    return [str(index) for index in visual if index not in removed] == order


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    given = parser.parse_args()
    characters = (given.folder / "BidiCharacterTest.txt").read_text(encoding="utf-8").splitlines()
    if given.sample:
        cases = [line for line in characters if line.strip() and not line.startswith("#")]
        step = max((len(cases) - 100) // given.sample, 1)
        print("\n".join([*characters[:4], *cases[:100], *cases[100::step][: given.sample]]))
        return 0
    classes = (given.folder / "BidiTest.txt").read_text(encoding="utf-8").splitlines()
    failed = 0
    for name, found in (("BidiCharacterTest", character_cases(characters)), ("BidiTest", class_cases(classes))):
        results = [(case[0], holds(case)) for case in found]
        wrong = [where for where, right in results if not right]
        print(f"{name}: {len(results)} cases, {len(wrong)} wrong {wrong[:10]}")
        failed += len(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
