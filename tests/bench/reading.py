"""How well planted mistakes are caught, and clean pictures left alone: per language, engine set and way of asking.

    python tests/bench/reading.py [--engines tesseract,both] [--boxes known,unknown] [--tags de-DE,ja-JP] [--every N]
                                    [--verbose]

Each picture says three strings on one of five grounds, plain to busy. Clean: every string should pass, and nothing
be extra. Planted: a misspelt word, a missing diacritic, Latin digits for the locale's own, a wrong number, another
language, a string cut off by the edge, text that nobody asked for. A planted mistake that passes is the one thing that
must not be: then the bench exits 1.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from imagebuild.picture.reading.base import Reader
from imagebuild.picture.reading.check import check_text, engines
from imagebuild.picture.reading.compare import Expected
from tests.picture.reading.planted import BACKGROUNDS, FAULTS, ROLES, SAID, Box, draw, plate, said

Texts = dict[str, str]


def pictures(tag: str) -> Iterator[tuple[str, str, str, object, dict[str, Box]]]:
    """(kind, role at fault, ground, picture, boxes); kind `clean` has no role."""
    for number, ground in enumerate(BACKGROUNDS):
        yield ("clean", "", ground, *draw(tag, said(tag), ground, number))
    for number, fault in enumerate(f for f in FAULTS if f.tag == tag):
        ground = BACKGROUNDS[number % len(BACKGROUNDS)]
        yield (fault.kind, fault.role, ground, *draw(tag, {**said(tag), fault.role: fault.drawn}, ground, number))
    for number, ground in enumerate(BACKGROUNDS[::2]):
        image, boxes = draw(tag, said(tag), ground, number)
        left, top, right, bottom = boxes["headline"]
        cut = (left + (right - left) // 5, top, right, bottom)
        behind, _ = plate(ground, number)
        image.paste(behind.crop((left, top, cut[0], bottom)), (left, top))
        yield "clipped", "headline", ground, image, boxes


def plates(tag: str) -> Iterator[tuple[str, str, object]]:
    for number, ground in enumerate(BACKGROUNDS):
        yield "clean plate", ground, plate(ground, number)[0]
        yield "extra", ground, draw(tag, {"cta": said(tag)["cta"]}, ground, number)[0]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", default="tesseract,both")
    parser.add_argument("--boxes", default="known,unknown")
    parser.add_argument("--tags", default=",".join(SAID))
    parser.add_argument("--every", type=int, default=1, help="take one picture of so many")
    parser.add_argument("--verbose", action="store_true")
    asked = parser.parse_args()
    here = {reader.name: reader for reader in engines()}
    sets: dict[str, tuple[Reader, ...]] = {
        "tesseract": tuple(r for r in here.values() if r.name == "tesseract"),
        "rapidocr": tuple(r for r in here.values() if r.name == "rapidocr"),
        "both": tuple(here.values()),
    }
    slipped = 0
    for name in asked.engines.split(","):
        for boxes in asked.boxes.split(","):
            print(f"\n{name}, boxes {boxes}: {', '.join(r.name for r in sets[name])}")
            head = "clean passed/unverified/failed · planted passed/unverified/failed · extra: caught, false"
            print(f"{'':12}{head}", flush=True)
            for tag in asked.tags.split(","):
                slipped += one_language(tag, sets[name], boxes == "known", asked.every, asked.verbose)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    return 1 if slipped else 0


def one_language(tag: str, readers: tuple[Reader, ...], known: bool, every: int, verbose: bool) -> int:
    clean: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    seconds: list[float] = []
    for kind, role, ground, image, boxes in islice(pictures(tag), 0, None, every):
        expected = [Expected(each, said(tag)[each], boxes[each] if known else None) for each in ROLES]
        before = time.perf_counter()
        outcome = check_text(image, tag=tag, expected=expected, readers=readers)
        seconds.append(time.perf_counter() - before)
        for item in outcome.items:
            (planted if item.role == role else clean)[item.verdict] += 1
            wrong = item.verdict == "passed" if item.role == role else item.verdict != "passed"
            if wrong and verbose:
                print(f"    {kind} {ground} {item.role} {item.verdict}: {item.reason} | {item.read} | {item.expected}")
                for look in item.looks:
                    print(f"        {look.engine} {look.preparation}: {' / '.join(look.text.splitlines())}")
        if outcome.extra and kind == "clean":
            extra["false"] += 1
            if verbose:
                print(f"    {ground} extra: {outcome.extra}")
    for kind, ground, image in islice(plates(tag), 0, None, 1 if every == 1 else 3):
        outcome = check_text(image, tag=tag, expected=(), readers=readers)
        extra[f"{kind} {bool(outcome.extra)}"] += 1
        if verbose and bool(outcome.extra) != (kind == "extra"):
            print(f"    {kind} {ground}: {outcome.extra}")
    shown = [f"{counts['passed']:3}/{counts['unverified']}/{counts['failed']}" for counts in (clean, planted)]
    caught = f"{extra['extra True']}/{extra['extra True'] + extra['extra False']}"
    false = extra["false"] + extra["clean plate True"]
    print(
        f"{tag:12}{shown[0]:12} · {shown[1]:12} · {caught}, {false} · {sum(seconds) / len(seconds):.2f} s", flush=True
    )
    return planted["passed"]


if __name__ == "__main__":
    sys.exit(main())
