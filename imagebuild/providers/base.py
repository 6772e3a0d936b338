"""What a provider is: a protocol written as a generator, after httpx's auth flows.

`flow(request)` does no I/O: it yields what it needs done (`Work` here; services add requests to send) and is sent the
outcome, until it returns the `Picture`. The runner's driver does the I/O, one place for every provider, so that what
may be sent twice and what never is decided once. Tests step a flow by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

__all__ = ["Attachment", "Flow", "Picture", "Provider", "Request", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A picture that goes with a request, as its bytes."""

    data: bytes
    media_type: str
    name: str


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
    """What came back: the master's bytes as received, what it cost, and what the service said about it."""

    data: bytes
    media_type: str
    cost: Decimal
    request_id: str | None = None
    answered: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """A computation of the provider's own, to be run off the event loop."""

    call: Callable[[], bytes]


Flow = Generator[Work, bytes, Picture]


class Provider(Protocol):
    """A service that makes pictures."""

    @property
    def name(self) -> str: ...

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        ...

    def flow(self, request: Request) -> Flow:
        """The protocol for one request, as a generator without I/O."""
        ...
