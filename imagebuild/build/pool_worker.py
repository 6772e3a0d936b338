"""A worker's own process: does one task after another (`tasks`) for the build at the other end of its pipes.

Messages are tuples, pickled, each with its length before it; both ends are the same program, of the same version. The
build says `("do", name, arguments)`, `("file", path)`, `("bytes", data)` or `("none",)`; the worker says
`("need", digest, may_be_file)`, `("done", value)`, `("wrong", error)` or `("unforeseen", text)`. Tasks may be given
ahead: they are done in their order, each begun as soon as the one before is done. Nothing else is shared. The process
ends when the build's end of the pipe closes, however the build ended.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import struct
import sys
import threading
import traceback
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final

from imagebuild.core.key import Digest, digest_of
from imagebuild.errors import ImagebuildError
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import imagebuild.build.tasks as tasks
else:
    tasks = lazy("imagebuild.build.tasks")  # the build's side takes the messages alone from here

__all__ = ["Message", "main", "receive", "send"]

Message = tuple[Any, ...]

_LENGTH: Final = struct.Struct("!Q")
_ENDED_BY_THE_BUILD: Final = ("SIGINT", "SIGTERM", "SIGHUP")  # a terminal sends them to all its processes
_FIRST_TO_GO: Final = b"500"  # of 1000, when memory runs out: a worker can be had again, what the build pays for not


def send(pipe: IO[bytes], message: Message) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Message:
    """The next message. Raises EOFError when the other end is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        data = pipe.read(length)
        if len(data) == length:
            message: Message = pickle.loads(data)
            return message
    raise EOFError


class _NoBytes(Exception):
    """The build has no bytes for a digest, and knows why."""


class _Build:
    """The build, as its worker sees it."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._tasks: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Message] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Beside the work, so that an end of the build ends the work too, and does not wait for it."""
        with suppress(EOFError, OSError):
            while True:
                message = receive(self._incoming)
                (self._tasks if message[0] == "do" else self._answers).put(message)
        os._exit(0)

    def task(self) -> tuple[str, dict[str, Any]]:
        """The next one, and its arguments."""
        _, name, arguments = self._tasks.get()
        return name, arguments

    def tell(self, *message: object) -> None:
        try:
            send(self._outgoing, message)
        except OSError:
            os._exit(0)

    def read(self, digest: Digest) -> bytes:
        """The bytes of a digest, checked: from their file, or else from the build, which checks them itself."""
        for may_be_file in (True, False):
            self.tell("need", digest, may_be_file)
            kind, *given = self._answers.get()
            if kind == "bytes":
                data: bytes = given[0]
                return data
            if kind == "file":
                with suppress(OSError), open(given[0], "rb") as file:
                    data = file.read()
                    if digest_of(data) == digest:
                        return data
        raise _NoBytes


def _do(build: _Build, pictures: tasks.Pictures, name: str, arguments: dict[str, Any]) -> None:
    try:
        try:
            said: Message = ("done", tasks.TASKS[name](arguments, pictures))
        except (ImagebuildError, _NoBytes) as bad:
            said = ("wrong", pickle.loads(pickle.dumps(bad)))  # one that does not survive the way is told as text
    except Exception:
        said = ("unforeseen", traceback.format_exc())
    build.tell(*said)


def main() -> None:
    """Work until the build ends."""
    for name in _ENDED_BY_THE_BUILD:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(_FIRST_TO_GO)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message
    sys.stdout = sys.stderr
    build = _Build(incoming, outgoing)
    pictures = tasks.Pictures(build.read)
    while True:
        _do(build, pictures, *build.task())
