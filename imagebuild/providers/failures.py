"""What a service's reply means when it is no picture: which failure it is, and what to do about it.

One judgement for every service, by the status first and the words second. Knows the words that services use; knows no
flow, and does no I/O.
"""

from __future__ import annotations

import binascii
import json
import re
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from imagebuild.providers.base import AccountFailure, Lost, Refused, Reply, ServiceFailure, Throttled, Unknown
from imagebuild.providers.said import (
    MOST_READ,
    Said,
    one_line,
    plain_text,
    request_id_of,
    retry_after,
    said_by,
    words_of,
)

__all__ = [
    "LOOK_IT_UP", "Health", "decoded", "failure_of", "json_of", "request_id_of", "retry_after", "unwell", "words_of",
]  # fmt: skip


_BASE_URL: Final = "see that the base URL is the service's own"
_NOT_KNOWN: Final = "; whether it made the picture is not known"
# What to do about an outcome that is not known.
LOOK_IT_UP: Final = (
    "look at the service's own usage page, and tell `imagebuild ledger settle` what it says; "
    "`imagebuild build --on-uncertain retry` asks again, and may pay twice"
)


class Health(NamedTuple):
    """Whether a service is ready to be asked, in a sentence. None: it answers, and nothing that is free would tell
    whether it accepts the key."""

    ok: bool | None
    words: str


def unwell(failure: ServiceFailure) -> Health:
    """What a failure says of a service that was only asked how it is: nothing was to be made, so nothing is unknown."""
    what, hint = failure.what.replace(_NOT_KNOWN, ""), failure.hint or ""
    if not isinstance(failure, AccountFailure):
        hint = _BASE_URL if hint.startswith(_BASE_URL) else ""
    return Health(False, f"{what}; {hint}" if hint else what)


# ------------------------------------------------------------------------------------------------------ what it means

_MODERATION: Final = re.compile(
    r"safety system|safety_violations|safety (?:filter|check|polic)|moderation_blocked|moderation (?:system|polic)"
    r"|(?:blocked|rejected|flagged|refused) by .{0,40}(?:moderation|safety|filter)"
    r"|content[ _-]?(?:polic|filter|violat|moderat)|violat\w* .{0,60}(?:polic|guidelines)"
    r"|\bnsfw|sensitive[ _]?content|prohibited[ _]?content",
    re.IGNORECASE,
)
_MONEY: Final = re.compile(
    r"billing_hard_limit|billing hard limit|billing_not_active|insufficient_(?:quota|funds|credits?|balance)"
    r"|(?:insufficient|not enough|out of) (?:\w+ )?(?:credit|balance|fund|quota)"
    r"|exceeded your (?:current |monthly )?(?:quota|spending|budget)|(?:spending|credit) limit",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"(?:invalid|incorrect|missing|expired|revoked)[ _](?:api[ _])?key", re.IGNORECASE)
_NO_MODEL: Final = re.compile(r"model_not_found|model .{0,200}does not exist", re.IGNORECASE)
_TOO_FAST: Final = re.compile(
    r"rate_?limit|too many requests|slow_down|token_limit_exceeded|dynamic_(?:request|token)_limited", re.IGNORECASE
)
_MISTAKE: Final = re.compile(r"invalid_request|_user_error|unknown_parameter|invalid_value|unsupported_", re.IGNORECASE)

_REFUSED: Final = frozenset({400, 413, 414, 415, 416, 422, 431})
# 424: what failed stood behind the service; 499: it thinks that this side hung up.
_UNKNOWN: Final = frozenset({408, 409, 424, 425, 499})


