"""Paying builds killed (SIGKILL, Ctrl-C) at random moments against a sandbox that misbehaves; then the books compared.

    python tests/bench/exactly_once.py [--runs 1000] [--seed N] [--provider NAME|all] [--workers 2]

Each run is a campaign of its own with 4 to 10 pictures to pay for, and a random script of faults. Its builds are
killed, at a random time or just before they touch a file, and run again until they find nothing more to do; then the
faults end, and it is built until nothing changes. What the sandbox charged, answered and played must then be what the
campaign's store, lock, journal and ledger say: see `both_books`. Before every build its plan is held against what the
build sends. Some runs end with builds that are told to ask again for everything that is open: then all must be there.

Prints the figures; on a violation the seed of the run, its script and its folder, which is kept, and exits 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

import imagebuild.cli.build
import imagebuild.cli.parser
import imagebuild.cli.plan
import imagebuild.cli.progress  # noqa: F401  (all loaded before the builds are forked)
from imagebuild.cli.main import main as run_command
from imagebuild.providers import callbacks, web
from imagebuild.sandbox.faults import FAULTS
from tests.bench.both_books import Death, Evidence, Sent, Violation, compare, prompt_id
from tests.sandboxes import RunningSandbox, start_sandbox

WAYS = (
    "openai", "openai-stream", "openai-batch", "hinow", "apixo", "apixo-callback", "kie", "together",
)  # fmt: skip
HOME = Path(__file__).resolve().parents[2]
MOST_KILLS = 4
MOST_BUILDS = 40
PATIENCE = 120.0  # seconds for one command: nothing takes so long here
RETRIED = 0.25  # share of the runs that end with everything asked for again

SPEC = """\
imagebuild: 1
campaign: once
model: gpt-image-2-2026-04-21
provider: {provider}
allow_floating: true
defaults: {{quality: medium, resolution: 1k}}
axes:
  n: [{axis}]
assets:
  scene:
    over: [n]
    prompt: "id-{run}-scene-{{{{ n }}}}: a kettle on a table."
  hero:
    over: [n]
    from: scene
    steps:
      - fit: {{cover: [32, 32]}}
    output: "hero-{{{{ n }}}}.png"
  winter:
    over: [n]
    from: scene
    prompt: "id-{run}-winter-{{{{ n }}}}: the same in falling snow."
    output: "winter-{{{{ n }}}}.jpg"
"""
POSTER = """\
  poster:
    over: [n]
    prompt: "id-{run}-poster-{{{{ n }}}}: a poster."
    output: "poster-{{{{ n }}}}.jpg"
"""


class Campaign(NamedTuple):
    """One run's: its folder, and the mark that all its prompts bear."""

    folder: Path
    run: str
    way: str
    paid: tuple[str, ...]  # addresses

    @property
    def provider(self) -> str:
        return self.way.partition("-")[0]


def write_campaign(folder: Path, run: str, way: str, chance: random.Random) -> Campaign:
    count, has_poster = chance.choice([(2, False), (2, True), (3, False), (3, True), (4, False), (5, False)])
    axis = "abcde"[:count]
    text = SPEC + (POSTER if has_poster else "")
    folder.mkdir(parents=True)
    text = text.format(provider=way.partition("-")[0], run=run, axis=", ".join(axis))
    (folder / "campaign.yaml").write_text(text)
    (folder / ".imagebuild").mkdir()
    assets = ("scene", "winter", "poster") if has_poster else ("scene", "winter")
    return Campaign(folder, run, way, tuple(f"{asset}[n={n}]" for asset in assets for n in axis))


def script_for(campaign: Campaign, chance: random.Random) -> list[dict[str, Any]]:
    """Up to eight faults that this provider can meet, on pictures or wherever they fall."""
    stages = {"request", "result", "file"}
    if campaign.way == "openai-batch":
        stages = {"line", "batch", "file"}
    elif campaign.way == "openai-stream":
        stages |= {"stream"}
    elif campaign.way == "apixo-callback":
        stages |= {"callback"}
    names = [
        name
        for name, fault in FAULTS.items()
        if fault.stages & stages and (not fault.providers or campaign.provider in fault.providers)
    ]
    rules: list[dict[str, Any]] = []
    for _ in range(chance.choice([0, 1, 2, 3, 4, 6, 8])):
        name = chance.choice(names)
        prompt = f"*id-{campaign.run}-*"
        if chance.random() < 0.6:
            prompt = f"*{prompt_id(chance.choice(campaign.paid), campaign.run)}:*"
        if campaign.way == "openai-batch" and FAULTS[name].stages & {"batch", "file"}:
            prompt = "*"  # of no one picture
        rule = {"fault": name, "prompt": prompt, "times": chance.choice([1, 1, 1, 2, 3])}
        rules.append(rule | {"after": chance.choice([0, 0, 1, 2])})
    return rules


