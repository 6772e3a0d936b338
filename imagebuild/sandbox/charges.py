"""The charge ledger: everything a real service would have billed, and what it would have taken for it.

The prices stand here on their own, not in the catalogue that clients plan with: the sandbox is who clients are checked
against. Each charge is in a file before anything of its reply is written, where a file was asked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from PIL import Image

from imagebuild.core.offer import output_tokens
from imagebuild.core.sizes import size_text
from imagebuild.sandbox.order import Order

__all__ = [
    "APIXO_PRICES",
    "FLAT_PRICES",
    "KIE_PRICES",
    "Charge",
    "Ledger",
    "Usage",
    "charge_of",
    "price_of",
    "tier_of",
    "usage_of",
]

FLAT_PRICES: Final[Mapping[str, Decimal]] = {"hinow": Decimal("0.087"), "together": Decimal("0.053")}
# Of apixo only the least price is published; the other two are made up here, and their charges say so.
APIXO_PRICES: Final[Mapping[str, Decimal]] = {"1k": Decimal("0.02"), "2k": Decimal("0.03"), "4k": Decimal("0.05")}
KIE_PRICES: Final[Mapping[str, Decimal]] = {"1k": Decimal("0.03"), "2k": Decimal("0.05"), "4k": Decimal("0.08")}

_TEXT_IN, _IMAGE_IN, _IMAGE_OUT = Decimal(5), Decimal(8), Decimal(30)  # dollars a million tokens
_FACTORS: Final[Mapping[str, int]] = {"low": 16, "medium": 48, "high": 96}
_PARTIAL_TOKENS = 100
_MOST_PATCHES = 1536  # 32 pixels square; a small reference is magnified at most twofold, up to 1024 pixels


class Usage(NamedTuple):
    """The tokens of one request, as OpenAI counts them."""

    text: int
    image: int
    output: int

    @property
    def cost(self) -> Decimal:
        return (_TEXT_IN * self.text + _IMAGE_IN * self.image + _IMAGE_OUT * self.output) / 1_000_000


def usage_of(order: Order) -> Usage:
    output = output_tokens(_FACTORS.get(order.quality, _FACTORS["high"]), *order.size)
    return Usage(
        text=-(-len(order.prompt.encode(errors="replace")) // 4),
        image=sum(_reference_tokens(each) for each in order.references),
        output=order.count * (output + _PARTIAL_TOKENS * order.partials),
    )


def _reference_tokens(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    larger = min(2.0, max(1.0, 1024 / max(width, height)))
    patches = -(-int(width * larger) // 32) * -(-int(height * larger) // 32)
    return min(patches, _MOST_PATCHES)


def tier_of(size: tuple[int, int]) -> str:
    """The resolution tier that a size belongs to."""
    longest = max(size)
    return "1k" if longest <= 1536 else "2k" if longest <= 2560 else "4k"


def price_of(order: Order) -> Decimal:
    """What the real service takes for an order, in US dollars."""
    if order.provider in FLAT_PRICES:
        return FLAT_PRICES[order.provider] * order.count
    if order.provider == "apixo":
        return APIXO_PRICES[tier_of(order.size)] * order.count
    if order.provider == "kie":
        return KIE_PRICES[tier_of(order.size)] * order.count
    return usage_of(order).cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One thing a real service would bill. `delivered`: its reply left this process whole, and when; whether the client
    read it all cannot be known from here. `seconds`: the latency drawn for it, in the service's own seconds.
    `pictures`: the digests of what was made."""

    id: str
    at: float
    provider: str
    operation: str
    model: str
    prompt: str
    size: str
    quality: str
    format: str
    count: int
    price: str
    batch: bool
    request_id: str
    fault: str | None
    delivered: bool
    delivered_at: float | None = None
    seconds: float = 0.0
    pictures: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    mask: str | None = None
    background: str = "auto"
    refunded: bool = False
    note: str = ""


def charge_of(
    order: Order, number: str, at: float, request_id: str, *, batch: bool, fault: str | None, seconds: float,
    pictures: Iterable[bytes] = (),
) -> Charge:  # fmt: skip
    """The ledger's line for an order. A batch takes half."""
    price = price_of(order) / (2 if batch else 1)
    made_up = order.provider == "apixo" and tier_of(order.size) != "1k"
    return Charge(
        id=number, at=at, provider=order.provider, operation=order.operation, model=order.model, prompt=order.prompt,
        size=size_text(order.size), quality=order.quality, format=order.format, count=order.count,
        price=f"{price:f}", batch=batch, request_id=request_id, fault=fault,
        delivered=False, seconds=seconds, pictures=tuple(hashlib.sha256(each).hexdigest() for each in pictures),
        references=tuple(hashlib.sha256(each).hexdigest() for each in order.references),
        mask=hashlib.sha256(order.mask).hexdigest() if order.mask else None,
        background=order.background, note="a made-up price" if made_up else "",
    )  # fmt: skip


class Ledger:
    """The charges by id, in their order. With `path`, each is a line of that file, written at once; a later line of
    the same id replaces an earlier one."""

    def __init__(self, path: str | None = None) -> None:
        self._charges: dict[str, Charge] = {}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else None

    def put(self, charge: Charge) -> None:
        self._charges[charge.id] = charge
        if self._file is not None:
            os.write(self._file, json.dumps(asdict(charge)).encode() + b"\n")

    def change(self, charge: str, **changes: Any) -> None:
        """A charge that a reset has dropped in the meantime stays dropped."""
        if charge in self._charges:
            self.put(replace(self._charges[charge], **changes))

    def all(self) -> list[Charge]:
        return list(self._charges.values())

    def clear(self) -> None:
        self._charges.clear()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
