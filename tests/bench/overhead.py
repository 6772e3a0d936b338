"""What being careful costs: a paying build beside an ideal one, its CPU an action, its memory.

    python tests/bench/overhead.py [--runs 3] [--seed N] [--actions 2000] [time] [memory]

*time*: a build of so many pictures at openai's protocol, 64 at once, latencies of 30 to 240 s at a hundredth. Its
makespan, from the first request to the last record, beside that of an ideal client that sends without loss of time,
the longest first (list scheduling, LPT), and beside one that sends in the order in which the build did. Once with
latencies that follow from what is asked for, as they do in reality, so that a client can know which take long; once
with latencies that nobody can know. CPU of the same builds: that of the process, less that of a build of one picture,
less what decoding the replies and writing the same bytes with the same fsyncs takes by itself.

*memory*: the highest resident size of builds of 200 and of 2,000 pictures of 8 MB, and their CPU. Takes 36 GB of disk.

The service is a process of its own (`service.py`), whose CPU is shown: near a whole core, it is what is measured. A
hundredth of the latencies makes a hundredfold of whatever the client adds: on a machine that does other things as well
the makespan says more of those. Figures are medians; all runs are printed, each with the machine's load before it.
"""

from __future__ import annotations

import argparse
import base64
import heapq
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SLOTS = 64
LEAST, MOST = 30.0, 240.0
QUALITIES = ("low", "medium", "high")
SIZES = ("1024x640", "1024x1024", "2048x1152", "2048x2048", "3840x2160")
TOKENS = {  # of each size, at low, medium and high: what is paid for is what takes time
    "1024x640": (107, 956, 3824), "1024x1024": (196, 1756, 7024), "2048x1152": (157, 1413, 5650),
    "2048x2048": (397, 3568, 14272), "3840x2160": (371, 3336, 13342),
}  # fmt: skip
KINDS = sorted(
    ((quality, size) for quality in QUALITIES for size in SIZES),
    key=lambda kind: TOKENS[kind[1]][QUALITIES.index(kind[0])],
)
CHANCE = 0.3  # of the span between the least and the most that a kind does not decide
SPEC = """\
imagebuild: 1
campaign: overhead
model: gpt-image-2-2026-04-21
provider: openai
axes:
  product: data/products.json
assets:
"""
ASSET = """\
  {quality}-{size}:
    over: [product]
    prompt: "A photograph of {{{{ product }}}} on a table, {quality}, {size}."
    quality: {quality}
    size: {size}
    output: "{quality}-{size}/{{{{ product }}}}.png"
"""


def seconds_of(seed: int, prompt: str, quality: str, size: str, *, even: bool) -> float:
    """How long the service takes for an order. `even`: whatever it is."""
    share = random.Random(f"{seed}:{prompt}").random()
    if not even:
        share = (1 - CHANCE) * KINDS.index((quality, size)) / (len(KINDS) - 1) + CHANCE * share
    return LEAST + (MOST - LEAST) * share


def write_campaign(folder: Path, actions: int, kinds: Sequence[tuple[str, str]] = KINDS) -> int:
    """A campaign of about so many pictures, of all kinds; how many it has."""
    products = -(-actions // len(kinds))
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "products.json").write_text(json.dumps([f"kettle-{number:04}" for number in range(products)]))
    assets = "".join(ASSET.format(quality=quality, size=size) for quality, size in kinds)
    (folder / "campaign.yaml").write_text(SPEC + assets)
    return products * len(kinds)


# ------------------------------------------------------------------------------------------------- the two processes


class Used(NamedTuple):
    """What a process took."""

    user: float
    system: float
    peak: float  # MB

    @property
    def cpu(self) -> float:
        return self.user + self.system


def used_by(process: subprocess.Popen[str]) -> Used:
    """Wait for it to end."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024)


class Service:
    """The service's process. `used` is there once it has ended."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, str(Path(__file__).with_name("service.py")), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        started = json.loads(self._process.stdout.readline())
        self.base: str = started["base"]
        self.environment: dict[str, str] = started["environment"]
        self.used: Used | None = None

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.base}/_sandbox/{path}") as reply:
            return json.load(reply)

    def end(self) -> None:
        self._process.terminate()
        self.used = used_by(self._process)


@contextmanager
def service(*options: str) -> Iterator[Service]:
    running = Service(*options)
    try:
        yield running
    finally:
        running.end()