# ------------------------------------------------------------------------------------------- commands, and their end


class Way(NamedTuple):
    """How a build is to end: by itself, or killed."""

    kind: str  # whole | time | file | once (Ctrl-C) | twice
    at: float = 0.0
    file: tuple[str, int] = ("", 0)  # kind of file, and the how-manieth touch of one


KINDS = {
    "journal/": "the journal", ".reply": "a reply", "ledger/": "the ledger", "results/": "a record",
    "objects/": "a picture", "claims/": "a claim", "imagebuild.lock": "the lock", "/out/": "an output",
}  # fmt: skip
EVENTS = frozenset(("open", "os.rename", "os.remove"))


class Moments:
    """Kills the process just before it touches the how-manieth file of a kind."""

    def __init__(self, folder: Path, kind: str, number: int) -> None:
        self.folder = str(folder)
        self.kind = kind
        self.left = number

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in EVENTS:
            return
        target = str(arguments[1] if event == "os.rename" else arguments[0])
        if self.folder in target and self.kind in target:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Ended(NamedTuple):
    code: int
    began: float
    ended: float
    killed: bool
    output: bytes


def command(campaign: Campaign, arguments: list[str], environment: Mapping[str, str], way: Way) -> Ended:
    """One command in a process of its own, that ends as it is told to."""
    log = campaign.folder / "output.log"
    began = time.time()
    child = os.fork()
    if not child:
        _be_command(campaign, arguments, environment, way, log)
    if way.kind in ("time", "once", "twice"):
        _is_over(child, way.at)
        number = signal.SIGKILL if way.kind == "time" else signal.SIGINT
        _signal(child, number)
        if way.kind == "twice":
            time.sleep(0.02)
            _signal(child, number)
    if not _is_over(child, PATIENCE):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise Violation(f"{arguments} did not end ({way}):\n{log.read_text(errors='replace')[-3000:]}")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    killed = code == -signal.SIGKILL or (way.kind == "twice" and code == 2)
    return Ended(code, began, time.time(), killed, log.read_bytes())


def _is_over(child: int, seconds: float = 0.0) -> bool:
    """Whether it has ended, or does within so many seconds."""
    until = time.monotonic() + seconds
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if time.monotonic() >= until:
            return False
        time.sleep(min(0.003, max(0.0, until - time.monotonic())))
    return True


def _signal(child: int, number: int) -> None:
    if not _is_over(child):
        os.kill(child, number)


