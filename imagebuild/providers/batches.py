"""What a service of batches is: many requests in one file, made within a day, and cheaper. A contract without I/O.

What is known of a batch is its ticket; what is sent is found again by its label, should the reply be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from imagebuild.providers.base import Picture, Request, ServiceFailure, Wish

__all__ = ["BatchResult", "BatchState", "BatchTicket", "Batching", "Doing", "Lot"]

Done = TypeVar("Done")
Doing = Generator[Wish, Any, Done]


class Lot(NamedTuple):
    """Requests that go into one batch: those of one endpoint, as many as one file may hold."""

    endpoint: str
    requests: tuple[Request, ...]
    bytes: int


class BatchTicket(NamedTuple):
    """What it takes to come back for a batch."""

    batch: str
    endpoint: str
    file: str
    keys: tuple[str, ...]
    label: str


class BatchState(NamedTuple):
    """Where a batch is. `failure`: it was turned down as a whole, and nothing was made or billed. `output_file` has the
    pictures, `error_file` what went wrong."""

    status: str
    done: bool
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    failure: ServiceFailure | None = None


class BatchResult(NamedTuple):
    """What became of one request: its picture, or how it failed. Of a line that is not `readable` only the key is
    known."""

    key: str
    picture: Picture | None
    failure: ServiceFailure | None
    readable: bool = True


class Batching(Protocol):
    """A service that takes batches. Its verbs are flows; the reading of what came is not."""

    @property
    def name(self) -> str: ...

    def fits(self, request: Request) -> bool:
        """Whether a batch's file can hold the request at all."""
        ...

    def lots(self, requests: Iterable[Request]) -> list[Lot]:
        """The requests in as few batches as can be."""
        ...

    def submit(self, lot: Lot, *, label: str) -> Doing[BatchTicket]:
        """Upload a lot and have it begun."""
        ...

    def find(self, label: str, *, keys: Sequence[str] = ()) -> Doing[BatchTicket | None]:
        """The batch of this label, if the service has one."""
        ...

    def poll(self, ticket: BatchTicket) -> Doing[BatchState]: ...

    def collect(self, file: str, to: str) -> Doing[bool]:
        """Have a file of a finished batch fetched, to a file here. False: the service does not have it."""
        ...

    def lines(self, path: str, *, form_of: Callable[[str], str]) -> Iterator[BatchResult]:
        """The results in a file that was fetched, one in memory at a time."""
        ...
