"""What the review server asks: everything a page shows, and what people decide on it.

The server knows a desk by this protocol alone, so it knows nothing of campaigns, locks, stores or approvals files. What
a desk hands out as `bytes` is JSON in UTF-8, ready to be sent.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from imagebuild.errors import ImagebuildError

__all__ = ["THUMB_WIDTHS", "Desk", "Person", "ReviewError", "Served"]

# The only widths a thumbnail is asked for in: what is not listed cannot be made to fill a disk.
THUMB_WIDTHS = (160, 320, 640, 1280)


class ReviewError(ImagebuildError):
    """The review cannot be served, or cannot do what was asked of it."""


class Person(NamedTuple):
    """Who may open the page: the token in the address says who is asking, and nothing else ever does."""

    name: str
    token: str  # 22 or more URL-safe characters of randomness (128 bits): `secrets.token_urlsafe(32)`

    def __repr__(self) -> str:  # a token is never shown, not even in a traceback
        return f"Person(name={self.name!r}, token=…)"


class Served(NamedTuple):
    """A picture on its way to the page."""

    data: bytes
    media_type: str  # as the desk believes; the server measures it from the bytes and serves pictures only


class Desk(Protocol):
    """What the server asks. Every method may be called from any thread, several at once, and may take a second.

    A method may raise an `ImagebuildError`: the page is told its `what` and `hint`, so they hold nothing that the
    people at the page may not read. Any other exception is told as a fault of this program, without its words.
    """

    def board(self, who: str) -> bytes:
        """The matrix, as this person sees it."""

    def asset(self, who: str, address: str) -> bytes | None:
        """All about one picture; None: there is no such address."""

    def own(self, who: str) -> bytes:
        """What this person has decided about the pictures that are shown, as those are now, by address; for a page that
        asks about hundreds."""

    def decide(self, who: str, asked: list[dict[str, object]]) -> dict[str, object]:
        """Take decisions of this person: `{"accepted": [ref…], "refused": [{"ref", "what", "hint"}…]}`.

        `asked` holds what the page sent, of any form (each is an object; a field may be of any JSON type): what is
        malformed is refused one by one. Who decides is `who`, whatever an entry says.
        """

    def thumb(self, digest: str, width: int) -> Served | None:
        """A picture that the campaign knows, no wider than this (one of `THUMB_WIDTHS`); None: there is none."""

    def picture(self, digest: str) -> Served | None:
        """A picture that the campaign knows, as it is; None: there is none."""

    def compare(self, before: str, after: str) -> bytes | None:
        """How far two pictures differ, in figures; None: one of them is not known."""

    def difference(self, before: str, after: str) -> Served | None:
        """The later picture with what has changed in it marked; None: one of them is not known."""

    def news(self) -> list[dict[str, object]]:
        """What has changed since the last call, as events for every open page. Never called twice at once."""
