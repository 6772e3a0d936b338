"""Workers in processes of their own: the same bytes as here, errors as here, and nothing left over however it ends."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from imagebuild.build.pool import Unforeseen, Workers
from imagebuild.build.run import Stop
from imagebuild.core.key import Digest
from imagebuild.core.layouts.canonical import Group, TextItem, Typeset, canonical_typeset
from imagebuild.errors import BuildError, PictureError
from imagebuild.picture.steps import run_steps
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.store.base import DamagedObject
from imagebuild.store.local import LocalStore
from tests.build.workshop import Painter, Workshop, cut, generate

FIT = {"fit": {"cover": [48, 30], "anchor": "center"}}
STEPS = [FIT, {"encode": {"format": "webp", "quality": 80, "lossless": False}}]


def picture_bytes(size=(96, 64), seed=1) -> bytes:
    image = Image.effect_mandelbrot(size, (-2.0 - seed / 9, -1.5, 1.0, 1.5), 60).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Originals:
    """A store, and how often it was asked for bytes instead of a file."""

    def __init__(self, root: Path, *, files: bool = True) -> None:
        self.store = LocalStore(str(root / "store"))
        self.files = files
        self.asked: list[str] = []
        self.read_: list[str] = []
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def file(self, digest: Digest) -> str | None:
        self.asked.append(digest)
        self.waiting.set()
        self.go_on.wait()
        return self.store.file(digest) if self.files else None

    def read(self, digest: Digest) -> bytes:
        self.read_.append(digest)
        return self.store.get(digest)

    def put(self, data: bytes) -> Digest:
        return self.store.put(data, durable=False)


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(tmp_path)


@pytest.fixture
def workers(originals: Originals):
    found = Workers(originals, 2, apart=True)
    yield found
    originals.go_on.set()
    found.close(at_once=True)


def drawn(workers: Workers, digest: Digest, *, lane: int = 0, steps=STEPS):
    arguments = {"input": digest, "steps": steps, "source": "the input of `hero`"}
    return workers.do(lane, "draw", arguments, label="hero")


def children(parent: int | None = None) -> set[int]:
    """The processes that this one has begun, those included that ended and were not waited for."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                rest = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(rest[1]) == (parent or os.getpid()):
                found.add(int(entry.name))
    return found


def state_of(process: int) -> str | None:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.01)
    return is_so()


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")


def test_a_process_draws_the_same_bytes_as_this_one(originals, workers):
    here = Workers(originals, 1, apart=False)
    for seed in (1, 2):
        digest = originals.put(picture_bytes(seed=seed))
        for form in ("webp", "jpeg", "avif", "png"):
            quality = {} if form == "png" else {"quality": 80}
            steps = [FIT, {"encode": {"format": form, **quality}}]
            apart = drawn(workers, digest, steps=steps)
            assert apart == drawn(here, digest, steps=steps)
            assert (apart.media_type, apart.size) == (f"image/{form}", (48, 30))


@pytest.mark.parametrize("apart", [True, False])
def test_what_was_drawn_before_from_the_same_picture_changes_no_byte(originals, apart):
    """As many times as there are ways to begin alike, against a drawing that begins with the file each time."""
    image = Image.open(io.BytesIO(picture_bytes()))
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Ada"  # artist
    image.save(buffer, "PNG", exif=exif)
    digest = originals.put(buffer.getvalue())
    contain = {"fit": {"contain": [60, 60], "anchor": "center", "background": "#336699"}}
    crop = {"crop": {"size": [40, 20], "anchor": "center"}}
    encode = {"encode": {"format": "png", "metadata": {"keep": True}}}
    lists = [
        [encode], [contain, encode], [contain, crop, encode], [contain, crop, FIT, encode], [contain, FIT, encode],
        [FIT, encode], [FIT, crop, encode], [crop, FIT, STEPS[1]], [contain, crop, FIT], [FIT, FIT, encode],
    ]  # fmt: skip
    workers = Workers(originals, 1, apart=apart)
    try:
        for steps in [*lists, *reversed(lists)]:
            named = [next(iter(step.items())) for step in steps]
            alone = run_steps(buffer.getvalue(), named, source="it", read=originals.read)
            assert drawn(workers, digest, steps=steps) == alone
    finally:
        workers.close()


