"""One build at a time, with real processes: the guard must go with whoever holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imagebuild.errors import BuildError
from imagebuild.workspace.guard import Holder, guard

REPOSITORY = Path(__file__).parents[2]
HOLD = (
    "import sys\n"
    "from imagebuild.workspace.guard import guard\n"
    "with guard(sys.argv[1], command='imagebuild build spring'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.readline()\n"
)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / ".imagebuild" / "guard")


@pytest.fixture
def holder(path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_free_guard_is_had_at_once_again_and_again(path):
    waited = []
    for _ in range(3):
        with guard(path, command="imagebuild build", on_wait=waited.append):
            assert str(os.getpid()) in Path(path).read_text()
    assert waited == []
    assert Path(path).read_text() == ""


def test_the_guard_is_given_back_when_the_block_fails(path):
    with pytest.raises(ZeroDivisionError), guard(path, command="one"):
        raise ZeroDivisionError
    with guard(path, command="two", timeout=0):
        pass


def test_whoever_waits_is_told_once_for_whom_and_goes_on_after(path, holder):
    waited = []

    def let_go(who):
        waited.append(who)
        threading.Timer(0.25, holder.stdin.write, [b"\n"]).start()
        threading.Timer(0.3, holder.stdin.flush).start()

    with guard(path, command="imagebuild build", on_wait=let_go, timeout=30):
        assert holder.wait(30) == 0
    assert [(who.process, who.command) for who in waited] == [(holder.pid, "imagebuild build spring")]
    assert str(waited[0]).startswith(f"another build (pid {holder.pid}, `imagebuild build spring`, since 20")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_holder_leaves_nothing_to_clean(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    waited = []
    with guard(path, command="imagebuild build", on_wait=waited.append, timeout=0):
        assert waited == []


def test_waiting_ends_with_the_timeout(path, holder):
    with pytest.raises(BuildError) as caught, guard(path, command="imagebuild build", timeout=0.2):
        pass
    assert f"pid {holder.pid}" in caught.value.what
    assert caught.value.what.endswith("is still running after 0.2 s")
    assert holder.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT to a process")
def test_ctrl_c_ends_the_waiting(path, holder):
    waiting = HOLD.replace("spring'", "autumn', on_wait=lambda who: print('waiting', flush=True)")
    process = subprocess.Popen(
        [sys.executable, "-c", waiting, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY
    )
    assert process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert holder.poll() is None


def test_a_holder_that_cannot_be_read_is_just_another_build():
    assert str(Holder(0, "", "")) == "another build"


def test_a_guard_that_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot open"), guard(str(tmp_path / "file" / "guard"), command="x"):
        pass