def failure_of(
    reply: Reply,
    *,
    provider: str,
    asked: str = "",
    full_503: bool = False,
    begun: bool = False,
    unmade: bool = False,
    key_name: str = "",
    now: Callable[[], float] = time.time,
) -> ServiceFailure:
    """Which failure a reply is that is no success, or a success that speaks of an error.

    `asked`: the model's id, for the message. `full_503`: the service says 503 when it is full and has taken nothing.
    `begun`: a part of the picture has come before it. `unmade`: it is known that nothing was made. `key_name`: the
    variable that holds the key, if not the usual one. Never raises, whatever the reply.
    """
    said = said_by(reply)
    speaker = _Speaker(provider, asked, key_name or re.sub(r"\W", "_", provider).upper() + "_API_KEY", reply.url, said)
    status = reply.status
    if status == 429 or (status == 503 and full_503):
        if _MONEY.search(said.all):
            return speaker.account(status)
        words = "it is full" if status == 503 else "too many requests"
        return speaker.throttled(f"wants to be asked later ({status}, {words})", retry_after(reply, now))
    if status >= 500 or status < 200 or status in _UNKNOWN:
        return speaker.unknown(f"failed with {status}", reply.header("x-should-retry"))
    if status < 300:
        if unmade and _TOO_FAST.search(said.code):
            return speaker.throttled("wants to be asked later", retry_after(reply, now))
        return _by_words(speaker, status, begun=begun)
    if status < 400 and (status == 303 or reply.header("location")):
        return speaker.unknown(f"sends elsewhere ({status})", None, f"{_BASE_URL}; {LOOK_IT_UP}")
    if status == 451 or (status in _REFUSED | {403} and _is_moderation(said)):
        return speaker.moderated(status)
    if status in _REFUSED and not (_MONEY.search(said.all) or _KEY.search(said.code) or _NO_MODEL.search(said.code)):
        return speaker.refused(status)
    # What is left would be said to every request: 401, 402, 403, 404; 3xx too (an address that is not the service's),
    # but one that sends on to another may be the service's, and have taken the request. Any other 4xx counts as such
    # as well: it is then neither remembered against the request nor ever sent again by itself.
    return speaker.account(status)


def _is_moderation(said: Said) -> bool:
    if re.search(r"unknown_parameter|invalid_value|unsupported_", said.code):
        return False  # a mistake in a parameter that is called `moderation`
    return bool(said.categories) or _MODERATION.search(said.all) is not None


def _by_words(speaker: _Speaker, status: int, *, begun: bool) -> ServiceFailure:
    """An error inside a success (an event of a stream, a body): only its words say what it is. They never are a reason
    to send the request again by itself; and once a part of the picture has come, they are believed in nothing but that
    it is refused for its content."""
    said = speaker.said
    if _is_moderation(said):
        return speaker.moderated(status, begun=begun)
    if begun:
        return speaker.unknown("broke off with an error", None)
    if _MONEY.search(said.all) or _KEY.search(said.code) or _NO_MODEL.search(said.code):
        return speaker.account(status)
    if _MISTAKE.search(said.code) and not _TOO_FAST.search(said.code):
        return speaker.refused(status)
    return speaker.unknown("answered with an error" if said.message else "answered with nothing that can be read", None)


