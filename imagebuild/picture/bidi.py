"""Right-to-left text: the Unicode Bidirectional Algorithm (UAX #9), isolates and bracket pairs included.

Knows characters and levels only: no fonts, no glyphs, no widths. It is written here because no permissively licensed
package gives embedding levels, and because a library found on one machine and missing on the next draws wrong text
without saying so. Checked against every line of Unicode's own BidiTest and BidiCharacterTest.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Direction", "Paragraph", "VisualRun", "resolve", "visual_runs"]

Direction = Literal["ltr", "rtl", "auto"]

MOST_DEPTH: Final = 125
_REMOVED: Final = frozenset(("RLE", "LRE", "RLO", "LRO", "PDF", "BN"))
_ISOLATES: Final = frozenset(("LRI", "RLI", "FSI"))
_NEUTRAL: Final = frozenset(("B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI"))
_TRAILING: Final = frozenset(("WS", "LRI", "RLI", "FSI", "PDI", *_REMOVED))
_IMPLICIT: Final = ({"R": 1, "AN": 2, "EN": 2}, {"L": 1, "AN": 1, "EN": 1})
_BRACKETS: Final = (
    "()[]{}༺༻༼༽᚛᚜⁅⁆⁽⁾₍₎⌈⌉⌊⌋\u2329\u232a❨❩❪❫❬❭❮❯❰❱❲❳❴❵⟅⟆⟦⟧⟨⟩⟪⟫⟬⟭⟮⟯⦃⦄⦅⦆⦇⦈⦉⦊⦋⦌⦍⦐⦏⦎⦑⦒⦓⦔⦕⦖⦗⦘⧘⧙⧚⧛⧼⧽"
    "⸢⸣⸤⸥⸦⸧⸨⸩⹕⹖⹗⹘⹙⹚⹛⹜\u3008\u3009《》「」『』【】〔〕〖〗〘〙〚〛﹙﹚﹛﹜﹝﹞（）［］｛｝｟｠｢｣"
)
_CLOSER: Final = {
    opener: unicodedata.normalize("NFD", closer) for opener, closer in zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True)
}
_CLOSERS: Final = frozenset(_BRACKETS[1::2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph's base level (0 or 1) and the level of each character, before any line is cut from it."""

    text: str
    base: int
    levels: tuple[int, ...]

    def line(self, start: int, end: int) -> tuple[int, ...]:
        """The levels of one line of it: white space at the line's end goes to the base level (rule L1)."""
        levels = list(self.levels[start:end])
        classes = [unicodedata.bidirectional(c) for c in self.text[start:end]]
        _reset_white_space(classes, levels, self.base)
        return tuple(levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualRun:
    """Characters `start`..`end` of a line, all of one level; odd levels read from right to left."""

    start: int
    end: int
    level: int


def resolve(text: str, direction: Direction = "auto") -> Paragraph:
    """The levels of one paragraph; `auto` takes the direction of its first strong character."""
    classes = [unicodedata.bidirectional(c) or "L" for c in text]
    base = {"ltr": 0, "rtl": 1}.get(direction)
    if base is None:
        base = _first_strong(classes, 0, len(classes)) or 0
    if not base and not any(c in ("R", "AL", "AN") or c in _REMOVED or c in _ISOLATES for c in classes):
        return Paragraph(text=text, base=0, levels=(0,) * len(text))
    matching = _match_isolates(classes)
    resolved = list(classes)
    explicit = _explicit_levels(resolved, base, matching)
    levels = list(explicit)
    kept = [i for i, c in enumerate(classes) if c not in _REMOVED]
    for sequence in _isolating_sequences(kept, classes, explicit, matching):
        names, level = _resolve_sequence(text, sequence, classes, resolved, explicit, base, matching)
        for i, name in zip(sequence, names, strict=True):
            levels[i] = level + _IMPLICIT[level % 2].get(name, 0)
    before = base
    for i, name in enumerate(classes):  # what rule X9 removes takes the level of what is before it
        if name in _REMOVED:
            levels[i] = before
        before = levels[i]
    for i, name in enumerate(classes):
        if name == "B":
            levels[i] = base
    return Paragraph(text=text, base=base, levels=tuple(levels))


def visual_runs(levels: tuple[int, ...]) -> list[VisualRun]:
    """The runs of one line from left to right (rule L2)."""
    runs: list[VisualRun] = []
    start = 0
    for i in range(1, len(levels) + 1):
        if i == len(levels) or levels[i] != levels[start]:
            runs.append(VisualRun(start=start, end=i, level=levels[start]))
            start = i
    if not runs:
        return runs
    lowest_odd = min((run.level for run in runs if run.level % 2), default=MOST_DEPTH + 2)
    for level in range(max(run.level for run in runs), lowest_odd - 1, -1):
        first = 0
        while first < len(runs):
            last = first
            while last < len(runs) and runs[last].level >= level:
                last += 1
            runs[first:last] = reversed(runs[first:last])
            first = max(last, first + 1)
    return runs


def _reset_white_space(classes: list[str], levels: list[int], base: int) -> None:
    trailing = True
    for i in range(len(classes) - 1, -1, -1):
        if classes[i] in ("S", "B"):
            trailing = True
        elif classes[i] not in _TRAILING:
            trailing = False
        if trailing:
            levels[i] = base


def _first_strong(classes: list[str], start: int, end: int) -> int | None:
    """The level of the first strong character, what isolates hold skipped (rules P2, P3)."""
    depth = 0
    for name in classes[start:end]:
        if name in _ISOLATES:
            depth += 1
        elif name == "PDI":
            depth = max(depth - 1, 0)
        elif depth == 0 and name in ("L", "R", "AL"):
            return 0 if name == "L" else 1
    return None


def _match_isolates(classes: list[str]) -> dict[int, int]:
    """Isolate initiator → its PDI, and the other way round (BD9)."""
    matching: dict[int, int] = {}
    waiting: list[int] = []
    for i, name in enumerate(classes):
        if name in _ISOLATES:
            waiting.append(i)
        elif name == "PDI" and waiting:
            opener = waiting.pop()
            matching[opener] = i
            matching[i] = opener
    return matching


def _explicit_levels(classes: list[str], base: int, matching: dict[int, int]) -> list[int]:
    """Rules X1 to X8; `classes` is changed where an override says so."""
    levels = [base] * len(classes)
    stack: list[tuple[int, str | None, bool]] = [(base, None, False)]
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for i, original in enumerate(classes):
        name = original
        if name in ("RLE", "LRE", "RLO", "LRO"):
            levels[i] = stack[-1][0]
            level = _next_level(stack[-1][0], odd=name[0] == "R")
            if level <= MOST_DEPTH and not overflow_isolates and not overflow_embeddings:
                stack.append((level, name[0] if name[2] == "O" else None, False))
            elif not overflow_isolates:
                overflow_embeddings += 1
        elif name in _ISOLATES:
            level, override, _ = stack[-1]
            levels[i] = level
            if override:
                classes[i] = override
            if name == "FSI":
                end = matching.get(i, len(classes))
                name = "RLI" if _first_strong(classes, i + 1, end) else "LRI"
            level = _next_level(level, odd=name == "RLI")
            if level <= MOST_DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += 1
                stack.append((level, None, True))
            else:
                overflow_isolates += 1
        elif name == "PDI":
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack[-1][2]:
                    stack.pop()
                stack.pop()
                valid_isolates -= 1
            levels[i] = stack[-1][0]
            classes[i] = stack[-1][1] or name
        elif name == "PDF":
            levels[i] = stack[-1][0]
            if not overflow_isolates:
                if overflow_embeddings:
                    overflow_embeddings -= 1
                elif not stack[-1][2] and len(stack) > 1:
                    stack.pop()
        elif name != "B":
            levels[i] = stack[-1][0]
            if name != "BN" and stack[-1][1]:
                classes[i] = stack[-1][1]
    return levels


def _next_level(level: int, *, odd: bool) -> int:
    return (level + 1) | 1 if odd else (level + 2) & ~1


def _isolating_sequences(
    kept: list[int], classes: list[str], levels: list[int], matching: dict[int, int]
) -> list[list[int]]:
    """Runs of one level, joined across the isolates they hold (BD13)."""
    runs: list[list[int]] = []
    for i in kept:
        if runs and levels[runs[-1][-1]] == levels[i]:
            runs[-1].append(i)
        else:
            runs.append([i])
    by_start = {run[0]: run for run in runs}
    sequences: list[list[int]] = []
    for run in runs:
        if classes[run[0]] == "PDI" and run[0] in matching:
            continue  # it goes on where its isolate began
        sequence = list(run)
        while classes[sequence[-1]] in _ISOLATES and matching.get(sequence[-1]) in by_start:
            sequence += by_start[matching[sequence[-1]]]
        sequences.append(sequence)
    return sequences


def _resolve_sequence(
    text: str,
    sequence: list[int],
    originals: list[str],
    resolved: list[str],
    levels: list[int],
    base: int,
    matching: dict[int, int],
) -> tuple[list[str], int]:
    """The settled class (`L`, `R`, `AN`, `EN`) of each character of a sequence, and the sequence's level."""
    level = levels[sequence[0]]
    before, after = sequence[0] - 1, sequence[-1] + 1
    while before >= 0 and originals[before] in _REMOVED:
        before -= 1
    while after < len(originals) and originals[after] in _REMOVED:
        after += 1
    open_isolate = originals[sequence[-1]] in _ISOLATES and sequence[-1] not in matching
    level_before = levels[before] if before >= 0 else base
    level_after = base if open_isolate or after >= len(originals) else levels[after]
    start = "R" if max(level, level_before) % 2 else "L"
    end = "R" if max(level, level_after) % 2 else "L"
    names = [resolved[i] for i in sequence]
    _resolve_weak(names, start)
    _resolve_brackets(text, sequence, originals, names, level, start)
    _resolve_neutral(names, level, start, end)
    return names, level


def _resolve_weak(names: list[str], start: str) -> None:
    """Rules W1 to W7."""
    previous = start
    strong = start
    for i, name in enumerate(names):
        if name == "NSM":
            name = "ON" if previous in _ISOLATES or previous == "PDI" else previous
        previous = name
        if name in ("L", "R", "AL"):
            strong = name
        elif name == "EN" and strong == "AL":
            name = "AN"
        names[i] = name
    for i in range(1, len(names) - 1):  # the letters AL count until the numbers are settled
        left, right = names[i - 1], names[i + 1]
        if left == right and ((names[i] in ("ES", "CS") and left == "EN") or (names[i] == "CS" and left == "AN")):
            names[i] = left
    names[:] = ["R" if name == "AL" else name for name in names]
    i = 0
    while i < len(names):
        if names[i] == "ET":
            end = i
            while end < len(names) and names[end] == "ET":
                end += 1
            number = (i > 0 and names[i - 1] == "EN") or (end < len(names) and names[end] == "EN")
            names[i:end] = ["EN" if number else "ON"] * (end - i)
            i = end
        else:
            i += 1
    strong = start
    for i, name in enumerate(names):
        if name in ("L", "R"):
            strong = name
        elif name == "EN" and strong == "L":
            names[i] = "L"
        elif name in ("ES", "CS"):
            names[i] = "ON"


def _bracket_pairs(text: str, sequence: list[int], names: list[str]) -> list[tuple[int, int]]:
    """Positions in the sequence of every bracket pair, by opener (BD16)."""
    waiting: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for position, i in enumerate(sequence):
        character = text[i]
        if names[position] != "ON":
            continue
        if character in _CLOSER:
            if len(waiting) == 63:
                return []
            waiting.append((_CLOSER[character], position))
        elif character in _CLOSERS:
            wanted = unicodedata.normalize("NFD", character)
            for depth in range(len(waiting) - 1, -1, -1):
                if waiting[depth][0] == wanted:
                    pairs.append((waiting[depth][1], position))
                    del waiting[depth:]
                    break
    return sorted(pairs)


def _resolve_brackets(
    text: str, sequence: list[int], originals: list[str], names: list[str], level: int, start: str
) -> None:
    """Rule N0: a pair of brackets takes one direction, from what it holds and from what is before it."""
    own = "R" if level % 2 else "L"
    other = "L" if level % 2 else "R"
    for opener, closer in _bracket_pairs(text, sequence, names):
        inside = {_strong(name) for name in names[opener + 1 : closer]}
        if own in inside:
            direction = own
        elif other in inside:
            context = next((_strong(name) for name in reversed(names[:opener]) if _strong(name)), start)
            direction = other if context == other else own
        else:
            continue
        for position in (opener, closer):
            names[position] = direction
            following = position + 1
            while following < len(names) and originals[sequence[following]] == "NSM":
                names[following] = direction
                following += 1


def _strong(name: str) -> str | None:
    return "R" if name in ("R", "AN", "EN") else "L" if name == "L" else None


def _resolve_neutral(names: list[str], level: int, start: str, end: str) -> None:
    """Rules N1 and N2."""
    own = "R" if level % 2 else "L"
    i = 0
    before: str | None = start
    while i < len(names):
        if names[i] not in _NEUTRAL:
            before = _strong(names[i])
            i += 1
            continue
        stop = i
        while stop < len(names) and names[stop] in _NEUTRAL:
            stop += 1
        after = _strong(names[stop]) if stop < len(names) else end
        names[i:stop] = [before if before and before == after else own] * (stop - i)
        i = stop
