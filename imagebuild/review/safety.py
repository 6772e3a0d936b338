"""Who is let in, what is let in, and the headers under which every reply leaves.

Loopback is not private: any site that a browser shows may send requests to it. So a request must name us as its host
(else a rebound name would make a stranger's page our own), hold a token nobody can guess, come from our own page where
it changes or reads anything, and be of the one form that a browser sends to other sites only after asking.
It knows requests by their parts (texts, bytes), and no HTTP library.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from imagebuild.review.desk import Person, ReviewError

__all__ = ["HEADERS", "Gate", "Refusal", "gate_for", "media_of", "only_parameter", "read_decisions"]

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": "imagebuild",  # and no versions
}
MOST_DECISIONS: Final = 10_000  # in one request
_LONGEST_PARAMETER: Final = 4_000
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_TARGET: Final = re.compile(r"[\x21-\x7e]+")  # one HTTP parser lets the rest through, another does not
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_SAID: Final = frozenset({"by", "at", "entered"})  # who and when: the token and the clock say so, never a request


class Refusal(ReviewError):
    """A request that is not answered as it asks, and the status that says so."""

    def __init__(self, status: int, what: str, hint: str = "", *, allow: str = "") -> None:
        super().__init__(what, hint=hint)
        self.status = status
        self.allow = allow  # the methods that would be answered


class Gate(NamedTuple):
    """What a request must show. `origins` has, for each host that is ours, where a page of ours may come from."""

    origins: Mapping[str, frozenset[str]]
    people: tuple[tuple[str, bytes], ...]  # name, and the sha256 of the token

    def check_host(self, target: str, hosts: Sequence[str]) -> None:
        """Nothing is answered to a name that is not ours: a stranger's name may be made to lead here."""
        if not _TARGET.fullmatch(target):
            raise Refusal(400, "this is not a request that can be read")
        if not target.startswith("/") or len(hosts) != 1 or hosts[0].lower() not in self.origins:
            raise Refusal(403, "this address is not the review's", "open the address that `imagebuild review` printed")

    def person(self, token: str) -> str:
        """Whose token this is. The work is the same whether it is anybody's, and whoever's it is."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = [name for name, own in self.people if hmac.compare_digest(own, given)]
        if not found:
            raise Refusal(
                403,
                "this address does not let anybody in",
                "open the whole address that `imagebuild review` printed when it last started; it makes a new one each "
                "time",
            )
        return found[0]

    def check_reading(self, fetch: Mapping[str, str], *, is_index: bool) -> None:
        """Another site may link to the page; what is on it, only the page itself may ask for."""
        site = fetch.get("Sec-Fetch-Site", "none")
        is_visit = fetch.get("Sec-Fetch-Mode") == "navigate" and fetch.get("Sec-Fetch-Dest") == "document"
        if site not in ("none", "same-origin") and not (is_index and is_visit):
            raise Refusal(403, "another site may not read this")

    def check_writing(
        self, host: str, origins: Sequence[str], fetch: Mapping[str, str], content_types: Sequence[str]
    ) -> None:
        """What changes something comes from our own page, in a form that no other site's page can send unasked."""
        own = self.origins[host.lower()]
        if len(origins) != 1 or origins[0] not in own or fetch.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Refusal(403, "only the review's own page may send this", "reload the page")
        kind, _, parameters = content_types[0].partition(";") if len(content_types) == 1 else ("", "", "")
        if kind.strip().lower() != "application/json" or parameters.strip().lower() not in ("", "charset=utf-8"):
            raise Refusal(415, "decisions are sent as `application/json`")


def gate_for(people: Iterable[Person], port: int, allowed_hosts: Iterable[str] = ()) -> Gate:
    """The gate of a server at this port: this machine's names, and those that it is allowed to be called by.

    An allowed host without a port may be called with ours or with none (a proxy in front of us), and by https.
    """
    everybody = tuple(people)
    for one in everybody:
        if not _TOKEN.fullmatch(one.token):
            raise ReviewError(
                f"the token of `{one.name}` is not 22 to 128 URL-safe characters", hint="leave it to `imagebuild`"
            )
    for kind in ("name", "token"):
        if len({getattr(one, kind) for one in everybody}) != len(everybody):
            raise ReviewError(f"two people of the review have the same {kind}", hint="name each person once")
    origins: dict[str, frozenset[str]] = {}
    for name in ("127.0.0.1", "localhost", "[::1]"):
        for written in [f"{name}:{port}", name] if port == 80 else [f"{name}:{port}"]:
            origins[written] = frozenset({f"http://{written}"})
    for allowed in allowed_hosts:
        if not _HOST.fullmatch(allowed):
            raise ReviewError(
                f"`{allowed}` is not the name of a host", hint="a name or address, with `:PORT` or without"
            )
        has_port = bool(re.search(r":[0-9]+$", allowed))
        for written in [allowed] if has_port else [allowed, f"{allowed}:{port}"]:
            own = written.lower()
            origins.setdefault(own, frozenset({f"http://{own}", f"https://{own}"}))
    return Gate(origins, tuple((one.name, hashlib.sha256(one.token.encode()).digest()) for one in everybody))


def media_of(data: bytes) -> str | None:
    """What picture these bytes are, by themselves; None for all else: an SVG is a document that can hold scripts."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[4:8] == b"ftyp":
        end = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}
        if brands & {b"avif", b"avis"}:
            return "image/avif"
    return None


def only_parameter(query: str, name: str) -> str:
    """The value of the one parameter that a query has. (A tolerant reader would let two readers disagree.)"""
    key, _, value = query.partition("=")
    try:
        if key != name or "&" in value or len(value) > 3 * _LONGEST_PARAMETER:
            raise ValueError
        text = unquote_to_bytes(value.replace("+", " ")).decode("utf-8")
        if not 0 < len(text) <= _LONGEST_PARAMETER or _CONTROL.search(text):
            raise ValueError
    except ValueError:
        raise Refusal(400, f"one `{name}` is wanted, in UTF-8 and without control characters") from None
    return text


def read_decisions(body: bytes) -> list[dict[str, object]]:
    """`{"decisions": [{…}…]}`, without what a request may not say: who decides, and when."""
    found = _read_json(body)
    asked = found.get("decisions") if isinstance(found, dict) else None
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise Refusal(400, 'a body of the form `{"decisions": [{…}, …]}` is wanted')
    if len(asked) > MOST_DECISIONS:
        raise Refusal(413, f"more than {MOST_DECISIONS:,} decisions at once", "send them in parts")
    return [{key: value for key, value in each.items() if key not in _NOT_SAID} for each in asked]


def _read_json(body: bytes) -> object:
    """JSON and nothing near it: no key twice, no number that is none, no half of a character."""
    try:
        found: object = json.loads(
            body.decode("utf-8"), object_pairs_hook=_keys_once, parse_constant=_no_number, parse_float=_finite
        )
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # a lone surrogate could not be written to any file
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON in UTF-8 with every key once") from None
    return found


def _keys_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_number(_written: str) -> NoReturn:
    raise ValueError


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError
    return number
