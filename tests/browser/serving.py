"""The review server with a desk in memory behind it, which can be stopped and started again at the same address, as
somebody would who ends the command and types it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from imagebuild.review.live import Pace
from imagebuild.review.server import running
from tests.browser.kettles import ANA, PEOPLE, FakeDesk


class Answering:
    """The desk as the server wants it: `picture` there is a question, here it is a maker."""

    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def __getattr__(self, name: str) -> Any:
        return getattr(self.desk, "picture_of" if name == "picture" else name)


class Serving:
    """The server in a thread; `stop` and `start` again at the same address."""

    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk
        self.port = 0
        self.people = PEOPLE
        self.urls: Mapping[str, str] = {}
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        ready, self.ending = threading.Event(), threading.Event()

        async def serve() -> None:
            async with running(Answering(self.desk), self.people, port=self.port, pace=Pace(news=0.1)) as urls:
                self.urls = urls
                self.port = int(urls[ANA].split(":")[2].split("/")[0])
                ready.set()
                await asyncio.to_thread(self.ending.wait)

        self.thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self.thread.start()
        assert ready.wait(20), "the review server did not start"

    def stop(self) -> None:
        if self.thread:
            self.ending.set()
            self.thread.join(20)
            self.thread = None


@contextmanager
def serving(desk: FakeDesk) -> Iterator[Serving]:
    served = Serving(desk)
    served.start()
    try:
        yield served
    finally:
        with contextlib.suppress(RuntimeError):
            served.stop()
