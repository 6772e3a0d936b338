"""How the journal's values are written: an attempt as a small file, a payment as a line.

Both are JSON objects that end in a sha256 of all before it, so that half of one, or a changed one, is told from a whole
one. Fields of a newer version are kept in `extra` and written back. Knows no files.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from imagebuild.core.attempt import Attempt, Payment
from imagebuild.store.base import json_text

__all__ = ["decode_attempt", "decode_payment", "encode_attempt", "encode_payment", "is_torn"]

_Value = TypeVar("_Value", Attempt, Payment)

_CHECK: Final = b'"check":"'
_END: Final = b'"}\n'
_TAIL: Final = len(_CHECK) + 64 + len(_END)
_MONEY: Final = ("estimate", "billed")
_ATTEMPT: Final = tuple(name for name in Attempt._fields if name not in ("answered", "held", "extra"))
_PAYMENT: Final = tuple(name for name in Payment._fields if name != "extra")


def encode_attempt(attempt: Attempt, *, line: bool = False) -> bytes:
    """One field a line, for whoever looks into the file; or all in one line, to be one of many."""
    return _sealed(attempt, _ATTEMPT, "," if line else ",\n")


def decode_attempt(data: bytes) -> Attempt:
    """The attempt, in either form; ValueError when the bytes are not whole."""
    values = _opened(data)
    values.pop("answered", None)  # is a file beside it, not a field
    return _made(Attempt, _ATTEMPT, values)


def encode_payment(payment: Payment) -> bytes:
    return _sealed(payment, _PAYMENT, ",")


def decode_payment(data: bytes) -> Payment:
    """The payment; ValueError when the line is not whole."""
    return _made(Payment, _PAYMENT, _opened(data))


def is_torn(line: bytes) -> bool:
    """Whether a line that is not whole is what a killed writer left: its beginning without its end, or, after a power
    cut, a hole in it. Anything else that is not whole was whole once, and was damaged."""
    return b"\0" in line or line[-_TAIL:][: len(_CHECK)] != _CHECK or not line.endswith(_END)


def _sealed(value: Attempt | Payment, names: tuple[str, ...], separator: str) -> bytes:
    """Never fails on what a service said: what JSON has no form for is written as text, a broken character escaped."""
    unsaid = value._field_defaults
    fields: dict[str, Any] = {}
    for name in names:
        each = getattr(value, name)
        if name not in unsaid or each != unsaid[name]:
            fields[name] = f"{each:f}" if name in _MONEY else each
    for name, each in value.extra.items():
        if name != "check":
            fields.setdefault(name, each)
    if separator == ",":
        text = json_text(fields)[:-1]
    else:
        text = "{\n" + separator.join(f"{json_text(name)}:{json_text(each)}" for name, each in fields.items())
    body = (text + separator).encode("utf-8", "backslashreplace")  # a lone surrogate becomes JSON's own escape
    return body + _CHECK + hashlib.sha256(body).hexdigest().encode() + _END


def _opened(data: bytes) -> dict[str, Any]:
    body, tail = data[:-_TAIL], data[-_TAIL:]
    if tail != _CHECK + hashlib.sha256(body).hexdigest().encode() + _END:
        raise ValueError("it is not whole")
    values = json.loads(body.rstrip(b",\n") + b"}")
    if not isinstance(values, dict):
        raise ValueError("it is no object")
    return values


def _made(kind: type[_Value], names: tuple[str, ...], values: dict[str, Any]) -> _Value:
    try:
        for name in _MONEY:
            if name in values:
                values[name] = Decimal(values[name])
        own = {name: values.pop(name) for name in names if name in values}
        return kind(**own, extra=values)
    except (TypeError, InvalidOperation) as bad:
        raise ValueError(f"it lacks a field or has a wrong one: {bad}") from bad
