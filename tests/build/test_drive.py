"""Driving a provider's flow: what it asks for is done, in its order, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from imagebuild.build.drive import Hooks, drive, picture_of
from imagebuild.errors import ProviderError
from imagebuild.providers.base import Picture, Request, Work

REQUEST = Request(
    key="k", operation="generate", model="m", prompt="p", size=(64, 64), quality="low", format="png", label="poster"
)
PICTURE = Picture(data=b"bytes", media_type="image/png", cost=Decimal(0))


async def _nothing(*_):
    return None


def hooks(**more):
    return Hooks(**{"leaving": _nothing, "note": _nothing, **more})


def drive_through(flow, *, wire=None, **more):
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as executor:
        return asyncio.run(drive(flow(REQUEST), wire=wire, executor=executor, hooks=hooks(**more)))


def test_the_outcome_of_each_piece_of_work_goes_back_into_the_flow():
    seen = []

    def flow(request):
        seen.append((yield Work(lambda: b"one")))
        seen.append((yield Work(lambda: b"two")))
        return PICTURE

    assert drive_through(flow) is PICTURE
    assert seen == [b"one", b"two"]


def test_work_is_done_in_a_worker_and_the_flow_itself_is_not():
    threads = []

    def work():
        threads.append(threading.current_thread().name)
        return b""

    def flow(request):
        threads.append(threading.current_thread().name)
        yield Work(work)
        return PICTURE

    drive_through(flow)
    assert threads[0] == "MainThread"
    assert threads[1].startswith("worker")


def test_a_flow_may_end_without_asking_for_anything():
    def flow(request):
        return PICTURE
        yield

    assert drive_through(flow) is PICTURE


def test_a_flow_that_ends_without_a_picture_is_the_providers_fault():
    def flow(request):
        yield Work(lambda: b"")

    with pytest.raises(ProviderError, match="`scripted` ended without a picture"):
        picture_of(drive_through(flow), "scripted")


def test_a_flow_that_asks_for_something_unknown_is_the_providers_fault():
    def flow(request):
        yield "a cup of tea"

    with pytest.raises(ProviderError, match="a provider asked for something this build cannot do"):
        drive_through(flow)


def test_what_the_work_raises_comes_out():
    def fail():
        raise ProviderError("the service is closed")

    def flow(request):
        yield Work(fail)

    with pytest.raises(ProviderError, match="the service is closed"):
        drive_through(flow)