def build(folder: Path, at: Service, *options: str) -> Used:
    """One `imagebuild build`, which must make everything it is asked for."""
    pace = {"IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none", "IMAGEBUILD_OPENAI_CONCURRENCY": str(SLOTS)}
    environment = {**os.environ, **at.environment, **pace}
    command = [sys.executable, "-m", "imagebuild", "build", "--yes", "--quiet", *options]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.read()
    used = used_by(process)
    if process.returncode != 0:
        raise SystemExit(f"the build ended with {process.returncode}: {said[-500:]}")
    return used


# --------------------------------------------------------------------------------------------------------------- time


def makespan_of(seconds: Iterable[float]) -> float:
    """Each on the slot that is free first, without a moment lost."""
    free = [0.0] * SLOTS
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


class Timed(NamedTuple):
    """One build, in the service's own seconds. `bound`: what no schedule can be under."""

    took: float
    ideal: float
    in_order: float
    bound: float
    actions: int
    client: Used
    service: Used

    def spent(self, one: float) -> float:
        """CPU milliseconds of the client an action, but for what a build of one picture takes: `one` seconds."""
        return (self.client.cpu - one) / (self.actions - 1) * 1000


def timed(home: Path, actions: int, seed: int, speed: float, *, even: bool) -> Timed:
    folder = home / "timed"
    expected = write_campaign(folder, actions)
    options = ["--seed", str(seed), "--speed", str(speed), *(["--even"] if even else [])]
    with service(*options) as running:
        client = build(folder, running)
        requests = [each for each in running.ask("requests") if each["method"] == "POST"]
        charges = running.ask("charges")
    assert running.used is not None
    if len(charges) != expected or len(requests) != expected:
        raise SystemExit(f"{expected} pictures, {len(requests)} requests, {len(charges)} charges")
    records = list((folder / ".imagebuild" / "store" / "results").rglob("*.json"))
    if len(records) != expected:
        raise SystemExit(f"{expected} pictures, {len(records)} records")
    bodies = [json.loads(each["body"]) for each in sorted(requests, key=lambda each: each["at"])]
    sent = [seconds_of(seed, each["prompt"], each["quality"], each["size"], even=even) for each in bodies]
    began = min(each["at"] for each in requests)
    took = (max(path.stat().st_mtime for path in records) - began) * speed
    shutil.rmtree(folder)
    return Timed(
        took, makespan_of(sorted(sent, reverse=True)), makespan_of(sent), max(sum(sent) / SLOTS, *sent), expected,
        client, running.used,
    )  # fmt: skip


def startup(home: Path) -> Used:
    """A build of one picture: all that is loaded and opened for any."""
    folder = home / "one"
    write_campaign(folder, 1, KINDS[:1])
    with service("--speed", "100000") as running:
        used = build(folder, running)
    shutil.rmtree(folder)
    return used


