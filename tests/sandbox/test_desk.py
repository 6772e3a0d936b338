"""What the protocols share: charges, chance, pictures, results with an address, the log."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator

import pytest
from aiohttp.test_utils import make_mocked_request

from imagebuild.core.offer import output_tokens
from imagebuild.sandbox.charges import price_of, tier_of
from imagebuild.sandbox.desk import Desk, Order
from imagebuild.sandbox.faults import Faults, Latency
from imagebuild.sandbox.painters import plain_painter
from tests.sandbox.pictures import picture, seen


def order(**changes) -> Order:
    base = {
        "provider": "openai", "operation": "generate", "model": "gpt-image-2", "prompt": "a kettle",
        "size": (1024, 1024), "quality": "low", "format": "png",
    }  # fmt: skip
    return Order(**{**base, **changes})


def open_desk(**changes) -> Desk:
    base = {"faults": Faults(), "latency": Latency.parse("30-240"), "speed": 1e6}
    return Desk(plain_painter(), **{**base, **changes})


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = open_desk()
    yield found
    found.close()


def test_numbers_are_fresh_and_begin_with_what_they_number(desk):
    numbers = [desk.number("req_") for _ in range(100)]
    assert len(set(numbers)) == 100
    assert all(each.startswith("req_") for each in numbers)


def test_chance_for_the_same_orders_is_the_same_at_every_desk_of_a_seed():
    def drawn(seed: int) -> list[tuple[float, str | None]]:
        desk = open_desk(faults=Faults(rates={"cut": 0.3}, seed=seed))
        return [(desk.seconds(each), desk.fault(each, "openai", "request")) for each in (order() for _ in range(50))]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_two_equal_orders_are_drawn_for_apart_and_one_order_only_once(desk):
    one, other = order(), order()
    assert one == other
    assert desk.seconds(one) != desk.seconds(other)
    assert desk.seconds(one) == desk.seconds(one)


def test_what_is_drawn_is_played_at_its_stage_only_and_is_counted():
    desk = open_desk(faults=Faults(rates={"error-charged": 1.0}))
    one = order()
    assert desk.fault(one, "openai", "request") is None
    assert desk.fault(one, "openai", "result") == "error-charged"
    assert desk.played == {"error-charged": 1}


def test_a_charge_holds_what_was_made_and_the_latency_that_was_drawn(desk):
    one = order(references=(picture(),), operation="edit", count=2)
    number = desk.charge(one, "req_1", fault="truncated")
    (charge,) = desk.ledger.all()
    assert (charge.id, charge.request_id, charge.fault, charge.count) == (number, "req_1", "truncated", 2)
    assert charge.seconds == round(desk.seconds(one), 3)
    assert len(charge.references) == 1
    assert not charge.delivered
    desk.delivered(number)
    desk.refund(number)
    (charge,) = desk.ledger.all()
    assert (charge.delivered, charge.refunded) == (True, True)


def test_prices_are_those_of_each_service():
    def price(**changes) -> float:
        return float(price_of(order(**changes)))

    assert price() == pytest.approx((2 * 5 + output_tokens(16, 1024, 1024) * 30) / 1e6)
    assert price(count=3) - price() == pytest.approx(2 * 196 * 30 / 1e6)
    assert price(partials=2) - price() == pytest.approx(200 * 30 / 1e6)
    assert price(provider="hinow", count=2) == 0.174
    assert price(provider="together") == 0.053
    assert [price(provider="apixo", size=size) for size in ((1024, 1024), (2048, 1152), (3840, 2160))] == [
        0.02, 0.03, 0.05,
    ]  # fmt: skip
    assert tier_of((2048, 2048)) == "2k"


def test_a_price_that_is_made_up_is_marked_as_such(desk):
    desk.charge(order(provider="apixo"), "a")
    desk.charge(order(provider="apixo", size=(2048, 2048)), "b")
    assert [each.note for each in desk.ledger.all()] == ["", "a made-up price"]


def test_a_batch_takes_half(desk):
    desk.charge(order(), "a")
    desk.charge(order(), "b", batch=True)
    whole, half = (float(each.price) for each in desk.ledger.all())
    assert half == whole / 2


def test_the_ledgers_file_has_each_charge_at_once_and_the_last_line_of_an_id_is_right(tmp_path):
    path = tmp_path / "charges.jsonl"
    desk = open_desk(ledger=str(path))
    first = desk.charge(order(), "req_1")
    assert [json.loads(each)["id"] for each in path.read_text().splitlines()] == [first]
    desk.charge(order(), "req_2")
    desk.delivered(first)
    last = {each["id"]: each for each in map(json.loads, path.read_text().splitlines())}
    assert [each["delivered"] for each in last.values()] == [True, False]
    desk.reset()
    desk.delivered(first)
    assert desk.ledger.all() == []
    desk.close()


def test_pictures_are_as_they_were_asked_for_and_each_has_bytes_of_its_own(desk):
    async def made() -> list[bytes]:
        return await asyncio.gather(*(desk.picture(order(format=form)) for form in ("png", "jpeg", "webp") * 3))

    pictures = asyncio.run(made())
    assert [seen(each) for each in pictures[:3]] == [(form, (1024, 1024)) for form in ("PNG", "JPEG", "WEBP")]
    assert len(set(pictures)) == 9


def test_a_fault_can_give_another_size_or_format(desk):
    assert seen(asyncio.run(desk.picture(order(), "wrong-size"))) == ("PNG", (1008, 1024))
    assert seen(asyncio.run(desk.picture(order(format="webp"), "wrong-format"))) == ("PNG", (1024, 1024))
    clear = order(background="transparent")
    assert seen(asyncio.run(desk.picture(clear, "wrong-format"))) == ("JPEG", (1024, 1024))


def test_a_result_has_an_address_that_cannot_be_guessed_until_it_expires():
    desk = open_desk()
    paths = [desk.publish(b"bytes", "image/webp") for _ in range(2)]
    name = paths[0].removeprefix("/files/")
    assert paths[0] != paths[1]
    assert len(name) == 32 + len(".webp")
    with open(desk.published[name].file, "rb") as file:
        assert file.read() == b"bytes"
    desk.expire(name)
    assert [each.expired for each in desk.published.values()] == [True, False]
    folder = desk.folder()
    desk.close()
    assert not os.path.exists(folder)


def test_the_log_says_whether_the_key_was_right_and_not_what_it_was(desk):
    for sent in ("Bearer sandbox-key", "Bearer sk-wrong-one", None):
        headers = {"Authorization": sent} if sent else {}
        desk.noted("openai", make_mocked_request("POST", "/x?y=1", headers=headers), b'{"user": "sandbox-key"}')
    assert [each["authorization"] for each in desk.requests] == ["right", "wrong", None]
    assert "sk-wrong" not in str(desk.requests)
    assert "sandbox-key" not in str(desk.requests)
    assert desk.requests[0]["query"] == {"y": "1"}


def test_only_the_right_key_opens(desk):
    def opens(sent: str) -> bool:
        return desk.authorized(make_mocked_request("GET", "/", headers={"Authorization": sent}))

    assert opens("Bearer sandbox-key")
    assert not any(opens(each) for each in ("", "Bearer ", "sandbox-key", "Bearer sandbox-key2", "Bearer schlüssel"))


def test_a_reset_begins_anew():
    desk = open_desk(faults=Faults(seed=1))
    before = [desk.seconds(order()) for _ in range(5)]
    desk.charge(order(), "a")
    desk.reset()
    assert [desk.seconds(order()) for _ in range(5)] == before
    assert desk.ledger.all() == []
