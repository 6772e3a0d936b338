"""What workers do to pictures, by name: functions of canonical arguments, and of bytes that are asked for by digest.

The same functions run in threads of the build and in processes of their own (`pool`). They know no store, no record,
no campaign; what they take is checked, what they give can be sent from one process to another.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from imagebuild.core.key import Digest
from imagebuild.lazy import lazy
from imagebuild.picture.decode import decode
from imagebuild.picture.steps import DRAWERS, Drawn, draw_steps

if TYPE_CHECKING:
    from PIL import Image

    import imagebuild.picture.checks.run as checking
else:
    checking = lazy("imagebuild.picture.checks.run")  # whoever only draws has no use for all that looks

__all__ = ["TASKS", "Pictures", "Read", "Task"]

Value = TypeVar("Value")
Step = tuple[str, Mapping[str, Any]]
Read = Callable[[Digest], bytes]

MOST_PIXELS: Final = 17_000_000  # kept for each worker: two of the largest pictures a model makes
MOST_BYTES: Final = 64_000_000  # of fonts and logos


class Pictures:
    """The pictures that are worked on: decoded once for many deliverables, cut once for many languages. What was used
    last is kept. May be used by several threads at once."""

    def __init__(self, read: Read, *, workers: int = 1) -> None:
        self._read = read
        self._images: _Kept[Image.Image] = _Kept(MOST_PIXELS * workers, lambda image: image.width * image.height)
        self._files: _Kept[bytes] = _Kept(MOST_BYTES, len)

    def read(self, digest: str) -> bytes:
        """A font's or a logo's bytes."""
        return self._files.get(digest, lambda: self._read(Digest(digest)))

    def image(self, digest: str, source: str, steps: Sequence[Step] = ()) -> Image.Image:
        """A picture, decoded, after its first steps: not to be drawn on. `source` is how messages call it."""

        def made() -> Image.Image:
            if not steps:
                return decode(self._read(Digest(digest)), source=source)
            before = self.image(digest, source, steps[:-1])
            name, parameters = steps[-1]
            after = DRAWERS[name](before, parameters, self.read)
            after.info = dict(before.info)  # what the file says of itself goes with it, whatever is drawn
            return after

        return self._images.get(json.dumps([digest, list(steps)], sort_keys=True), made)


class _Kept(Generic[Value]):
    """The values used last, as far as their weights go; the very last one always. Each is made once, also when several
    threads want it at a time."""

    def __init__(self, most: int, weight: Callable[[Value], int]) -> None:
        self._most = most
        self._weight = weight
        self._weights = 0
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._turns: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, name: str, make: Callable[[], Value]) -> Value:
        with self._guard:
            if name in self._values:
                self._values.move_to_end(name)
                return self._values[name]
            turn = self._turns.setdefault(name, threading.Lock())
        with turn:
            with self._guard:
                if name in self._values:
                    return self._values[name]
            try:
                value = make()
                self._keep(name, value)
            finally:
                with self._guard:
                    self._turns.pop(name, None)
            return value

    def _keep(self, name: str, value: Value) -> None:
        with self._guard:
            self._values[name] = value
            self._weights += self._weight(value)
            while self._weights > self._most and len(self._values) > 1:
                self._weights -= self._weight(self._values.popitem(last=False)[1])


def _draw(arguments: Mapping[str, Any], pictures: Pictures) -> Drawn:
    """`steps` done to the picture with the digest `input`; a sheet has none."""
    steps: list[Step] = [next(iter(step.items())) for step in arguments["steps"]]
    if arguments["input"] is None:
        return draw_steps(None, steps, read=pictures.read)
    first = max(0, sum(name != "encode" for name, _ in steps) - 1)  # languages differ in the last: the one with words
    image = pictures.image(arguments["input"], arguments["source"], steps[:first])
    return draw_steps(image, steps[first:], read=pictures.read)


def _check(arguments: Mapping[str, Any], pictures: Pictures) -> dict[str, object]:
    """What is found of the picture with the digest `input`, as it is."""
    return checking.run_checks(pictures.read(arguments["input"]), arguments["checks"], pictures.read)


Task = Callable[[Mapping[str, Any], Pictures], Any]
TASKS: Mapping[str, Task] = {"draw": _draw, "check": _check}
