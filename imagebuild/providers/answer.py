"""What an answer of success holds, whatever its shape: the picture it names, what else it says, its outline.

Services that publish no shape are read this way, and those that do are forgiven when they change it: the picture is
paid for. Follows known names only, so that no echo of what was sent is taken for the result. Never raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from imagebuild.providers.said import one_line, words_of

__all__ = ["Found", "cost_in", "found_in", "money", "outline", "refusal_in", "remarks_in"]

DEEPEST: Final = 8
FARTHEST: Final = 10  # times the price list's

# Where pictures are found, the likelier first. What a name's text is says which of the four it stands in.
_ENCODED: Final = ("b64_json", "b64", "base64", "image_base64")
_EITHER: Final = ("data", "images", "image", "output", "outputs", "result", "results", "artifacts")
_LINKS: Final = ("image_url", "image_urls", "url", "urls", "uri", "resultUrls", "resultUrl", "result_urls")
_PROSE: Final = ("content", "text")
_NAMES: Final = (*_ENCODED, *_LINKS, *_EITHER, "choices", "message", *_PROSE)

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{64}")
_IN_PROSE: Final = (
    re.compile(r"!\[[^\]]{0,1000}\]\(\s{0,4}<?([^)\s>]+)"),  # a Markdown image
    re.compile(r"(data:image/[a-z.+-]{1,20};base64,[A-Za-z0-9+/=]+)", re.IGNORECASE),
    re.compile(r"(https?://[^\s<>\"')\]]{1,4000}?\.(?:png|jpe?g|webp)(?:\?[^\s<>\"')\]]*)?)", re.IGNORECASE),
    re.compile(r"\]\(\s{0,4}<?(https?://[^)\s>]+)"),  # one whose description holds brackets
)


class Found(NamedTuple):
    """A picture as an answer gives it: as base64, or as an address (that may be a data URL)."""

    text: str
    encoded: bool


def found_in(value: Any, name: str = "data", depth: int = 0) -> Found | None:
    """The first picture of a parsed answer, of as many as it may hold. `name`: what the value stands under."""
    if isinstance(value, str):
        return _in_text(value, name)
    if depth >= DEEPEST:
        return None
    if isinstance(value, list):
        return next(filter(None, (found_in(each, name, depth + 1) for each in value[:100])), None)
    if isinstance(value, Mapping):
        return next(filter(None, (found_in(value[each], each, depth + 1) for each in _NAMES if each in value)), None)
    return None


def _in_text(text: str, name: str) -> Found | None:
    if name in _PROSE:
        return next((Found(match[1], False) for pattern in _IN_PROSE if (match := pattern.search(text))), None)
    text = text.strip()
    if not text:
        return None
    if name in _ENCODED:
        return Found(text, True)
    if name in _LINKS or re.match(r"(?:https?|data):", text, re.IGNORECASE):
        return Found(text, False)
    if _BASE64.match(text):
        return Found(text, True)
    return Found(text, False) if text.startswith("/") and len(text) < 2000 else None


def refusal_in(answer: Any) -> str | None:
    """The words of a chat answer that declines instead of drawing; None when it does not."""
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return None
    message = choice.get("message")
    said = message.get("refusal") if isinstance(message, Mapping) else None
    if isinstance(said, str) and said.strip():
        return words_of(said)
    return "finish_reason: content_filter" if choice.get("finish_reason") == "content_filter" else None


def remarks_in(answer: Any) -> dict[str, object]:
    """What is worth writing down beside the picture: short plain values, and its `usage`. Never a link or a picture."""
    remarks: dict[str, object] = {}
    if isinstance(answer, Mapping):
        remarks = _plain_values(answer)
        usage = answer.get("usage")
        if isinstance(usage, Mapping) and (counted := _plain_values(usage)):
            remarks["usage"] = counted
    return remarks


def _plain_values(value: Mapping[Any, Any]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for name, each in list(value.items())[:40]:
        if isinstance(each, str):
            each = one_line(each)
            if not each or len(each) > 120 or "://" in each or each[0] in "{[":
                continue
        elif not isinstance(each, bool | int) and not (isinstance(each, float) and math.isfinite(each)):
            continue
        plain[one_line(str(name))[:60]] = each
    return plain


def cost_in(answer: Any, price: Decimal | None) -> Decimal | None:
    """What the answer itself says that it cost, in dollars; None when it does not. A figure that is far from the
    `price` of the price list is in another unit (credits, cents), and a nought is said where nobody counts."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    blocks = [block for block in (answer, data) if isinstance(block, Mapping)]
    for block in (*blocks, *(block.get("usage") for block in blocks)):
        if isinstance(block, Mapping) and str(block.get("currency") or "USD").upper() in ("USD", "$"):
            cost = money(block.get("cost"))
            if cost is not None and (price is None or cost <= FARTHEST * price):
                return cost
    return None


def money(value: Any) -> Decimal | None:
    """An amount above nought, from a plain number or its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,18})?(?:e-[0-9]{1,2})?", str(value)):
        return None
    return Decimal(str(value)) or None


def outline(value: Any) -> str:
    """The shape of an answer in names only: `{created, data: [{revised_prompt}]}`."""
    text = _outline(value, 0)
    return text if len(text) <= 300 else text[:299] + "…"


def _outline(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        if depth >= 4:
            return "{…}"
        names = list(value)[:12]
        inner = ", ".join(_named(name, _outline(value[name], depth + 1)) for name in names)
        return "{" + inner + (", …" if len(value) > len(names) else "") + "}"
    if isinstance(value, list):
        if not value or depth >= 4:
            return "[…]" if value else "[]"
        return f"[{_outline(value[0], depth + 1)}{', …' if len(value) > 1 else ''}]"
    return "" if depth else {str: "a text", bool: "a word", type(None): "nothing"}.get(type(value), "a number")


def _named(name: Any, shape: str) -> str:
    name = one_line(str(name))[:40]
    return f"{name}: {shape}" if shape else name
