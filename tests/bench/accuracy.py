"""How much of typeset copy a reader outside of imagebuild reads, by language.

    python tests/bench/accuracy.py [--campaign examples/launch/campaign.yaml]

Builds a copy of the campaign in a temporary folder, cuts every text of every delivered picture out of its file (where
it stands is all that is taken from imagebuild), scales it to one size, and has the `tesseract` command read it line by
line. Printed: characters read of characters set, after NFKC and with typographic quotes, dashes and
look-alikes made one, without spaces. 98 % is the aim in every script that it reads.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageOps

from imagebuild.core.key import Digest
from imagebuild.core.layouts.canonical import typeset_of
from imagebuild.picture.typeset.layout import lay_out
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project

LANGUAGES = {
    "en": "eng", "de": "deu", "fr": "fra", "ru": "rus", "el": "ell", "zh-Hans": "chi_sim", "zh-Hant": "chi_tra",
    "ja": "jpn", "ko": "kor", "hi": "hin", "bn": "ben", "ar": "ara", "he": "heb", "th": "tha",
}  # fmt: skip
FOLDED = str.maketrans({
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "·": "·", "ㅤ": "", "।": ".", "|": "l",
    "Ι": "I", "Α": "A", "Ο": "O",
})  # fmt: skip
TYPE = 48  # pixels: how large type is read best


class Cut:
    """One text, cut out of a delivered picture."""

    def __init__(self, tag: str, role: str, text: str, image: Image.Image) -> None:
        self.tag, self.role, self.text, self.image = tag, role, text, image


def cuts(campaign: Path) -> Iterator[Cut]:
    planned = plan_campaign(find_project(str(campaign), os.environ), whole=True)
    folder = campaign.parent
    files = planned.loaded.expansion.file_of

    def bytes_of(digest: str) -> bytes:
        return planned.loaded.files.read(files[digest]) if digest in files else planned.store.get(Digest(digest))

    actions = planned.loaded.expansion.actions
    for address, action in actions.items():
        steps = action.manifest.get("steps")
        set_here = [each["typeset"] for each in steps if "typeset" in each] if isinstance(steps, list) else []
        delivered = actions[address.rpartition(":")[0]] if address.endswith(":drawn") else action
        if not set_here or delivered.output is None:
            continue
        tag = dict(action.cell)["locale"]
        with Image.open(folder / delivered.output) as file:
            image = file.convert("RGB")
        setting = lay_out(typeset_of(set_here[-1]), image.size, bytes_of)
        for text in setting.texts:
            for line, (x, y) in zip(text.lines, text.places, strict=True):
                left, top, right, bottom = line.ink
                box = (x + left, y + top, x + right, y + bottom)
                yield Cut(tag, text.role, line.text, cut_out(image, box, text.size))


def cut_out(image: Image.Image, ink: tuple[float, float, float, float], size: float) -> Image.Image:
    """The line on white, its type as large as readers like it."""
    across, down = size * 0.35, size * 0.1  # no neighbouring line's marks
    part = image.crop((round(ink[0] - across), round(ink[1] - down), round(ink[2] + across), round(ink[3] + down)))
    part = part.convert("L")
    if part.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) < 128:  # type is dark on light for a reader
        part = ImageOps.invert(part)
    factor = TYPE / size
    part = part.resize((round(part.width * factor), round(part.height * factor)), Image.Resampling.LANCZOS)
    ground = part.filter(ImageFilter.MaxFilter(25)).filter(ImageFilter.GaussianBlur(8))
    flat = ImageOps.invert(ImageChops.subtract(ground, part))
    return ImageOps.expand(ImageOps.autocontrast(flat, cutoff=(0, 40)), 24, fill=255)


def language(tag: str) -> str:
    return next(found for start, found in LANGUAGES.items() if tag == start or tag.startswith(start + "-"))


def read(cut: Cut) -> tuple[str, str, int, int, str]:
    """Language, role, characters, mistakes, and what was read: the best of several ways of reading it."""
    best = None
    file = io.BytesIO()
    cut.image.save(file, "PNG", dpi=(300, 300))
    own = language(cut.tag)
    # A line may hold Latin names and digits; and now and then a mode sees no text where another reads it well.
    for languages, mode in ((own, "7"), (own + "+eng", "7"), (own, "13"), (own, "6"), (own + "+eng", "6")):
        done = subprocess.run(
            ["tesseract", "stdin", "stdout", "-l", languages, "--psm", mode],
            input=file.getvalue(), capture_output=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
        said = done.stdout.decode("utf-8")
        found = distance(plain(cut.text), plain(said))
        if best is None or found < best[0]:
            best = (found, " ".join(said.split()))
        if not found:
            break
    assert best is not None
    return cut.tag, cut.role, len(plain(cut.text)), best[0], best[1]


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(FOLDED)
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))


def distance(one: str, other: str) -> int:
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (a != b)))
        before = now
    return before[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--campaign", default="examples/launch/campaign.yaml")
    parser.add_argument("--wrong", action="store_true", help="print what was read otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(options.campaign)
        copy = Path(folder) / "campaign"
        shutil.copytree(source.parent, copy, ignore=shutil.ignore_patterns(".imagebuild", "out", "*.lock"))
        command = [sys.executable, "-m", "imagebuild", "build", "-q", "-f", str(copy / source.name)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            results = list(pool.map(read, cuts(copy / source.name)))
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for tag, role, count, wrong, said in results:
        for name in (tag, f"all {role}"):
            totals[name][0] += 1
            totals[name][1] += count
            totals[name][2] += min(wrong, count)
        if options.wrong and wrong:
            print(f"  {tag} {role}: {wrong} of {count}: {said}")
    for name, (texts, count, wrong) in totals.items():
        print(f"{name:<12} {texts:>4}  lines  {count:>6} characters  {1 - wrong / count:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
