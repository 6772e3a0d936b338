"""One sale over a service that answers at once: pictures made, then charged, then sent; or what goes wrong instead."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Final, NamedTuple

from aiohttp import web

from imagebuild.sandbox.desk import Desk, Order, cut
from imagebuild.sandbox.faults import FAULTS
from imagebuild.sandbox.refusals import Refusal

__all__ = ["GARBAGE", "Sale", "encoded", "made", "sell"]

GARBAGE: Final = b"this is no picture"
_NO_BASE64: Final = "%%% this is no base64 %%%"


class Sale(NamedTuple):
    """Pictures that are made and charged. `fault` is what is still to go wrong with their reply."""

    pictures: tuple[bytes, ...]
    charge: str
    fault: str | None


async def sell(
    desk: Desk, request: web.Request, order: Order, request_id: str, refused: Callable[[str], Refusal]
) -> Sale:
    """The pictures of an order, once its latency has passed. Raises what `refused` makes of a fault that comes in
    their place; aborts the connection where that is the fault."""
    fault = desk.fault(order, order.provider, "request")
    if fault == "cut":
        cut(request)
    if fault is not None:
        raise refused(fault)
    fault = desk.fault(order, order.provider, "result")
    pictures = await made(desk, order, fault)
    if fault is not None and not FAULTS[fault].charged:
        raise refused(fault)
    charge = desk.charge(order, request_id, pictures, fault=fault)
    if fault == "cut-charged":
        cut(request)
    if fault == "error-charged":
        raise refused(fault)
    return Sale(pictures, charge, fault)


async def made(desk: Desk, order: Order, fault: str | None) -> tuple[bytes, ...]:
    """The pictures of an order, painted while its latency passes."""
    paint = (desk.picture(order, fault) for _ in range(order.count))
    *pictures, _ = await asyncio.gather(*paint, desk.wait(order))
    return tuple(GARBAGE if fault == "garbage" else each for each in pictures if each is not None)


def encoded(picture: bytes) -> str:
    """A picture in base64; one that is to be undecodable is not even that."""
    return _NO_BASE64 if picture == GARBAGE else base64.b64encode(picture).decode()