def test_a_picture_is_read_once_from_its_file_however_much_is_drawn_from_it(originals, workers):
    digest = originals.put(picture_bytes())
    for side in (8, 16, 24):
        drawn(workers, digest, steps=[{"fit": {"cover": [side, side], "anchor": "center"}}, STEPS[1]])
    assert (originals.asked, originals.read_) == ([digest], [])


def test_a_store_without_files_gives_the_bytes(tmp_path):
    originals = Originals(tmp_path, files=False)
    workers = Workers(originals, 1, apart=True)
    try:
        digest = originals.put(picture_bytes())
        assert drawn(workers, digest).size == (48, 30)
        assert originals.read_ == [digest]
    finally:
        workers.close()


def test_a_damaged_file_is_set_aside_by_the_store_and_the_worker_goes_on(originals, workers):
    digest = originals.put(picture_bytes())
    path = Path(originals.store.file(digest))
    path.chmod(0o644)
    path.write_bytes(picture_bytes(seed=3))
    with pytest.raises(DamagedObject) as bad:
        drawn(workers, digest)
    assert Path(bad.value.aside).exists()
    assert drawn(workers, originals.put(picture_bytes(seed=2))).size == (48, 30)


@pytest.mark.parametrize("apart", [True, False])
def test_copy_that_does_not_fit_is_told_with_all_that_is_known_of_it(originals, apart):
    text = TextItem("cta", "Jetzt bestellen", (0.3, 0.4), 1, 700, "", "start", ("#ffffff",), 4.5, 1.0)
    group = Group((0.1, 0.1, 0.2, 0.2), "picture", "top", 0.0, (text,), None)
    parameters = canonical_typeset(Typeset("de-DE", "ltr", False, (0, 0, 0, 0), {}, (), (group,)))
    workers = Workers(originals, 1, apart=apart)
    try:
        with pytest.raises(Misfit) as bad:
            drawn(workers, originals.put(picture_bytes((320, 200))), steps=[{"typeset": parameters}])
        assert (bad.value.role, bad.value.language, bad.value.word) == ("cta", "de-DE", "bestellen")
        assert bad.value.over > 1
    finally:
        workers.close()


@pytest.mark.parametrize("apart", [True, False])
def test_an_error_is_the_same_from_either_side(originals, apart):
    workers = Workers(originals, 1, apart=apart)
    try:
        with pytest.raises(PictureError) as bad:
            drawn(workers, originals.put(picture_bytes()), steps=[{"fit": {"exact": [10, 90]}}])
        assert type(bad.value) is PictureError
        (problem,) = bad.value.problems
        assert "10x90" in problem.what
        assert problem.hint is not None
        with pytest.raises(PictureError, match="the input of `hero`"):
            drawn(workers, originals.put(b"no picture"))
    finally:
        workers.close()


def test_what_nobody_foresaw_comes_with_the_traceback_of_the_process_it_happened_in(originals, workers):
    with pytest.raises(Unforeseen, match=r"(?s)Traceback.*KeyError: 'turn inside out'"):
        workers.do(0, "turn inside out", {}, label="hero")
    assert drawn(workers, originals.put(picture_bytes())).size == (48, 30)


@linux
def test_a_task_whose_process_is_killed_is_done_by_another_one(originals, workers):
    before = children()
    digest = originals.put(picture_bytes())
    originals.go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(drawn, workers, digest)
        assert originals.waiting.wait(20)
        (first,) = children() - before
        os.kill(first, signal.SIGKILL)
        originals.go_on.set()
        assert result.result(20).size == (48, 30)
    (second,) = children() - before
    assert second != first


