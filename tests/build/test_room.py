"""Nothing is paid for that there is no room for."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from imagebuild.build.room import LEAST, lack_of_room
from imagebuild.core.plan import Policy
from imagebuild.store.local import LocalStore
from tests.build import bureau
from tests.build.service import ScriptedWire, Shop, picture_for, service_of
from tests.build.workshop import Workshop, generate

SIX = [generate(f"p{number}") for number in range(6)]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


class Disk:
    """A disk on which each picture that was paid for takes a share of what is free."""

    def __init__(self, free: int | None, wire: ScriptedWire | None = None, share: int = 0) -> None:
        self._free = free
        self._wire = wire
        self._share = share

    def __call__(self) -> int | None:
        return self._free if self._wire is None else self._free - self._share * len(self._wire.billed)


def build(shop, wire, free_bytes, *, concurrency=1):
    service = service_of(wire, shop.journal, Shop(concurrency=concurrency))
    service = replace(service, terms=replace(service.terms, free_bytes=free_bytes))
    return shop.build(SIX, None, service=service, price="0.10", clock=time.monotonic)


def test_on_a_disk_that_is_nearly_full_nothing_is_sent_and_it_is_said_once_why(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, lambda: 120_000_000, concurrency=4)
    assert (wire.asked, summary.made, summary.left, summary.failed) == ([], 0, 6, 0)
    assert list(shop.journal.attempts()) == []
    assert list(shop.journal.payments()) == []
    assert summary.stopped == (
        "120 MB are free on the store's disk, and what is asked for next may take 200 MB, so nothing more is paid for"
    )
    assert summary.stopped_hint.startswith("free some space, then run the same command again")
    assert summary.problems == []


def test_a_disk_that_fills_up_stops_the_next_request_and_loses_nothing(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, Disk(LEAST + 2_500_000, wire, 1_000_000))
    assert (len(wire.billed), summary.made, summary.left) == (3, 3, 3)
    assert "nothing more is paid for" in summary.stopped
    again = build(shop, wire, Disk(LEAST))
    assert (again.complete, again.made, len(wire.billed)) == (True, 3, 6)


def test_where_nobody_can_say_what_is_free_pictures_are_bought(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    assert build(shop, wire, Disk(None)).made == 6


def test_no_batch_is_handed_in_either(shop):
    service = bureau.Bureau()
    desk = bureau.service_of(service, shop.journal)
    desk = replace(desk, terms=replace(desk.terms, free_bytes=lambda: 0))
    summary = shop.build(SIX, None, service=desk, policy=Policy(batch=True), price="0.10", clock=time.monotonic)
    assert (summary.submitted, summary.left) == (0, 6)
    assert "0 MB are free" in summary.stopped
    assert list(shop.journal.attempts()) == []


@pytest.mark.parametrize(("pictures", "wanted"), [(1, 200), (8, 266), (64, 2124)])
def test_large_pictures_and_many_at_once_want_more(pictures, wanted):
    size = (2880, 1440)
    assert lack_of_room(lambda: wanted * 1_000_000, size, pictures) is None
    lack = lack_of_room(lambda: (wanted - 1) * 1_000_000, size, pictures)
    assert f"may take {wanted:,} MB" in lack.what


def test_a_store_knows_what_is_free_before_its_folder_is_there(tmp_path):
    told = LocalStore(str(tmp_path / "not" / "yet")).free_bytes()
    assert told is not None
    assert abs(told - shutil.disk_usage(tmp_path).free) < 10_000_000_000
    assert not (tmp_path / "not").exists()
