"""Builds killed (SIGKILL) at random moments, each followed by a normal build; then everything is looked at.

    python tests/bench/crash.py [--runs 200] [--seed N]

A third of the kills come at a random time; half just before the build opens, renames or removes a file (seen by an
audit hook; first the kind of moment is drawn, then which one of that kind, so that the one renaming of the lock is met
as often as the many openings of outputs); the rest while the build waits for another. A twin of the campaign, never
killed, says what must come out. Between runs the campaign changes, so that most builds start from an earlier one.
Exits 1 at the first thing that is not right.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from imagebuild.build.run import Stop
from imagebuild.cli.build import describe
from imagebuild.core.key import digest_of
from imagebuild.core.lock import parse_lock
from imagebuild.errors import ImagebuildError
from imagebuild.providers.base import Flow, Limits, Picture, Request, Work
from imagebuild.stages.build import finish, run_build
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.store.local import LocalStore
from imagebuild.workspace.guard import guard
from tests.bench.campaigns import Quick

LOCALES = ("en-US", "de-DE", "ar-EG")
SPEC = """\
imagebuild: 1
campaign: crash
model: gpt-image-2-2026-04-21
provider: proof
defaults: {quality: low, resolution: 1k}
axes:
  product: data/products.json
  locale: {source: en-US, targets: [de-DE, ar-EG], strings: "strings/{locale}.yaml"}
assets:
  scene:
    over: [product]
    prompt: "A photograph of {{ product }}, version 0."
    size: 1024x640
  hero:
    over: [product, locale]
    from: scene
    steps:
      - fit: {cover: [96, 60]}
    output: "{{ locale }}/{{ product }}.webp"
  poster:
    over: [product, locale]
    prompt: 'A poster of {{ product }}: "{{ t.headline }}"'
    size: 1024x640
    output: "{{ locale }}/{{ product }}.png"
  winter:
    over: [product]
    from: scene
    prompt: "The same scene in falling snow."
    output: "winter/{{ product }}.jpg"
