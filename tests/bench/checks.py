"""How many planted faults the checks catch, and how often they raise one where there is none: by check, and by script.

    python -m tests.bench.checks [--few | --all]

Pictures are proof plates with typeset copy in 14 locales, delivered as webp and jpeg. What reads text has its own bench
(`tests.bench.reading`). Ends with 1 when a fault was missed or a clean picture raised something.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from PIL import Image, ImageFilter

from imagebuild.core.layouts.canonical import Area, canonical_typeset
from imagebuild.core.locale import Locale
from imagebuild.picture.checks.run import run_checks
from imagebuild.picture.decode import decode
from imagebuild.picture.typeset.draw import typeset
from tests.picture.checks.pictures import LOCALES, PROMPTS, SAFE, encoded, layout, plate

SHAPES = ("landscape", "square", "story")
FORMS: tuple[tuple[str, Mapping[str, object]], ...] = (("webp", {}), ("jpeg", {}), ("webp", {"quality": 50}))
BRAND = ("#0b3954", "#ff6663", "#ffffff")
PAPER = Area((0, 0, 1, 1), "picture", "#ffffff", None, "end", 0)
BESIDE, ABOVE = (0.0, 0.0, 0.62, 1.0), (0.0, 0.0, 1.0, 0.66)  # the surface that all of a shape's copy stands on
CLEAR = (0.0, 0.0, 0.0, 0.0)


class Trial(NamedTuple):
    """A picture, what is checked of it, and the fault that is planted in it; none: it is clean."""

    check: str
    fault: str
    tag: str
    data: bytes
    checks: Mapping[str, Any]
    beside: Mapping[str, bytes]


def drawn(parameters: Mapping[str, object], shape: str, number: int) -> Image.Image:
    return typeset(plate(shape, number), parameters, {}.__getitem__)


def trials(shape: str, number: int, tag: str, form: str, quality: Mapping[str, object]) -> Iterator[Trial]:
    def write(image: Image.Image) -> bytes:
        return encoded(image, form, **quality)

    parameters = canonical_typeset(layout(tag, shape))
    image = drawn(parameters, shape, number)
    data = write(image)
    yield from file_trials(data, image.size, form, tag)
    yield from contrast_trials(image, parameters, shape, number, tag, write)
    yield from zone_trials(data, parameters, shape, number, tag, write)
    yield from palette_trials(shape, number, tag, write)
    yield from duplicate_trials(data, image, shape, number, tag, write)


def file_trials(data: bytes, size: tuple[int, int], form: str, tag: str) -> Iterator[Trial]:
    wide, high = size
    limits = {"size": [wide, high], "formats": [form], "max_bytes": len(data)}
    yield Trial("file", "", tag, data, {"file": limits}, {})
    yield Trial("file", "a byte too many", tag, data, {"file": {**limits, "max_bytes": len(data) - 1}}, {})
    yield Trial("file", "a pixel too narrow", tag, data, {"file": {**limits, "size": [wide + 1, high]}}, {})
    yield Trial("file", "another format", tag, data, {"file": {**limits, "formats": ["png", "avif"]}}, {})


def contrast_trials(
    image: Image.Image, parameters: Mapping[str, object], shape: str, number: int, tag: str, write: Callable[..., bytes]
) -> Iterator[Trial]:
    checks = {"contrast": {"least": None}, "typeset": [parameters]}
    yield Trial("contrast", "", tag, write(image), checks, {})
    haze = Image.blend(image, Image.new("RGB", image.size, "#d8d8d8"), 0.7)
    yield Trial("contrast", "a haze over all", tag, write(haze), checks, {})
    yield Trial(
        "contrast", "out of focus", tag, write(image.filter(ImageFilter.GaussianBlur(image.width / 50))), checks, {}
    )
    pale = canonical_typeset(layout(tag, shape, inks=("#b4b4b4",), contrast=1.0, scrim=None, areas=(PAPER,)))
    wanted = {"contrast": {"least": 4.5}, "typeset": [pale]}
    yield Trial("contrast", "pale words on paper", tag, write(drawn(pale, shape, number)), wanted, {})
    covered = image.copy()
    covered.paste(plate(shape, number))
    yield Trial("contrast", "something laid over the words", tag, write(covered), checks, {})


def zone_trials(
    data: bytes, parameters: Mapping[str, object], shape: str, number: int, tag: str, write: Callable[..., bytes]
) -> Iterator[Trial]:
    safe = SAFE.get(shape, CLEAR)
    yield Trial("safe_zones", "", tag, data, {"safe_zones": {"safe": list(safe)}, "typeset": [parameters]}, {})
    cover = {"safe_zones": {"safe": [0.0, 0.0, 0.0, 0.75]}, "typeset": [parameters]}
    yield Trial("safe_zones", "under a placement's controls", tag, data, cover, {})
    whole = layout(tag, shape)
    beyond = whole._replace(
        groups=(whole.groups[0]._replace(box=(0.3, 0.7, 0.6, 0.76), frame="picture", valign="bottom"),)
    )
    cut = canonical_typeset(beyond)
    checks = {"safe_zones": {"safe": list(CLEAR)}, "typeset": [cut]}
    yield Trial("safe_zones", "cut by the picture's edge", tag, write(drawn(cut, shape, number)), checks, {})


def palette_trials(shape: str, number: int, tag: str, write: Callable[..., bytes]) -> Iterator[Trial]:
    checks = {"palette": {"colors": list(BRAND), "most": 10, "share": 0.5}}
    box = BESIDE if shape == "landscape" else ABOVE
    for fault, color in (("", "#0b3954"), ("another house's colour", "#2e6b3a")):
        surface = Area(box, "picture", color, None, "end", 0)
        parameters = canonical_typeset(layout(tag, shape, areas=(surface,)))
        yield Trial("palette", fault, tag, write(drawn(parameters, shape, number)), checks, {})


def duplicate_trials(
    data: bytes, image: Image.Image, shape: str, number: int, tag: str, write: Callable[..., bytes]
) -> Iterator[Trial]:
    """Beside the locale before it; and what came out in that one's language, encoded at another quality."""
    other = LOCALES[LOCALES.index(tag) - 1]
    theirs = drawn(canonical_typeset(layout(other, shape)), shape, number)
    checks = {"duplicates": {"least": 0.01}, "beside": ["other"]}
    yield Trial("duplicates", "", tag, data, checks, {"other": write(theirs)})
    yield Trial("duplicates", "another locale's words", tag, write(theirs), checks, {"other": encoded(theirs, "webp")})
    moved = write(decode(write(theirs), source="it"))
    yield Trial("duplicates", "another locale's file, encoded twice", tag, moved, checks, {"other": write(theirs)})