def bare(folder: Path, replies: Iterable[bytes]) -> None:
    """What cannot be done without, and nothing else: for each reply the journal's entry, the reply as it came, the
    picture out of it, the picture in the store and in the output folder, the record and the ledger's line, each safe on
    disk where the build makes it safe."""
    for name in ("journal", "objects", "results", "out", "tmp"):
        (folder / name).mkdir(parents=True)
    ledger = os.open(folder / "ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for count, reply in enumerate(replies, start=1):
        name = f"{count:064x}"
        entry = folder / "journal" / f"{name}.json"
        spool = folder / "journal" / f"{name}.reply"
        _written(folder / "tmp" / name, entry, b"e" * 1000)
        _written(spool.with_suffix(".part"), spool, reply)
        picture = base64.b64decode(json.loads(spool.read_bytes())["data"][0]["b64_json"])
        _written(folder / "tmp" / name, folder / "objects" / name, picture)
        _written(folder / "tmp" / name, folder / "results" / name, b"r" * 1000)
        os.write(ledger, b"l" * 480 + b"\n")
        os.fsync(ledger)
        (folder / "out" / name).write_bytes((folder / "objects" / name).read_bytes())
        entry.unlink()
        _synced(folder / "journal")
        spool.unlink()
    os.close(ledger)


def _written(temporary: Path, path: Path, data: bytes) -> None:
    with temporary.open("wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
    temporary.replace(path)
    _synced(path.parent)


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def bare_cpu(home: Path, actions: int, picture: int) -> float:
    """CPU seconds an action of `bare`, with pictures of so many bytes. In a process of its own: what this one holds
    would count as its children's memory."""
    child = os.fork()
    if not child:
        code = 1
        try:
            text = base64.b64encode(os.urandom(picture)).decode()
            body = json.dumps({"created": 1, "data": [{"b64_json": text}]}).encode()
            bare(home / "bare", (body for _ in range(actions)))
            code = 0
        finally:
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit("the bare writing failed")
    shutil.rmtree(home / "bare")
    return (usage.ru_utime + usage.ru_stime) / actions


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def show_times(home: Path, options: argparse.Namespace) -> None:
    one = statistics.median(startup(home).cpu for _ in range(options.runs))
    floor = statistics.median(bare_cpu(home, min(options.actions, 500), 5000) for _ in range(options.runs)) * 1000
    print(f"start-up (a build of one picture): {one:.2f} s of CPU; bare decoding and writing: {floor:.2f} ms an action")
    for even in (False, True):
        print("latencies that nobody can know" if even else "latencies that follow from size and quality", flush=True)
        runs: list[Timed] = []
        for number in range(options.runs):
            print(f"  seed {options.seed + number}, {load()}:", end=" ", flush=True)
            runs.append(timed(home, options.actions, options.seed + number, options.speed, even=even))
            print(told(runs[-1], one, floor, options.speed), flush=True)
        ideal = statistics.median(each.took / each.ideal for each in runs)
        order = statistics.median(each.took / each.in_order for each in runs)
        spent = statistics.median(each.spent(one) for each in runs)
        print(f"  median: {ideal:.3f}x the ideal, {order:.3f}x its own order; {spent - floor:.2f} ms of CPU an action")


def told(run: Timed, one: float, floor: float, speed: float) -> str:
    wall = run.took / speed
    lost = (run.took - run.in_order) / speed / (run.actions / SLOTS) * 1000
    return (
        f"{run.actions} pictures in {run.took:.0f} s; ideal {run.ideal:.0f} ({run.took / run.ideal:.3f}x), "
        f"in the order sent {run.in_order:.0f} ({run.took / run.in_order:.3f}x: {lost:.0f} ms lost an action), bound "
        f"{run.bound:.0f} ({run.took / run.bound:.3f}x); CPU {run.spent(one):.2f} ms an action, "
        f"{run.spent(one) - floor:.2f} beyond the bare; peak {run.client.peak:.0f} MB; of a core the client took "
        f"{run.client.cpu / wall:.0%}, the service {run.service.cpu / wall:.0%}"
    )


# ------------------------------------------------------------------------------------------------------------- memory


def peak(home: Path, actions: int, seed: int, picture: int) -> Used:
    folder = home / "peak"
    expected = write_campaign(folder, actions, [("low", "3840x2160")])
    with service("--seed", str(seed), "--speed", "1000", "--picture-bytes", str(picture)) as running:
        used = build(folder, running)
        if len(running.ask("charges")) != expected:
            raise SystemExit("not everything was made")
    shutil.rmtree(folder)
    return used


def show_memory(home: Path, options: argparse.Namespace) -> None:
    few, many = options.sizes
    floor, one = bare_cpu(home, 30, options.picture_bytes) * 1000, startup(home).cpu
    print(f"pictures of {options.picture_bytes / 1e6:g} MB; bare decoding and writing: {floor:.1f} ms of CPU an action")
    peaks: dict[int, list[float]] = {few: [], many: []}
    for number in range(options.runs):
        for actions in (few, many):
            before = load()
            used = peak(home, actions, options.seed + number, options.picture_bytes)
            peaks[actions].append(used.peak)
            spent = (used.cpu - one) / (actions - 1) * 1000
            print(
                f"  seed {options.seed + number}, {before}: {actions} pictures: peak {used.peak:.0f} MB, CPU "
                f"{spent:.1f} ms an action, {spent - floor:.1f} beyond the bare",
                flush=True,
            )
    low, high = (statistics.median(peaks[each]) for each in (few, many))
    print(f"peak memory: {low:.0f} MB at {few}, {high:.0f} MB at {many}: ratio {high / low:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="`time`, `memory`, or both, which is the default")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--actions", type=int, default=2000)
    parser.add_argument("--speed", type=float, default=100.0, help="how many times as fast as in reality")
    parser.add_argument("--sizes", type=int, nargs=2, default=(200, 2000), metavar="N")
    parser.add_argument("--picture-bytes", type=int, default=8_000_000)
    options = parser.parse_args()
    what = options.what or ["time", "memory"]
    if not set(what) <= {"time", "memory"}:
        parser.error(f"neither `time` nor `memory`: {what}")
    print(f"seed {options.seed}, {SLOTS} at once, {load()} on {os.cpu_count()} cores", flush=True)
    home = Path(tempfile.mkdtemp(prefix="imagebuild-overhead-"))
    try:
        if "time" in what:
            show_times(home, options)
        if "memory" in what:
            show_memory(home, options)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
