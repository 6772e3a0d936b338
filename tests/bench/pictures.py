"""Drawing many deliverables beside scripts that do less: 500 of them, cut, set in 14 languages and encoded.

    python tests/bench/pictures.py [--runs 3] [--plain] [--sharp FOLDER] [--vips PYTHON] [--keep FOLDER] [500 2000]

A campaign of 2048x1152 masters (made beforehand, by proof), each in 14 locales: cut to 1200x630, headline, body and
button set on it, WebP at quality 80; with `--plain` as many cuts without words, no two the same. The whole command is
timed, from its start to its end: planning, keys, records, deliveries, the lock. Beside it, on the same masters, the
same number of deliverables by scripts that only cut and encode, as they are written by hand: with sharp, each
deliverable from the master's file, and once more with each master decoded once; with libvips, each from the file, in as
many threads as there are cores. FOLDER is one in which `npm install sharp` was run, PYTHON one that has
`pyvips[binary]`.

Medians; ratios are of medians, of the time and of the CPU: on a machine that does other things as well the CPU's says
more. The memory is the highest sum of the resident sizes of all processes of a run, by looking every 50 ms; pages that
processes share count once for each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOCALES = {
    "en-US": ("Warm mornings, every day", "Boils in ninety seconds, and keeps still about it.", "Order now"),
    "de-DE": ("Warme Morgen, jeden Tag", "Kocht in neunzig Sekunden, und das ganz leise.", "Jetzt bestellen"),
    "fr-FR": ("Des matins chauds, chaque jour", "Prête en quatre-vingt-dix secondes, sans bruit.", "Commander"),
    "ru-RU": ("Тёплое утро каждый день", "Закипает за девяносто секунд и почти бесшумно.", "Заказать"),
    "el-GR": ("Ζεστά πρωινά, κάθε μέρα", "Βράζει σε ενενήντα δευτερόλεπτα, αθόρυβα.", "Παραγγελία"),
    "zh-Hans-CN": ("每天都有温暖的早晨", "九十秒即可烧开，而且几乎没有声音。", "立即订购"),
    "zh-Hant-TW": ("每天都有溫暖的早晨", "九十秒即可燒開，而且幾乎沒有聲音。", "立即訂購"),
    "ja-JP": ("毎日、あたたかい朝を", "わずか九十秒で沸騰。しかも、とても静かです。", "今すぐ注文"),
    "ko-KR": ("매일 따뜻한 아침", "구십 초면 끓고, 소리는 거의 나지 않습니다.", "지금 주문"),
    "hi-IN": ("हर दिन गर्म सुबह", "नब्बे सेकंड में उबलता है, और शोर नहीं करता।", "अभी मंगाएँ"),
    "bn-BD": ("প্রতিদিন উষ্ণ সকাল", "নব্বই সেকেন্ডে ফোটে, আর শব্দ হয় না বললেই চলে।", "এখনই কিনুন"),
    "ar-EG": ("صباح دافئ كل يوم", "يغلي في تسعين ثانية، ومن دون ضجيج.", "اطلب الآن"),
    "he-IL": ("בוקר חם בכל יום", "רותח בתשעים שניות, וכמעט בלי רעש.", "להזמנה"),
    "th-TH": ("เช้าที่อบอุ่นทุกวัน", "เดือดในเก้าสิบวินาที และแทบไม่มีเสียง", "สั่งซื้อเลย"),
}
SPEC = """\
imagebuild: 1
campaign: pictures
model: gpt-image-2-2026-04-21
provider: proof
defaults: {{quality: medium}}
axes:
  product: data/products.json
  locale: {{source: en-US, targets: [{targets}], strings: "strings/{{locale}}.yaml"}}
assets:
  scene:
    over: [product]
    prompt: "A photograph of {{{{ product }}}} on a sunny table, with flowers."
    size: 2048x1152
"""
SET = """\
  hero:
    over: [product, locale]
    from: scene
    steps:
      - fit: {cover: [1200, 630]}
      - typeset:
          layout: layouts/hero.yaml
          text: {headline: "{{ t.headline }}", body: "{{ t.body }}", cta: "{{ t.cta }}"}
      - encode: {format: webp, quality: 80}
    output: "{{ locale }}/{{ product }}.webp"