class Deadly(Originals):
    """Kills whoever asks it for something."""

    def __init__(self, root: Path, number: signal.Signals) -> None:
        super().__init__(root)
        self.before = children()
        self.number = number
        self.killed: list[int] = []

    def file(self, digest: Digest) -> str | None:
        for process in children() - self.before:
            os.kill(process, self.number)
            self.killed.append(process)
        return super().file(digest)


@linux
def test_a_task_that_takes_two_processes_with_it_fails_by_name_and_the_next_one_is_done(tmp_path):
    originals = Deadly(tmp_path, signal.SIGKILL)
    workers = Workers(originals, 1, apart=True)
    try:
        with pytest.raises(PictureError) as bad:
            drawn(workers, originals.put(picture_bytes()))
        assert len(originals.killed) == 2
        assert bad.value.what == (
            "two processes, one after the other, ended while they worked on `hero`: the last one by SIGKILL"
        )
        assert bad.value.hint == "memory may have run out: `--jobs 1` takes less of it"
        originals.number = signal.Signals(signal.SIGURG)  # which ends nobody
        assert drawn(workers, originals.put(picture_bytes(seed=2))).size == (48, 30)
    finally:
        workers.close()
    assert children() == originals.before


@linux
def test_what_waits_behind_a_task_that_kills_is_done_all_the_same(tmp_path):
    """Given in any order, and however often the processes die: only the one that kills fails."""
    originals = Originals(tmp_path)
    deadly, others = originals.put(picture_bytes()), [originals.put(picture_bytes(seed=seed)) for seed in (2, 3, 4)]
    before = children()

    class Killing:
        def file(self, digest):
            if digest == deadly:
                for process in children() - before:
                    os.kill(process, signal.SIGKILL)
            return originals.file(digest)

        read = originals.read

    workers = Workers(Killing(), 1, apart=True)
    try:
        with ThreadPoolExecutor(4) as threads:
            results = [threads.submit(drawn, workers, digest) for digest in (others[0], deadly, *others[1:])]
            assert [results[place].result(60).size for place in (0, 2, 3)] == [(48, 30)] * 3
            with pytest.raises(PictureError, match="ended while they worked on `hero`"):
                results[1].result(60)
    finally:
        workers.close()
    assert children() == before


def test_each_thread_gets_the_result_of_its_own_task(originals, workers):
    digest = originals.put(picture_bytes())

    def side(number: int) -> tuple[int, int]:
        steps = [{"fit": {"cover": [number, number + 1], "anchor": "center"}}, STEPS[1]]
        return drawn(workers, digest, lane=number % 2, steps=steps).size

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(side, range(8, 48))) == [(number, number + 1) for number in range(8, 48)]


@linux
def test_what_stops_a_build_does_not_stop_its_workers(originals, workers):
    before = children()
    digest = originals.put(picture_bytes())
    originals.go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(drawn, workers, digest)
        assert originals.waiting.wait(20)
        (process,) = children() - before
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process, number)
        originals.go_on.set()
        assert result.result(20).size == (48, 30)
    assert children() - before == {process}


@linux
def test_closing_leaves_no_process(originals, workers):
    before = children()
    digest = originals.put(picture_bytes())
    drawn(workers, digest, lane=0)
    drawn(workers, digest, lane=1)
    assert len(children() - before) == 2
    workers.close()
    assert children() == before


@linux
def test_closing_at_once_ends_what_is_being_drawn(originals, workers):
    before = children()
    digest = originals.put(picture_bytes())
    originals.go_on.clear()
    with ThreadPoolExecutor(2) as threads:
        result = threads.submit(drawn, workers, digest)
        assert originals.waiting.wait(20)
        closing = threads.submit(workers.close, at_once=True)
        originals.go_on.set()
        with pytest.raises(BuildError, match="the build was broken off"):
            result.result(20)
        closing.result(20)
    assert children() == before
    with pytest.raises(BuildError, match="the build was broken off"):
        drawn(workers, digest)


