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

from imagebuild import errors
from imagebuild.build.pool_worker import receive, send
from imagebuild.core.key import Digest
from imagebuild.errors import BuildError, ImagebuildError, PictureError, Place
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
    """So many workers. `apart`: each in a process of his own, begun with his first task."""

    def __init__(self, originals: Originals, count: int, *, apart: bool) -> None:
        self._turns = [threading.Lock() for _ in range(count)]
        self._pictures = None if apart else tasks.Pictures(originals.read, workers=count)
        self._processes = [_Lane(originals) for _ in range(count)] if apart else []

    def do(self, lane: int, name: str, arguments: Mapping[str, Any], *, label: str) -> Any:
        """What a task gives, done by one worker; the caller's thread waits for his turn, and for it. `label` is the
        asset that it is done for."""
        with self._turns[lane]:
            if self._pictures is not None:
                return tasks.TASKS[name](arguments, self._pictures)
            return self._processes[lane].do(name, arguments, label)

    def close(self, *, at_once: bool = False) -> None:
        """Let the processes go; `at_once` in the middle of what they do."""
        for lane in self._processes if at_once else ():
            lane.kill()
        for lane, turn in zip(self._processes, self._turns, strict=False):
            with turn:
                lane.close()


class _Died(Exception):
    """A process ended in the middle of a task. `words`: how."""

    def __init__(self, words: str, *, killed: bool) -> None:
        super().__init__(words)
        self.words = words
        self.killed = killed


class _Lane:
    """One worker's processes, one after the other. One task at a time."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._guard = threading.Lock()  # of the two below: closing comes from another thread
        self._process: _Process | None = None
        self._is_over = False

    def do(self, name: str, arguments: Mapping[str, Any], label: str) -> Any:
        for turn in range(TRIES):
            process = self._begun()
            try:
                return process.do(name, arguments, self._originals)
            except _Died as bad:
                with self._guard:
                    self._process = None
                process.end()
                if turn == TRIES - 1:
                    raise PictureError(
                        f"two processes, one after the other, ended while they worked on `{label}`: {bad.words}",
                        hint="memory may have run out: `--jobs 1` takes less of it" if bad.killed else None,
                    ) from None
        raise AssertionError("the last turn returns or raises")

    def _begun(self) -> _Process:
        with self._guard:
            if self._is_over:
                raise BuildError("the build was broken off")
            if self._process is None:
                self._process = _Process()
            return self._process

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
    """One process."""

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
                f"no process can be begun to draw in: {(bad.strerror or str(bad)).lower()}",
                hint="`--jobs 1` takes fewer of them",
            ) from bad
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._outgoing, self._incoming = self._popen.stdin, self._popen.stdout

    def do(self, name: str, arguments: Mapping[str, Any], originals: Originals) -> Any:
        failure: Exception | None = None
        reply: tuple[object, ...]
        try:
            send(self._outgoing, ("do", name, arguments))
            while True:
                kind, *said = receive(self._incoming)
                if kind != "need":
                    break
                try:
                    reply = _found(originals, *said)
                except Exception as bad:  # the task's own end, once the worker has put it down
                    failure, reply = bad, ("none",)
                send(self._outgoing, reply)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._death() from None
        if failure is not None:
            raise failure
        if kind == "done":
            return said[0]
        if kind == "wrong":
            raise _error(*said)
        raise Unforeseen(said[0])

    def kill(self) -> None:
        """Whoever waits for what it does learns that it died."""
        self._popen.kill()

    def end(self) -> None:
        """It ends when nothing more can come. Not while somebody waits for it."""
        with suppress(OSError):
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
        return _Died(f"{words}, saying: {said}" if said else words, killed=names.get(code) == "SIGKILL")


def _found(originals: Originals, digest: Digest, may_be_file: bool) -> tuple[str, str | bytes]:
    path = originals.file(digest) if may_be_file else None
    return ("bytes", originals.read(digest)) if path is None else ("file", os.path.abspath(path))


def _error(kind: str, what: str, at: Place | None, hint: str | None) -> ImagebuildError:
    """An error as it would have been raised here."""
    found = getattr(errors, kind)
    error: ImagebuildError = found(what, at=at, hint=hint)
    return error