"""
PLAIN = """\
  hero{number}:
    over: [product]
    from: scene
    steps:
      - fit: {{cover: [1200, 630], anchor: [0.5, {anchor}]}}
      - encode: {{format: webp, quality: 80}}
    output: "{number}/{{{{ product }}}}.webp"
"""
LAYOUT = """\
layout: 1
shapes:
  landscape:
    groups:
      - {box: [0.06, 0.1, 0.5, 0.8], valign: middle, items: [headline, body, cta], scrim: {}}
"""
SHARP = """\
const fs = require('fs'), sharp = require('sharp')
const [from, to, given, how, lanes] = process.argv.slice(2)
const [copies, jobs, once] = [+given, +lanes, how === 'once']
sharp.cache(false)
const masters = fs.readdirSync(from)
let next = 0
const one = async (name) => {
  const each = (picture, copy) => picture.resize(1200, 630, { fit: 'cover' }).webp({ quality: 80 })
    .toFile(`${to}/${copy}-${name}.webp`)
  if (once) {
    const { data, info } = await sharp(`${from}/${name}`).raw().toBuffer({ resolveWithObject: true })
    for (let copy = 0; copy < copies; copy++) {
      await each(sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } }), copy)
    }
  } else {
    for (let copy = 0; copy < copies; copy++) await each(sharp(`${from}/${name}`), copy)
  }
}
const lane = async () => { while (next < masters.length) await one(masters[next++]) }
Promise.all(Array.from({ length: jobs }, lane)).catch((bad) => { console.error(bad); process.exit(1) })
"""
VIPS = """\
import os, sys
from concurrent.futures import ThreadPoolExecutor
import pyvips
source, target, copies, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def one(work):
    name, copy = work
    picture = pyvips.Image.new_from_file(f"{source}/{name}", access="sequential")
    picture = picture.thumbnail_image(1200, height=630, crop="centre")
    picture.webpsave(f"{target}/{copy}-{name}.webp", Q=80)
with ThreadPoolExecutor(jobs) as pool:
    list(pool.map(one, [(name, copy) for name in sorted(os.listdir(source)) for copy in range(copies)]))
"""


class Taken(NamedTuple):
    seconds: float
    cpu: float  # of all processes
    memory: float  # MB, the highest sum of all processes


class Figures(NamedTuple):
    """Of several runs."""

    seconds: float
    cpu: float
    memory: float
    all: tuple[float, ...]


# ------------------------------------------------------------------------------------------------------- processes


def tree(process: int) -> Iterator[int]:
    """A process and all that it has begun, and they."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {process}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    yield from found


def resident(process: int) -> float:
    """MB of a process and of all below it."""
    pages = 0
    for each in tree(process):
        try:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(command: list[str], folder: Path) -> Taken:
    """One run, which must go well."""
    highest = 0.0
    is_over = threading.Event()
    began = time.perf_counter()
    said = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=said)

    def look() -> None:
        nonlocal highest
        while not is_over.wait(0.05):
            highest = max(highest, resident(process.pid))

    looking = threading.Thread(target=look)
    looking.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    is_over.set()
    looking.join()
    said.seek(0)
    words = said.read().decode()
    said.close()
    if process.returncode:
        raise SystemExit(f"{command}: exit {process.returncode}, said {words[-2000:]}")
    return Taken(seconds, used.ru_utime + used.ru_stime, highest)


# -------------------------------------------------------------------------------------------------------- campaigns


def write_campaign(folder: Path, products: int, *, plain: bool) -> None:
    for name in ("strings", "data", "layouts"):
        (folder / name).mkdir(parents=True)
    targets = ", ".join([*LOCALES][1:])
    cuts = [PLAIN.format(number=number, anchor=number / len(LOCALES)) for number in range(len(LOCALES))]
    (folder / "campaign.yaml").write_text(SPEC.format(targets=targets) + ("".join(cuts) if plain else SET))
    (folder / "data/products.json").write_text(json.dumps([f"kettle-{number:03}" for number in range(products)]))
    (folder / "layouts/hero.yaml").write_text(LAYOUT)
    for locale, (headline, body, cta) in LOCALES.items():
        said = {"headline": headline, "body": body, "cta": cta}
        (folder / f"strings/{locale}.yaml").write_text(json.dumps(said, ensure_ascii=False))


def program() -> list[str]:
    return [sys.executable, "-m", "imagebuild"]