def cells(arguments: list[str]) -> Iterator[tuple[str, int, str]]:
    """Shape, plate and locale: every locale on one of the plates, or on all of them."""
    tags = LOCALES[::5] if "--few" in arguments else LOCALES
    for place, shape in enumerate(SHAPES[:1] if "--few" in arguments else SHAPES):
        for index, tag in enumerate(tags):
            plates = range(len(PROMPTS)) if "--all" in arguments else [(index + place) % len(PROMPTS)]
            yield from ((shape, number, tag) for number in plates)


def main(arguments: list[str]) -> int:
    begun, spent, count = time.process_time(), 0.0, 0
    tally: dict[tuple[str, str], list[int]] = {}
    scripts: dict[tuple[str, str], list[int]] = {}
    wrong: list[str] = []
    for turn, (shape, number, tag) in enumerate(cells(arguments)):
        form, quality = FORMS[turn % len(FORMS)]
        for trial in trials(shape, number, tag, form, quality):
            start = time.process_time()
            report = run_checks(trial.data, trial.checks, trial.beside.__getitem__, readers=())
            spent += time.process_time() - start
            count += 1
            right = (report["verdict"] == "failed") == bool(trial.fault)
            for table, row in ((tally, trial.fault), (scripts, Locale(trial.tag).script)):
                both = table.setdefault((trial.check, row), [0, 0])
                both[0] += right
                both[1] += 1
            if not right:
                wrong.append(f"{trial.check}: {trial.fault or 'clean'}: {shape} {number} {tag} {form}: {report}")
    show(tally, scripts)
    print(f"\n{count} checks, {spent / count * 1000:.0f} ms each; {time.process_time() - begun:.0f} s with the drawing")
    for line in wrong[:20]:
        print("WRONG", line)
    return bool(wrong)


def show(tally: Mapping[tuple[str, str], list[int]], scripts: Mapping[tuple[str, str], list[int]]) -> None:
    for (check, fault), (right, all_of) in sorted(tally.items()):
        verb = "caught" if fault else "passed"
        print(f"{check:11} {fault or 'clean':38} {verb} {right:4} of {all_of:4}  {right / all_of:7.1%}")
    print("\nright by script, of all trials")
    names = sorted({script for _, script in scripts})
    print(" " * 11 + "".join(f"{name:>9}" for name in names))
    for check in sorted({check for check, _ in scripts}):
        cells = [scripts.get((check, name), [0, 0]) for name in names]
        print(f"{check:11}" + "".join(f"{right:>5}/{all_of:<3}" for right, all_of in cells))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
