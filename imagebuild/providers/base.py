"""What a provider is: a protocol written as a generator, after httpx's auth flows.

`flow(request)` does no I/O: it yields what it needs done and is sent the outcome, until it returns the `Picture`. The
runner's driver does the I/O, one place for every provider, so that what may be sent twice and what never is decided
once. Tests step a flow by hand. A flow never sees a key: an `Ask` says that it wants one, the wire puts it in.

How a request can end badly is written down here too, by *when* it failed, which alone decides what may be done next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from imagebuild.errors import ProviderError

__all__ = [
    "AccountFailure", "Ask", "Attachment", "Cut", "Flow", "Glimpse", "Limits", "Lost", "NotKnown", "NotSent", "Note",
    "Part", "Picture", "Provider", "Refused", "Reply", "Request", "ServiceFailure", "StillRunning", "Throttled",
    "Unknown", "Wire", "Wish", "Work", "ask",
]  # fmt: skip


# --------------------------------------------------------------------------------------------- request and picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A picture that goes with a request, as its bytes."""

    data: bytes
    media_type: str
    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A paid request, complete. `label` is the asset's address, for people; it is no part of the identity."""

    key: str
    operation: str
    model: str
    prompt: str
    size: tuple[int, int]
    quality: str
    format: str
    background: str = "auto"
    references: tuple[Attachment, ...] = ()
    mask: Attachment | None = None
    take: int = 1
    variant: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What came back: the master's bytes as received, what the service says it cost (None: it did not say), and what
    it said about it."""

    data: bytes
    media_type: str
    cost: Decimal | None
    request_id: str | None = None
    answered: Mapping[str, object] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------ what a flow wants


@dataclass(frozen=True, slots=True)
class Work:
    """A computation of the provider's own, to be run off the event loop. Sent back: its bytes."""

    call: Callable[[], bytes]


class Part(NamedTuple):
    """One part of a multipart form: a text, or a file with its name and media type."""

    name: str
    value: str | bytes
    file_name: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A partial picture that came while the service was still at it."""

    index: int
    of: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to send. Sent back: its `Reply`.

    `paid`: the service takes money for this one, so it is sent once and never again by itself. Every other may be sent
    again, for `patience` seconds, until it is answered with something else than 429 or 5xx.
    """

    method: str
    url: str
    json: object = None
    form: Sequence[Part] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    paid: bool = False
    authorized: bool = True  # the key goes with it; never to a host that is not the service's own
    after: float = 0.0  # seconds to wait before it is sent
    wake: str | None = None  # a callback with this secret ends that waiting
    patience: float = 120.0
    glimpse: Callable[[str, bytes], Glimpse | None] | None = None  # an event stream: (name, data) of each event
    to_file: str | None = None  # the body is large: it goes to this file, not into the reply


@dataclass(frozen=True, slots=True)
class Note:
    """Something to have on disk before the flow goes on: with this, `flow(request, task)` can take it up again in
    another process. Sent back: None."""

    task: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was received. Header names are in lower case. `whole` is False when the connection ended before the body
    did: then it may hold what is needed all the same."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True
    url: str = ""

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


Wish = Work | Ask | Note
Flow = Generator[Wish, Any, Picture]


def ask(wish: Ask) -> Generator[Wish, Any, Reply]:
    """`reply = yield from ask(Ask(…))`: as `yield`, with the type of what comes back."""
    reply = yield wish
    assert isinstance(reply, Reply)
    return reply


# ------------------------------------------------------------------------------------------------- how it ends badly


class NotSent(ProviderError):
    """Nothing reached the service (no address, connection refused, TLS): it may be tried again freely."""


class Cut(ProviderError):
    """The connection broke, or nothing came in time, after the request had begun to leave: no status was seen."""


class ServiceFailure(ProviderError):
    """The service answered, or should have, with something that is no picture. `words` are its own."""

    def __init__(self, what: str, *, words: str = "", request_id: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.words = words
        self.request_id = request_id


class Refused(ServiceFailure):
    """It says no to exactly this request, and would again: remembered, never repeated. `stage` of a moderation:
    `input`, `output` (the picture was made first, and may be billed) or `unknown`."""

    def __init__(
        self,
        what: str,
        *,
        words: str = "",
        request_id: str | None = None,
        hint: str | None = None,
        moderation: bool = False,
        stage: str | None = None,
        categories: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, words=words, request_id=request_id, hint=hint)
        self.moderation = moderation
        self.stage = stage
        self.categories = categories


class AccountFailure(ServiceFailure):
    """It would say the same to every request: wrong key, no balance, no access, no such model. Nothing was billed."""


class Throttled(ServiceFailure):
    """Too fast, or the platform is full: nothing was billed; try again after so many seconds (None: it did not say)."""

    def __init__(self, what: str, *, after: float | None, words: str = "", request_id: str | None = None) -> None:
        super().__init__(what, words=words, request_id=request_id)
        self.after = after


class Unknown(ServiceFailure):
    """Whether it was made and billed cannot be known: never sent again by itself."""


class StillRunning(ServiceFailure):
    """Paid for and not there yet, or out of reach just now: what was noted is taken up again later. No failure."""


class NotKnown(Unknown):
    """The service does not know the task that was noted. It may be another account's."""


class Lost(ServiceFailure):
    """It was made, and cannot be had: what was paid for is gone at the service too."""


# ----------------------------------------------------------------------------------------------- provider and wire


class Limits(NamedTuple):
    """How fast a service may be asked. None: not limited by that."""

    concurrency: int
    images_per_minute: float | None = None
    requests_per_minute: float | None = None


class Provider(Protocol):
    """A service that makes pictures."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    def flow(self, request: Request, task: Mapping[str, Any] | None = None) -> Flow:
        """The protocol for one request, as a generator without I/O. With `task`, what an earlier flow noted is taken
        up: nothing is paid."""
        ...


class Wire(Protocol):
    """Sends what an `Ask` says, once. Follows no redirects of a POST, retries nothing."""

    async def send(
        self,
        ask: Ask,
        *,
        leaving: Callable[[], Awaitable[None]] | None = None,
        spool: str | None = None,
        show: Callable[[Glimpse], None] | None = None,
    ) -> Reply:
        """The reply, whatever its status. `leaving` is awaited when the connection stands, before anything is written
        to it. With `spool`, the body is written to that file as it comes in, so that it outlives this process, and is
        not kept in memory: `recall` has it. Raises `NotSent` or `Cut`."""
        ...

    def recall(self, spool: str) -> Reply | None:
        """The reply that was written to a spool, as far as it came, with its body; None when there is none."""
        ...

    async def wait(self, seconds: float, wake: str | None = None) -> None:
        """Let time pass, or until a callback with this secret comes in."""
        ...