def _be_command(campaign: Campaign, arguments: list[str], environment: Mapping[str, str], way: Way, log: Path) -> None:
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
        os.chdir(campaign.folder)
        os.environ.update(environment)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if way.kind == "file":
            sys.addaudithook(Moments(campaign.folder, *way.file))
        code = run_command(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:  # it struck before the command began, or after it was over
        code = 2
    except BaseException as bad:
        print(f"TRACEBACK {type(bad).__name__}: {bad}", file=sys.stderr)
        code = 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


# -------------------------------------------------------------------------------------------------------- one run


class Run:
    """A campaign, from its first build to the comparison."""

    def __init__(
        self, campaign: Campaign, sandbox: RunningSandbox, environment: Mapping[str, str], chance: random.Random,
        lengths: dict[str, float], figures: Counter[str],
    ) -> None:  # fmt: skip
        self.campaign = campaign
        self.sandbox = sandbox
        self.environment = environment
        self.chance = chance
        self.lengths = lengths
        self.figures = figures
        self.deaths: list[Death] = []
        self.kept_replies: set[str] = set()  # attempts whose whole reply was on disk when a build died
        self.outputs: list[bytes] = []
        self.script = script_for(campaign, chance)

    def all(self) -> None:
        self.sandbox.reset()
        self.sandbox.set_faults(*self.script)
        for _ in range(self.chance.randint(0, MOST_KILLS)):
            self.build(self._way())
        self._settle()
        self.sandbox.set_faults()
        self._settle()
        evidence = self._evidence()
        compare(evidence, self.figures)
        if self.chance.random() < RETRIED:
            again = ["--on-uncertain", "retry", "--retry-refused", "--accept-flawed"]
            self._settle(*again)
            compare(self._evidence()._replace(asked_again=evidence), self.figures)
        self.figures["runs"] += 1

    def _way(self) -> Way:
        length = self.lengths.get(self.campaign.way, 0.8)
        kind = self.chance.choices(("whole", "time", "file", "once", "twice"), (1, 5, 5, 1, 1))[0]
        number = self.chance.choice([1, 1, 2, 3, 4, 6, 8, 12, 20])
        return Way(kind, self.chance.uniform(0, 1.1 * length), (self.chance.choice(list(KINDS)), number))

    def _settle(self, *more: str) -> None:
        """Build until a build sends nothing and changes nothing."""
        still = 0
        before: object = None
        for _ in range(MOST_BUILDS):
            sent = self.build(Way("whole"), *more)
            now = (self._state(), sent)
            still = still + 1 if not sent and now == before else 0
            before = now
            if still >= 1 and not self._waits():
                return
            time.sleep(0.05 if self._waits() else 0.0)
        raise Violation(f"after {MOST_BUILDS} builds it is not at rest: {self._state()}")

    def _state(self) -> object:
        return Evidence.journal_states(self.campaign.folder)

    def _waits(self) -> bool:
        return any(state in ("task", "sent") for state in Evidence.journal_states(self.campaign.folder).values())

    def build(self, way: Way, *more: str) -> int:
        """Plan, build, hold the one against the other. How many paid requests the build sent."""
        if self.campaign.way == "openai-batch":
            more = (*more, "--batch")
        planned = self._planned(more)
        before = self._marks()
        words = ["build", "--yes", *(["--json"] if self.chance.random() < 0.3 else []), *more]
        words += ["--debug"] if self.chance.random() < 0.3 else []
        done = command(self.campaign, words, self.environment, way)
        self.outputs.append(done.output)
        self.figures["builds"] += 1
        if b"TRACEBACK" in done.output or b"Traceback" in done.output or done.code == 70:
            raise Violation(f"a build ended with a traceback:\n{done.output.decode(errors='replace')[-3000:]}")
        if done.killed:
            self.figures["kills"] += 1
            self.figures[f"killed: {way.kind}"] += 1
            self.deaths.append(Death(done.began, done.ended))
            self.kept_replies |= Evidence.whole_replies(self.campaign.folder)
        elif way.kind == "whole" and not self.deaths:
            old = self.lengths.get(self.campaign.way, done.ended - done.began)
            self.lengths[self.campaign.way] = 0.8 * old + 0.2 * (done.ended - done.began)
        return self._check_plan(planned, before, done)

    def _planned(self, more: tuple[str, ...]) -> dict[str, Any]:
        done = command(self.campaign, ["plan", "--json", *more], self.environment, Way("whole"))
        self.outputs.append(done.output)
        if done.code != 0:
            raise Violation(f"the plan ended with {done.code}:\n{done.output.decode(errors='replace')[-3000:]}")
        found: dict[str, Any] = json.loads(done.output)
        return found

    def _marks(self) -> tuple[int, int]:
        return len(self._sent()), len([each for each in self.sandbox.requests("/batches") if each["method"] == "POST"])

    def _sent(self) -> list[Sent]:
        return Evidence.sent_in(self.sandbox.requests(), self.campaign.run)

    def _check_plan(self, planned: Mapping[str, Any], before: tuple[int, int], done: Ended) -> int:
        """A build sends no more than its plan says, and for nothing but what its plan says."""
        sent = self._sent()[before[0] :]
        batches = self._marks()[1] - before[1]
        making = {
            f"id-{self.campaign.run}-{step['asset']}-{step['cell']['n']}": Decimal(step["price"])
            for step in planned["steps"]
            if step["verdict"] == "make" and step["kind"] != "local" and not step.get("merged")
        }
        for each in sent:
            if each.prompt not in making:
                raise Violation(f"the plan does not speak of `{each.prompt}`, and the build asked for it")
        if batches and not making:
            raise Violation("the plan makes nothing, and the build began a batch")
        asked = {each.prompt for each in sent}
        price = Decimal(0)
        for charge in self.sandbox.charges():
            found = prompt_id_in(charge["prompt"], self.campaign.run)
            if found in asked and charge["at"] >= done.began:
                price += Decimal(charge["price"])
        if price > sum(making.values(), Decimal(0)):
            raise Violation(f"the plan says {sum(making.values())}, and {price} were charged")
        return len(sent) + batches

    def _evidence(self) -> Evidence:
        return Evidence(
            folder=self.campaign.folder, run=self.campaign.run, way=self.campaign.way, paid=self.campaign.paid,
            charges=self.sandbox.charges(), sent=self._sent(), plays=self.sandbox.plays(),
            deaths=tuple(self.deaths), kept_replies=frozenset(self.kept_replies), outputs=tuple(self.outputs),
            secret=self.environment["OPENAI_API_KEY"],
            states=Evidence.states_in(self.campaign.folder, self.campaign.paid),
        )  # fmt: skip


def prompt_id_in(prompt: str, run: str) -> str | None:
    return prompt.partition(":")[0] if prompt.startswith(f"id-{run}-") else None


# -------------------------------------------------------------------------------------------------------- all runs


def environment_for(way: str, sandbox: RunningSandbox, port: int, chance: random.Random) -> dict[str, str]:
    found = sandbox.environment()
    name = way.partition("-")[0].upper()
    found["IMAGEBUILD_REFERENCES_URL"] = "https://pictures.example.com/references"
    found["IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE"] = "none"
    found[f"IMAGEBUILD_{name}_CONCURRENCY"] = str(chance.choice([1, 2, 4, 8]))
    if way == "openai-stream":
        found["IMAGEBUILD_OPENAI_PARTIALS"] = str(chance.choice([1, 2, 3]))
    if way == "apixo-callback":
        found["IMAGEBUILD_APIXO_CALLBACK_URL"] = f"http://127.0.0.1:{port}/calls"
        found["IMAGEBUILD_APIXO_CALLBACK_LISTEN"] = f"127.0.0.1:{port}"
    if way == "hinow" and chance.random() < 0.3:
        found["IMAGEBUILD_HINOW_ROUTE"] = "chat"
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def work(numbers: Iterator[int], seed: int, ways: list[str], home: Path, verbose: bool) -> tuple[Counter[str], bool]:
    """The runs of these numbers, one after the other, against one sandbox. The figures, and whether all was right."""
    figures: Counter[str] = Counter()
    lengths: dict[str, float] = {}
    port = free_port()
    is_right = True
    with start_sandbox(speed=1000, latency="20-160") as sandbox:
        for number in numbers:
            chance = random.Random(f"{seed}:{number}")
            way = ways[number % len(ways)]
            folder = home / f"run-{number}"
            campaign = write_campaign(folder, f"{seed}x{number}", way, chance)
            environment = environment_for(way, sandbox, port, chance)
            run = Run(campaign, sandbox, environment, chance, lengths, figures)
            try:
                run.all()
            except Violation as bad:
                is_right = False
                kept = tempfile.mkdtemp(prefix=f"imagebuild-once-{number}-")
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                (Path(kept) / "run.json").write_text(_described(run))
                print(f"run {number} of seed {seed} ({way}): {bad}\nscript {run.script}\nkept in {kept}", flush=True)
                figures["violations"] += 1
            figures[f"of {way}"] += 1
            shutil.rmtree(folder, ignore_errors=True)
            if verbose and figures["runs"] % 20 == 0:
                print(f"… {dict(figures)}", flush=True)
    return figures, is_right


def _described(run: Run) -> str:
    """What a person needs to look into a violation."""
    charges = [each for each in run.sandbox.charges() if run.campaign.run in each["prompt"]]
    return json.dumps(
        {
            "script": run.script, "deaths": run.deaths, "sent": run._sent(), "charges": charges,
            "plays": run.sandbox.plays(), "requests": run.sandbox.requests(), "environment": dict(run.environment),
            "outputs": [each.decode(errors="replace") for each in run.outputs],
        },
        indent=1,
    )  # fmt: skip


def in_workers(runs: int, seed: int, ways: list[str], workers: int, home: Path, verbose: bool) -> Counter[str]:
    """All runs, shared among processes."""
    children = []
    for worker in range(workers):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            code = 1
            try:
                figures, is_right = work(iter(range(worker, runs, workers)), seed, ways, home, verbose)
                os.write(writing, json.dumps(figures).encode())
                code = 0 if is_right else 1
            except BaseException as bad:
                print(f"worker {worker}: {type(bad).__name__}: {bad}", file=sys.stderr, flush=True)
            os._exit(code)
        os.close(writing)
        children.append((child, reading))
    total: Counter[str] = Counter()
    for child, reading in children:
        with os.fdopen(reading, "rb") as told:
            data = told.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        total.update(json.loads(data) if data else {})
        total["failed workers"] += code != 0
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--provider", choices=(*WAYS, "all"), default="all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    Image.init()
    assert web.WebWire  # lazy modules: from here on they are loaded
    assert callbacks.Callbacks
    gc.freeze()  # what is loaded by now is looked at by no build's collector
    os.environ["PYTHONPATH"] = str(HOME)
    ways = list(WAYS) if options.provider == "all" else [options.provider]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="imagebuild-once-") as name:
        home = Path(os.path.realpath(name))
        figures = in_workers(options.runs, options.seed, ways, options.workers, home, options.verbose)
    for name in sorted(figures):
        print(f"{figures[name]:>7}  {name}")
    print(f"{time.perf_counter() - began:.0f} s")
    if figures["failed workers"] or figures["violations"] or figures["runs"] != options.runs:
        return 1
    print(f"{options.runs} runs: each picture charged once; uncertain exactly what nobody can know; no master lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
