"""What a service says when it fails, read from whatever it sent: words, codes, the exchange's name, when to come back.

Tolerant of any body: an error object of any shape, a bare text, a gateway's HTML, nothing. Judges nothing (`failures`
does), does no I/O, and never raises.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any, Final, NamedTuple

from imagebuild.providers.base import Reply

__all__ = ["MOST_READ", "Said", "one_line", "plain_text", "request_id_of", "retry_after", "said_by", "words_of"]

LONGEST_WORDS: Final = 500
LONGEST_WAIT: Final = 600.0
MOST_READ: Final = 65_536  # bytes of a failure's body that are looked at


class Said(NamedTuple):
    """What a reply says of its failure, from whatever shape. `code` gathers its codes and types. `is_plain`: it came as
    a text or a page, not as an object with fields."""

    message: str = ""
    code: str = ""
    stage: str = "unknown"
    categories: tuple[str, ...] = ()
    request_id: str | None = None
    is_plain: bool = False

    @property
    def words(self) -> str:
        return words_of(self.message or self.code)

    @property
    def all(self) -> str:
        return f"{self.code} {self.message}"


def said_by(reply: Reply) -> Said:
    blocks = list(_blocks(_json_or_none(reply.body[:MOST_READ])))
    if not blocks:
        message = plain_text(reply.body[:MOST_READ].decode("utf-8", "replace"))
        return Said(message=message, request_id=request_id_of(reply), is_plain=True)
    texts: list[str] = []
    for block in blocks:
        for name in ("message", "msg", "error", "detail", "error_description", "failMsg", "title"):
            text = block.get(name)
            if isinstance(text, str) and text.strip() and not any(one_line(text) in other for other in texts):
                texts.append(_located(block, one_line(text)))
    codes = [
        str(block[name])
        for block in blocks
        for name in ("code", "type", "error_type", "failCode")
        if isinstance(block.get(name), str)
    ]
    message = ": ".join(texts)[:4000]
    stage, categories = _moderation(blocks, message)
    return Said(message, one_line(" ".join(codes))[:400], stage, categories, request_id_of(reply))


def _located(block: Mapping[str, Any], text: str) -> str:
    """A validation's mistake with the field it speaks of: `{loc: [body, prompt], msg: …}`."""
    spot = block.get("loc")
    if not isinstance(spot, list) or not spot:
        return text
    return one_line(f"{'.'.join(str(each) for each in spot[:6])}: {text}")


def _blocks(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """What speaks of the error, outermost first: `{error: {…}}`, `{detail: […]}`, `{code, message, data: {…}}`."""
    if depth > 3:
        return
    if isinstance(value, list):
        for each in value[:3]:
            yield from _blocks(each, depth + 1)
    elif isinstance(value, Mapping):
        yield value
        for name in ("error", "errors", "detail", "data"):
            yield from _blocks(value.get(name), depth + 1)
    elif isinstance(value, str) and depth == 0:
        yield {"message": value}


def _moderation(blocks: list[Mapping[str, Any]], message: str) -> tuple[str, tuple[str, ...]]:
    stage = "unknown"
    categories: tuple[str, ...] = ()
    for block in blocks:
        details = block.get("moderation_details")
        if isinstance(details, Mapping):
            said, kinds = details.get("moderation_stage"), details.get("categories")
            stage = said if said in ("input", "output") else stage
            if isinstance(kinds, list):
                categories = tuple(one_line(each)[:80] for each in kinds[:20] if isinstance(each, str))
    named = re.search(r"safety_violations=\[([^\]]{1,400})\]", message)
    if not categories and named is not None:
        categories = tuple(each.strip(" '\"") for each in named[1].split(",") if each.strip(" '\""))
    return stage, categories


def words_of(text: str) -> str:
    """A service's words as one paragraph of bearable length, without anything that looks like a key."""
    text = re.sub(r"\bsk-[\w*-]+|[\w-]*\*{3,}[\w*-]*", "***", one_line(text[: 8 * LONGEST_WORDS]))
    return text if len(text) <= LONGEST_WORDS else text[: LONGEST_WORDS - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """White space made single; half characters, which no file could hold, replaced."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def plain_text(text: str) -> str:
    """The text of a page: a gateway's HTML says what it is in its title."""
    text = text[:4000]
    if "<" not in text:
        return one_line(text)
    title = re.search(r"<title[^<>]*>([^<]+)", text, re.IGNORECASE)
    return one_line(unescape(title[1] if title else re.sub(r"<[^<>]*>?", " ", text)))


def request_id_of(reply: Reply) -> str | None:
    """The service's own name of this exchange: from the headers, else from the body of a failure."""
    for name in ("x-request-id", "cf-ray"):
        given = one_line(reply.header(name) or "")
        if given:
            return given[:200]
    if reply.status < 400:
        return None
    for block in _blocks(_json_or_none(reply.body[:MOST_READ])):
        for name in ("request_id", "requestId"):
            own = block.get(name)
            if isinstance(own, str) and own.strip():
                return one_line(own)[:200]
    named = re.search(rb"\breq_[A-Za-z0-9_-]{4,80}", reply.body[:MOST_READ])
    return named[0].decode() if named else None


# -------------------------------------------------------------------------------------------------- when to come back

_UNIT_SECONDS: Final = {"ms": 0.001, "milli": 0.001, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(ms|milli|d|h|m|s)?[a-z]*", re.ASCII)
_AGAIN: Final = re.compile(r"(?:try again|retry)\s{1,3}(?:in|after)\s{1,3}([0-9][^\n\"]{0,40})")


def retry_after(reply: Reply, now: Callable[[], float] = time.time) -> float | None:
    """In how many seconds the service wants to be asked again, ten minutes at most; None when it does not say.

    By `retry-after-ms`, `retry-after` (seconds or a date), its words ("try again in 12s"), the reset of its limits.
    """
    for found in _stated_waits(reply, now):
        if found is not None and math.isfinite(found):
            return min(max(found, 0.0), LONGEST_WAIT)
    return None


def _stated_waits(reply: Reply, now: Callable[[], float]) -> Iterator[float | None]:
    milliseconds = _number(reply.header("retry-after-ms"))
    yield None if milliseconds is None else milliseconds / 1000
    said = reply.header("retry-after")
    yield _number(said)
    yield _until(said, now)
    text = reply.body[:MOST_READ].decode("utf-8", "replace").lower()
    again = _AGAIN.search(text)
    yield _duration(again[1]) if again else None
    yield _reset(reply, now)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _until(text: str | None, now: Callable[[], float]) -> float | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now()
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None


def _duration(text: str) -> float | None:
    """`12s`, `1m30s`, `250ms`, `6m0s`, `20 seconds`, `7` in seconds; None when it is none."""
    total: float | None = None
    end = 0
    text = text.strip().lower()
    while part := _PART.match(text, end):
        if part[2] is None and total is not None:
            break
        total = (total or 0.0) + float(part[1]) * _UNIT_SECONDS[part[2] or "s"]
        end = part.end()
    return total


def _reset(reply: Reply, now: Callable[[], float]) -> float | None:
    """When the limits are new: of those that are used up the last; where none says so, the first of all."""
    used, every = [], []
    for name, value in reply.headers.items():
        if not name.startswith("x-ratelimit-reset"):
            continue
        found = _duration(value.strip())
        if found is None:
            continue
        found = found - now() if found > 1e9 else found  # a point in time
        every.append(found)
        if _number(reply.header(name.replace("-reset", "-remaining", 1))) == 0:
            used.append(found)
    return max(used) if used else min(every, default=None)


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