def prepared(folder: Path, deliverables: int, *, plain: bool) -> int:
    """A campaign whose masters are made; how many it has."""
    products = -(-deliverables // len(LOCALES))
    if not (folder / "campaign.yaml").exists():
        write_campaign(folder, products, plain=plain)
        timed([*program(), "build", "--quiet", "scene"], folder)
        masters = folder / "masters"
        masters.mkdir()
        for path in (folder / ".imagebuild").rglob("objects/*/*"):
            shutil.copyfile(path, masters / f"{path.name[:16]}.png")
    return products


def build(folder: Path, jobs: int) -> Taken:
    """All deliverables of a campaign whose masters are there, in a copy that is used once."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        copy = Path(place) / "campaign"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("masters"))
        taken = timed([*program(), "build", "--quiet", "--jobs", str(jobs)], copy)
        found = len(list(copy.glob("out/**/*.webp")) or list(copy.glob("**/*.webp")))
        expected = len(list((folder / "masters").iterdir())) * len(LOCALES)
        if found != expected:
            raise SystemExit(f"{found} deliverables where {expected} were asked for")
        return taken


def script(command: list[str], folder: Path, *more: str) -> Taken:
    with tempfile.TemporaryDirectory(dir=folder.parent) as target:
        return timed([*command, str(folder / "masters"), target, str(len(LOCALES)), *more], folder)


# ---------------------------------------------------------------------------------------------------------- figures


def figures(runs: list[Taken]) -> Figures:
    seconds = tuple(each.seconds for each in runs)
    cpu = statistics.median(each.cpu for each in runs)
    return Figures(statistics.median(seconds), cpu, max(each.memory for each in runs), seconds)


def told(name: str, found: Figures, count: int, beside: Figures | None) -> None:
    runs = " ".join(f"{seconds:.2f}" for seconds in found.all)
    for_all, for_cpu = "", ""
    if beside is not None:
        for_all, for_cpu = f"{beside.seconds / found.seconds:.2f}", f"{beside.cpu / found.cpu:.2f}"
    print(
        f"{name:<42}{found.seconds:8.2f} s {for_all:>6} {found.cpu / count * 1000:8.1f} ms {for_cpu:>6} "
        f"{found.memory:7.0f} MB   ({runs})",
        flush=True,
    )


def compare(folder: Path, options: argparse.Namespace, count: int) -> None:
    """In turns, so that what else the machine does falls on all of them alike."""
    products = prepared(folder, count, plain=options.plain)
    jobs = str(options.jobs)
    ways = {"imagebuild": lambda: build(folder, options.jobs)}
    if options.sharp:
        path = folder.parent / "cut.cjs"
        path.write_text(SHARP)
        shutil.copyfile(path, Path(options.sharp) / "cut.cjs")
        node = ["node", str(Path(options.sharp).resolve() / "cut.cjs")]
        ways["sharp, decoding each time"] = lambda: script(node, folder, "each", jobs)
        ways["sharp, decoding once"] = lambda: script(node, folder, "once", jobs)
    if options.vips:
        (folder.parent / "cut.py").write_text(VIPS)
        python = [options.vips, str(folder.parent / "cut.py")]
        ways["libvips, decoding each time"] = lambda: script(python, folder, jobs)
    runs: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(options.runs):
        for name, way in ways.items():
            runs[name].append(way())
    mine = figures(runs["imagebuild"])
    made = products * len(LOCALES)
    words = "cut, encoded" if options.plain else "cut, set, encoded"
    print(f"{made} deliverables of {products} masters on {os.cpu_count()} cores, {options.jobs} jobs")
    print(f"{'':<42}{'time':>10} {'ratio':>6} {'CPU each':>11} {'ratio':>6} {'memory':>10}")
    told(f"imagebuild: {words}", mine, made, None)
    for name, each in runs.items():
        if name != "imagebuild":
            told(f"{name}: cut, encoded", figures(each), made, mine)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="*", default=[500])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--sharp")
    parser.add_argument("--vips")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    base = options.keep or Path(tempfile.mkdtemp())
    try:
        for count in options.counts:
            place = base / f"{count}-{'plain' if options.plain else 'set'}"
            compare(place / "campaign", options, count)
    finally:
        if options.keep is None:
            shutil.rmtree(base)


if __name__ == "__main__":
    main()