class _Speaker(NamedTuple):
    """Who said what: makes each failure with its sentence and its hint."""

    provider: str
    asked: str
    key_name: str
    url: str
    said: Said

    def sentence(self, what: str) -> str:
        words = self.said.words.rstrip(". ")
        return f"`{self.provider}` {what}: {words}" if words else f"`{self.provider}` {what}"

    def throttled(self, what: str, after: float | None) -> Throttled:
        return Throttled(self.sentence(what), after=after, words=self.said.words, request_id=self.said.request_id)

    def refused(self, status: int) -> Refused:
        return Refused(
            self.sentence(f"refused this request ({status})"),
            words=self.said.words, request_id=self.said.request_id,
            hint="change the asset as it says; the same request is not sent again",
        )  # fmt: skip

    def moderated(self, status: int, *, begun: bool = False) -> Refused:
        said = self.said._replace(stage="output") if begun else self.said
        spots = {"input": "at the request", "output": "at the finished picture"}
        code = str(status) if status >= 300 else ""  # a stream has begun as a success
        about = ", ".join(filter(None, (code, spots.get(said.stage))))
        about = f" ({about})" if about else ""
        kinds = f" [{', '.join(said.categories)}]" if said.categories else ""
        return Refused(
            self.sentence(f"refused this request for its content{about}{kinds}"),
            words=said.words, request_id=said.request_id, moderation=True, stage=said.stage, categories=said.categories,
            hint="change the prompt or the reference pictures; the same request is not sent again",
        )  # fmt: skip

    def unknown(self, what: str, should_retry: str | None, hint: str = LOOK_IT_UP) -> Unknown:
        words = self.said.words
        if should_retry is not None:  # written down for whoever looks into it; a paid request is not resent for it
            words = f"{words} (x-should-retry: {one_line(should_retry)[:20]})".strip()
        return Unknown(
            self.sentence(f"{what}{_NOT_KNOWN}"),
            words=words, request_id=self.said.request_id, hint=hint,
        )  # fmt: skip

    def account(self, status: int) -> AccountFailure:
        what, hint = self._trouble(status)
        return AccountFailure(self.sentence(what), words=self.said.words, request_id=self.said.request_id, hint=hint)

    def _trouble(self, status: int) -> tuple[str, str]:
        said, name, model = self.said, self.provider, f"`{self.asked}`" if self.asked else "the model"
        if status == 402 or _MONEY.search(said.all):
            return "takes no more orders: no balance left", f"top up the account at {name}, or raise its limit there"
        if status == 401 or _KEY.search(said.code):
            return "does not accept the key", f"set `{self.key_name}` to a key that is valid there"
        if status == 403 and "verif" in said.message.lower():
            return "wants the organization verified first", f"verify it in the account's settings at {name}"
        if status == 403:
            return "does not allow this", f"see what the key in `{self.key_name}` may do, and from where"
        if status == 404 and said.is_plain:  # not the service's own words: a server that knows no such path
            return f"has nothing at `{self.url.partition('?')[0]}` (404)", _BASE_URL
        if status == 404 or _NO_MODEL.search(said.code):
            return f"does not know {model}, or not for this account", "see `imagebuild doctor`, and the base URL"
        if status < 400:
            return f"sends elsewhere ({status})", _BASE_URL
        return f"does not take this ({status})", "see `imagebuild doctor`, and the base URL"


# ---------------------------------------------------------------------------------------------------- reading a body


def json_of(reply: Reply, *, provider: str = "the service") -> Any:
    """The body as JSON. What cannot be read is the failure that its status says, after a success an unknown outcome;
    a body that broke off at its very end is read all the same."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        pass
    if not 200 <= reply.status < 300:
        raise failure_of(reply, provider=provider)
    words = words_of(plain_text(reply.body[:MOST_READ].decode("utf-8", "replace")))
    how, hint = "broke off its answer", LOOK_IT_UP
    if reply.whole:
        how = "answered with something that is no JSON"
        if reply.body.lstrip()[:1] == b"<":
            how = "answered with a web page, and no JSON" + (f" ({words})" if words else "")
            hint = f"{_BASE_URL}; {LOOK_IT_UP}"
    raise Unknown(f"`{provider}` {how}{_NOT_KNOWN}", words=words, request_id=request_id_of(reply), hint=hint)


def decoded(b64: object, *, provider: str = "the service", request_id: str | None = None) -> bytes:
    """The bytes of base64, a data URL's too, strictly. What cannot be decoded was made and is paid: `Lost`."""
    data = b""
    if isinstance(b64, str):
        text = b64.partition(",")[2] if b64[:5].lower() == "data:" else b64
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            data = _unwrapped(text)
    if not data:
        raise Lost(
            f"`{provider}` sent a picture that cannot be decoded",
            words="the picture's base64 is empty or damaged", request_id=request_id,
        )  # fmt: skip
    return data


def _unwrapped(text: str) -> bytes:
    """Base64 in lines, as mail has it."""
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        return b""