PARENT = """\
import sys
from imagebuild.build.pool import Workers

class Originals:
    def file(self, digest):
        print("drawing", flush=True)
        sys.stdin.read()

workers = Workers(Originals(), 1, apart=True)
workers.do(0, "draw", {"input": "0" * 64, "steps": [], "source": "it"}, label="hero")
"""


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_build_is_killed_its_workers_end(number):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    with parent:
        assert parent.stdout.readline() == "drawing\n"
        (worker,) = children(parent.pid)
        assert state_of(worker) is not None
        parent.send_signal(number)
        parent.wait()
        assert wait_until(lambda: state_of(worker) in (None, "Z"))


def test_a_process_begins_where_python_finds_the_same_modules_and_none_of_the_campaigns(originals, tmp_path):
    (tmp_path / "queue.py").write_text("raise RuntimeError('not this one')")
    digest = originals.put(picture_bytes())
    program = (
        "import sys\n"
        "from imagebuild.build.pool import Workers\n"
        "from imagebuild.store.local import LocalStore\n"
        "class Originals:\n"
        "    def file(self, digest): return LocalStore(sys.argv[1]).file(digest)\n"
        "workers = Workers(Originals(), 1, apart=True)\n"
        "task = {'input': sys.argv[2], 'steps': [], 'source': 'it'}\n"
        "print(workers.do(0, 'draw', task, label='hero').size)\n"
        "workers.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", program, originals.store.root, digest],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("(96, 64)\n", "")


def many(count: int) -> list:
    """So many drawings of four pictures."""
    scenes = [generate(f"scene{number}", output=False) for number in range(4)]
    return scenes + [cut(f"hero{number}", f"scene{number % 4}", 8 + number) for number in range(count)]


@linux
def test_a_build_of_much_is_drawn_apart_and_gives_the_same_files(tmp_path):
    few, much = Workshop(tmp_path / "few"), Workshop(tmp_path / "much")
    before = children()
    seen: set[int] = set()
    much.build(many(40), Painter(), listener=lambda event: seen.update(children() - before), jobs=2)
    assert len(seen) == 2
    assert children() == before
    for begin in range(0, 40, 10):  # a little at a time: in threads
        seen.clear()
        few.build(many(begin + 10), Painter(), listener=lambda event: seen.update(children() - before), jobs=2)
        assert seen == set()
    for number in range(40):
        assert few.out(f"hero{number}") == much.out(f"hero{number}")
        key = much.lock.entries[f"hero{number}"].key
        assert few.lock.entries[f"hero{number}"].key == key


@linux
def test_a_build_that_is_stopped_finishes_what_is_being_drawn_and_leaves_no_process(tmp_path):
    shop, stop, before = Workshop(tmp_path), Stop(), children()

    def listen(event) -> None:
        if event.kind == "made" and event.step.kind == "local":
            stop.request("stopped by Ctrl-C")

    summary = shop.build(many(40), Painter(), listener=listen, stop=stop, jobs=2)
    assert 1 <= summary.drawn <= 5
    assert (summary.drawn + summary.left, summary.failed, summary.stopped) == (40, 0, "stopped by Ctrl-C")
    assert children() == before
    assert shop.build(many(40), Painter(), jobs=2).complete


@linux
def test_a_build_that_is_broken_off_ends_its_processes_at_once(tmp_path):
    shop, before = Workshop(tmp_path), children()

    async def broken_off() -> None:
        drawn_one = asyncio.Event()

        def listen(event) -> None:
            if event.kind == "made" and event.step.kind == "local":
                drawn_one.set()

        build = asyncio.create_task(shop.building(many(40), Painter(), listener=listen, jobs=2))
        await drawn_one.wait()
        build.cancel()
        with pytest.raises(asyncio.CancelledError):
            await build

    asyncio.run(broken_off())
    assert children() == before
    assert shop.build(many(40), Painter(), jobs=2).complete
