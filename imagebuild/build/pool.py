"""Workers for local work: threads where there is little to do, processes of their own where there is much.

A worker has a number, his lane; what he has decoded stays with him. A process that dies takes its task with it, and
nothing else: the task is tried once more with a new one. No fork: a process begins as a program of its own, with no
file of the build's open in it, and loads nothing but what draws. What a task does is `tasks`; who does which, `lanes`.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from imagebuild.build.pool_worker import receive, send
from imagebuild.core.key import Digest
from imagebuild.errors import BuildError, PictureError, reason_of
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import imagebuild.build.tasks as tasks
else:
    tasks = lazy("imagebuild.build.tasks")

__all__ = ["Originals", "Unforeseen", "Workers"]

TRIES: Final = 2  # processes that one task may take with it
PATIENCE: Final = 10.0  # seconds for a process to end, which takes milliseconds
MOST_WORDS: Final = 300  # bytes of what a process said last
_BEGIN: Final = "import sys; sys.path[:] = sys.argv[1:]; from imagebuild.build.pool_worker import main; main()"


class Originals(Protocol):
    """Where the bytes are that tasks ask for."""

    def file(self, digest: Digest) -> str | None:
        """A file that should hold them; whoever reads it checks them."""
        ...

    def read(self, digest: Digest) -> bytes:
        """The bytes, checked."""
        ...


class Unforeseen(Exception):
    """What went wrong in a worker's process that has no name there, with its traceback."""


class Workers:
    """So many workers. `apart`: each in a process of his own, begun with his first task. It may be given the next one
    before the first is done, from another thread."""

    def __init__(self, originals: Originals, count: int, *, apart: bool) -> None:
        self._turns = [threading.Lock() for _ in range(count)]
        self._processes = [_Lane(originals) for _ in range(count)] if apart else []
        self._originals = originals
        self._guard = threading.Lock()
        self._pictures: tasks.Pictures | None = None  # of those who work here

    def do(self, lane: int, name: str, arguments: Mapping[str, Any], *, label: str) -> Any:
        """What a task gives, done by one worker; the caller's thread waits for it. `label` is the asset that it is
        done for."""
        if self._processes:
            return self._processes[lane].do(name, arguments, label)
        with self._turns[lane]:
            with self._guard:
                if self._pictures is None:
                    self._pictures = tasks.Pictures(self._originals.read, workers=len(self._turns))
            return tasks.TASKS[name](arguments, self._pictures)

    def close(self, *, at_once: bool = False) -> None:
        """Let the processes go; `at_once` in the middle of what they do."""
        for lane in self._processes if at_once else ():
            lane.kill()
        for lane in self._processes:
            lane.close()


class _Died(Exception):
    """A process ended. `is_mine`: in the middle of the task; else that had not begun."""

    def __init__(self, words: str = "", *, is_mine: bool = False, is_killed: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.is_mine = is_mine
        self.is_killed = is_killed


class _Lane:
    """One worker's processes, one after the other."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._guard = threading.Lock()
        self._process: _Process | None = None
        self._is_over = False

    def do(self, name: str, arguments: Mapping[str, Any], label: str) -> Any:
        died = 0
        while True:
            process = self._begun()
            try:
                return process.do(name, arguments, self._originals)
            except _Died as bad:
                self._bury(process)
                died += bad.is_mine
                if died == TRIES:
                    raise PictureError(
                        f"two processes, one after the other, ended while they worked on `{label}`: {bad.words}",
                        hint="memory may have run out: `--jobs 1` takes less of it" if bad.is_killed else None,
                    ) from None

    def _begun(self) -> _Process:
        with self._guard:
            if self._is_over:
                raise BuildError("the build was broken off")
            if self._process is None:
                self._process = _Process()
            return self._process

    def _bury(self, process: _Process) -> None:
        with self._guard:
            if self._process is process:
                self._process = None
        process.end()

    def kill(self) -> None:
        with self._guard:
            self._is_over = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        with self._guard:
            self._is_over = True
            process, self._process = self._process, None
        if process is not None:
            process.end()


class _Process:
    """One process. Threads that give it tasks get their results in the same order."""

    def __init__(self) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `end`)
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-c", _BEGIN, *sys.path],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            )  # fmt: skip
        except OSError as bad:
            self._said.close()
            raise BuildError(
                f"no process can be begun to draw in: {reason_of(bad)}",
                hint="`--jobs 1` takes fewer of them",
            ) from bad
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._outgoing, self._incoming = self._popen.stdin, self._popen.stdout
        self._sending = threading.Lock()
        self._order = threading.Condition()  # of the four below
        self._users = 0
        self._given = 0
        self._done = 0
        self._is_dead = False

    def do(self, name: str, arguments: Mapping[str, Any], originals: Originals) -> Any:
        with self._order:
            self._users += 1
        try:
            with self._sending:
                number = self._given
                self._given += 1
                with suppress(OSError):  # it has died: whoever waits for it learns that
                    send(self._outgoing, ("do", name, arguments))
            with self._order:
                self._order.wait_for(lambda: self._is_dead or self._done == number)
                if self._is_dead:
                    raise _Died
            return self._result(originals)
        finally:
            with self._order:
                self._users -= 1
                self._order.notify_all()

    def _result(self, originals: Originals) -> Any:
        """Of the first task that is not done."""
        failure: Exception | None = None
        reply: tuple[object, ...]
        try:
            while True:
                kind, *said = receive(self._incoming)
                if kind != "need":
                    break
                try:
                    reply = _found(originals, *said)
                except Exception as bad:  # the task's own end, once the worker has put it down
                    failure, reply = bad, ("none",)
                with self._sending:
                    send(self._outgoing, reply)
        except (EOFError, OSError, pickle.UnpicklingError):
            with self._order:
                self._is_dead = True
            raise self._death() from None
        with self._order:
            self._done += 1
            self._order.notify_all()
        if failure is not None:
            raise failure
        if kind == "done":
            return said[0]
        raise said[0] if kind == "wrong" else Unforeseen(said[0])

    def kill(self) -> None:
        """Whoever waits for what it does learns that it died."""
        self._popen.kill()

    def end(self) -> None:
        """It ends when nothing more can come, and nobody waits for it."""
        with self._order:
            self._order.wait_for(lambda: self._users == 0)
        with self._sending, suppress(OSError):
            self._outgoing.close()
        self._wait()
        self._incoming.close()
        self._said.close()

    def _wait(self) -> int:
        try:
            return self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def _death(self) -> _Died:
        code = self._wait()
        names = {-each.value: each.name for each in signal.Signals}
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - MOST_WORDS))
        said = self._said.read().decode(errors="replace").strip()
        words = f"the last one by {names[code]}" if code in names else f"the last one with exit code {code}"
        words = f"{words}, saying: {said}" if said else words
        return _Died(words, is_mine=True, is_killed=names.get(code) == "SIGKILL")


def _found(originals: Originals, digest: Digest, may_be_file: bool) -> tuple[str, str | bytes]:
    path = originals.file(digest) if may_be_file else None
    return ("bytes", originals.read(digest)) if path is None else ("file", os.path.abspath(path))
