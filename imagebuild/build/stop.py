"""Asking a build to stop."""

from __future__ import annotations

__all__ = ["Stop"]


class Stop:
    """Asks a build to finish what is in flight and begin nothing more."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def request(self, reason: str) -> None:
        self.reason = self.reason or reason