"""


def write_campaign(folder: Path) -> None:
    for name in ("strings", "data", ".imagebuild"):
        (folder / name).mkdir(parents=True)
    (folder / "campaign.yaml").write_text(SPEC)
    (folder / "data" / "products.json").write_text('["kettle", "lamp"]')
    for locale in LOCALES:
        (folder / "strings" / f"{locale}.yaml").write_text(f"headline: Warm mornings {locale} 0\n")


class Logged(Quick):
    """Notes every request in a file before its picture is handed over: what would have been paid for."""

    limits = Limits(concurrency=4)

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def flow(self, request: Request, task: object = None) -> Flow:
        data = yield Work(lambda: self._served(request))
        return Picture(data=data, media_type="image/png", cost=0)  # type: ignore[arg-type]

    def _served(self, request: Request) -> bytes:
        time.sleep(0.002)
        os.write(self._log, f"{request.key}\n".encode())
        return self._picture(request)


def build(folder: Path, log: Path) -> None:
    """What `imagebuild build` does, with the stand-in."""
    project = find_project(None, {}, str(folder))
    with guard(os.path.join(project.private, "build.lock"), command="crash"):
        planned = plan_campaign(project)
        built = run_build(planned, listener=lambda event: None, stop=Stop(), provider=Logged(log), jobs=2)
        if not built.summary.complete:
            raise SystemExit(f"not complete: {built.summary.problems}")
        finish(planned, built, describe)


# -------------------------------------------------------------------------------------------- processes and their end


def in_child(work: Callable[[], None]) -> int:
    """The number of a new process that does the work."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException as bad:
        print(f"{type(bad).__name__}: {bad}", file=sys.stderr, flush=True)
    os._exit(code)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Moments:
    """Counts the moments at which files are touched, by kind; at the one that is asked for, the process dies."""

    EVENTS = frozenset(("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "fcntl.flock", "shutil.move"))

    def __init__(self, folder: Path, last: tuple[str, int] | None) -> None:
        self.folder = str(folder)
        self.counts: Counter[str] = Counter()
        self.last = last

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in self.EVENTS:
            return
        target = str(arguments[1] if event in ("os.rename", "shutil.move") else arguments[0])
        if self.folder not in target and event not in ("os.truncate", "fcntl.flock"):
            return
        kind = f"{event} {_kind(target)}"
        self.counts[kind] += 1
        if self.last == (kind, self.counts[kind]):
            os.kill(os.getpid(), signal.SIGKILL)


def _kind(path: str) -> str:
    parts = (
        ("store/objects", "a picture in the store"), ("store/results", "a record"), ("store/tmp", "a temporary file"),
        (".imagebuild/tmp", "a temporary file"), (".imagebuild/memory", "the memory"), ("imagebuild.lock", "the lock"),
        ("build.lock", "the guard"), ("/out/", "an output"), ("store", "the store"),
    )  # fmt: skip
    return next((name for part, name in parts if part in path), "an input" if "/" in path else "the guard")


class Death(NamedTuple):
    kind: str
    survived: bool  # the build had ended before


def kill_at_time(folder: Path, log: Path, delay: float) -> Death:
    child = in_child(lambda: build(folder, log))
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return Death("at a random time", ended(child) != -signal.SIGKILL)


def kill_at_moment(folder: Path, log: Path, kind: str, number: int) -> Death:
    def work() -> None:
        sys.addaudithook(Moments(folder, (kind, number)))
        build(folder, log)

    code = ended(in_child(work))
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(f"a build to be killed ended with {code}")
    return Death(f"before {kind}", code == 0)


def kill_waiting(folder: Path, log: Path, delay: float) -> Death:
    with guard(str(folder / ".imagebuild" / "build.lock"), command="another"):
        return kill_at_time(folder, log, delay)._replace(kind="while waiting for another build")


def measured(folder: Path, log: Path) -> tuple[float, dict[str, int]]:
    """Build without a kill: how long it took, and its moments, by kind."""
    reading, writing = os.pipe()

    def work() -> None:
        moments = Moments(folder, None)
        sys.addaudithook(moments)
        build(folder, log)
        os.write(writing, json.dumps(moments.counts).encode())

    began = time.perf_counter()
    child = in_child(work)
    os.close(writing)
    if ended(child):
        raise SystemExit("the twin could not be built")
    with os.fdopen(reading, "rb") as told:
        return time.perf_counter() - began, json.loads(told.read())


# ------------------------------------------------------------------------------------------------------- what must be


def requests_in(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def check_whole(folder: Path) -> set[str]:
    """Right after a kill: whatever is in the store is whole, and the lock can be read. The keys that have a result."""
    store = LocalStore(str(folder / ".imagebuild" / "store"))
    for digest in store.digests():
        store.get(digest)  # raises when damaged
    keys = store.keys()
    for key in keys:
        record = store.record(key)
        assert record is not None, f"the record of {key} is damaged"
        assert store.has(record.digest), f"the record of {key} has no picture"
    lock = folder / "imagebuild.lock"
    if lock.exists():
        parse_lock(lock.read_text(), file="imagebuild.lock")
    return set(keys)


def check_same(folder: Path, twin: Path) -> int:
    """After the normal build: nothing differs from the twin. How many temporary files wait to be swept."""
    check_whole(folder)
    assert (folder / "imagebuild.lock").read_bytes() == (twin / "imagebuild.lock").read_bytes(), "the locks differ"
    lock = parse_lock((folder / "imagebuild.lock").read_text(), file="imagebuild.lock")
    for entry in lock.entries.values():
        if entry.output and (twin / entry.output).exists():  # else: of a product that is no longer in the campaign
            assert digest_of((folder / entry.output).read_bytes()) == entry.digest, f"{entry.output} is not as locked"
    mine, others = files_of(folder), files_of(twin)
    loose = {path for path in mine - others if path.startswith(".imagebuild/") and "tmp" in path}
    assert mine - loose == others, f"more: {sorted(mine - loose - others)}; fewer: {sorted(others - mine)}"
    planned = plan_campaign(find_project(None, {}, str(folder)))
    assert not planned.plan.work, f"still to do: {planned.plan.work}"
    return len(loose)


class Pair:
    """The campaign that is killed, and its twin."""

    def __init__(self, home: Path) -> None:
        self.killed = home / "killed"
        self.twin = home / "twin"
        self.number = 0
        for folder in (self.killed, self.twin):
            write_campaign(folder)

    def change(self, chance: random.Random) -> str:
        """The same change to both."""
        self.number += 1
        kind = chance.choice(("string", "prompt", "output", "outputs", "product", "fresh", "lock", "nothing"))
        locale = chance.choice(LOCALES)
        for folder in (self.killed, self.twin):
            self._change(folder, kind, locale)
        return kind

    def _change(self, folder: Path, kind: str, locale: str) -> None:
        if kind == "string":
            (folder / "strings" / f"{locale}.yaml").write_text(f"headline: Warm mornings {locale} {self.number}\n")
        elif kind == "prompt":
            spec = folder / "campaign.yaml"
            before, _, rest = spec.read_text().partition("version ")
            spec.write_text(f"{before}version {self.number}.{rest.partition('.')[2]}")
        elif kind == "output":
            (folder / "out" / locale / "kettle.webp").unlink(missing_ok=True)
        elif kind == "outputs":
            shutil.rmtree(folder / "out", ignore_errors=True)
        elif kind == "product":
            products = ["kettle", "lamp", f"cup{self.number}"] if self.number % 2 else ["kettle", "lamp"]
            (folder / "data" / "products.json").write_text(str(products).replace("'", '"'))
        elif kind == "lock":
            (folder / "imagebuild.lock").unlink(missing_ok=True)
        elif kind == "fresh":
            for name in (".imagebuild", "out"):
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / "imagebuild.lock").unlink(missing_ok=True)
            (folder / ".imagebuild").mkdir()


def trial(pair: Pair, home: Path, chance: random.Random) -> tuple[Death, int, int]:
    """One kill, one normal build, and the look at everything."""
    log = home / "requests"
    pair.change(chance)
    seconds, moments = measured(pair.twin, home / "requests-of-twin")
    way = chance.random()
    if way < 0.5:
        kind = chance.choice(sorted(moments))
        death = kill_at_moment(pair.killed, log, kind, chance.randint(1, moments[kind]))
    elif way < 0.85:
        death = kill_at_time(pair.killed, log, chance.uniform(0, seconds * 1.05))
    else:
        death = kill_waiting(pair.killed, log, chance.uniform(0, 0.15))
    stored = check_whole(pair.killed)
    before = len(requests_in(log))
    if ended(in_child(lambda: build(pair.killed, log))):
        raise SystemExit("the normal build failed")
    again = [key for key in requests_in(log)[before:] if key in stored]
    assert not again, f"paid again, though the result was stored: {again}"
    return death, check_same(pair.killed, pair.twin), len(stored)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    deaths: Counter[str] = Counter()
    survived = loose = most_loose = 0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="imagebuild-crash-") as name:
        home = Path(os.path.realpath(name))
        pair = Pair(home)
        for number in range(options.runs):
            try:
                death, loose, _ = trial(pair, home, chance)
            except (AssertionError, SystemExit, OSError, ImagebuildError) as bad:
                kept = tempfile.mkdtemp(prefix="imagebuild-crash-kept-")
                shutil.copytree(home, kept, dirs_exist_ok=True)
                print(f"run {number} of seed {options.seed}: {bad}\nkept in {kept}")
                return 1
            deaths[death.kind] += 1
            most_loose = max(most_loose, loose)
            survived += death.survived
        requests = len(requests_in(home / "requests"))
        twins = len(requests_in(home / "requests-of-twin"))
    for kind, count in deaths.most_common():
        print(f"{count:>5}  {kind}")
    print(f"{options.runs} runs, {survived} of them over before the kill; all whole, none paid again")
    print(f"{requests} requests, {twins} of the twin that was never killed")
    print(f"at most {most_loose} temporary files, all in `.imagebuild`, waited to be swept")
    print(f"{time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
