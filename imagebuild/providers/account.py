"""Whose account a provider is asked with: the key, the address, how fast, and what else the environment says of it.

Knows the names of the variables, not what a provider does with them. A key is a `Secret` from the moment it is read.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote, quote_plus, urlsplit

from imagebuild.errors import ProviderError, did_you_mean
from imagebuild.lazy import lazy
from imagebuild.providers.base import Limits

if TYPE_CHECKING:
    import dotenv
else:
    dotenv = lazy("dotenv")

__all__ = ["Account", "Secret", "is_loopback", "read_account", "read_dotenv", "run_command", "time_scale"]

_SHORTEST_REDACTED: Final = 8  # shorter ones would blot out harmless words
_SECONDS: Final = 60
_LIMITS: Final = ("concurrency", "images_per_minute", "requests_per_minute")
_OPTIONS: Final = ("partials", "route", "callback_url", "callback_listen")
_KEY_COMMAND: Final = "key_command"
_MARK: Final = 12  # characters
_FEW_AT_ONCE: Final = 4  # where neither the catalogue nor the environment says how many


class Secret:
    """A key. It shows as `***`, is never written anywhere, and `reveal` is the one way out."""

    __slots__ = ("_encoded", "_forms", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        long = len(value) >= _SHORTEST_REDACTED
        self._forms = _forms(value) if long else ()
        self._encoded = tuple(form.encode() for form in self._forms)

    def reveal(self) -> str:
        return self._value

    def blotted(self, text: str) -> str:
        """The text with every occurrence of the key, also as JSON, a page or an address write it, replaced by `***`."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def blotted_bytes(self, data: bytes) -> bytes:
        for form in self._encoded:
            data = data.replace(form, b"***")
        return data

    def begun_at_end(self, data: bytes) -> int:
        """How many of the last bytes may be the beginning of the key: the rest of it may follow."""
        most = 0
        for form in self._encoded:
            tail = data[-(len(form) - 1) :]
            at = tail.find(form[0])
            while at >= 0 and not form.startswith(tail[at:]):
                at = tail.find(form[0], at + 1)
            most = max(most, len(tail) - at if at >= 0 else 0)
        return most

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return "***"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memory: object) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not to be pickled")


def _forms(key: str) -> tuple[str, ...]:
    """The ways in which a key may be written, the longest first: one may be a part of another."""
    as_json = json.dumps(key)[1:-1]
    found = {
        key, as_json, as_json.replace("/", "\\/"), json.dumps(as_json)[1:-1], html.escape(key), quote(key),
        quote(key, safe=""), quote_plus(key), base64.b64encode(key.encode()).decode().rstrip("="),
    }  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`key_from`: the variable, `.env`, or `command`; empty when there is no key. `options`: partials, route,
    callback_url, callback_listen, where they are set."""

    name: str
    key: Secret | None
    key_from: str
    base_url: str
    limits: Limits
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Tells this account from others, and nothing of its key; empty where there is none."""
        if self.key is None:
            return ""
        text = f"imagebuild account\0{self.base_url}\0{self.key.reveal()}"
        return hashlib.sha256(text.encode()).hexdigest()[:_MARK]


class _Variables:
    """The environment, and behind it the `.env` files. An empty value counts as not set."""

    def __init__(self, environment: Mapping[str, str], dotenv: Mapping[str, str]) -> None:
        self._environment = environment
        self._dotenv = dotenv

    def find(self, name: str) -> tuple[str, bool]:
        """The value, or an empty text, and whether it is a `.env` file's."""
        value = self._environment.get(name, "").strip()
        if value:
            return value, False
        value = self._dotenv.get(name, "").strip()
        return value, bool(value)

    def beginning_with(self, start: str) -> list[str]:
        return sorted({name for name in (*self._environment, *self._dotenv) if name.startswith(start)})


def run_command(command: list[str]) -> str:
    """What a command writes to its standard output. It may ask the person for a password meanwhile."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_SECONDS, text=True)
    return done.stdout


def read_account(
    name: str,
    row: Mapping[str, Any],
    environment: Mapping[str, str],
    dotenv: Mapping[str, str],
    *,
    run: Callable[[list[str]], str] = run_command,
    others: Iterable[str] = (),
) -> Account:
    """The account of the provider of this row of the catalogue. `others` are the names of the other providers: their
    variables are none of this one's, though they may begin with its name."""
    variables = _Variables(environment, dotenv)
    _check_names(name, variables, others)
    key, key_from = _key(name, row.get("key"), variables, run)
    limits = row.get("limits") or {}
    options = {option: variables.find(_variable(name, option))[0] for option in _OPTIONS}
    options = {option: value for option, value in options.items() if value}
    _check_options(name, options)
    return Account(
        name=name,
        key=key,
        key_from=key_from,
        base_url=_base_url(row, variables, key_from),
        limits=Limits(
            concurrency=_concurrency(name, limits.get("concurrency", _FEW_AT_ONCE), variables),
            images_per_minute=_rate(name, "images_per_minute", limits.get("images_per_minute"), variables),
            requests_per_minute=_rate(name, "requests_per_minute", limits.get("requests_per_minute"), variables),
        ),
        options=MappingProxyType(options),
    )


def read_dotenv(folders: Iterable[str]) -> Mapping[str, str]:
    """What the `.env` files of these folders say, the nearest folder first. The environment is left as it is."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folders):
        path = os.path.join(folder, ".env")
        if not os.path.isfile(path):
            continue
        try:
            values = dotenv.dotenv_values(path, interpolate=False, encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as bad:
            cause = "it is not UTF-8" if isinstance(bad, UnicodeDecodeError) else (bad.strerror or "").lower()
            raise ProviderError(f"cannot read `{path}`: {cause}", hint="one `NAME=value` a line") from None
        for name, value in values.items():
            if value is not None:
                found.setdefault(name, value)
    return found


def time_scale(environment: Mapping[str, str], base_url: str = "") -> float:
    """The factor of this program's own waits: `IMAGEBUILD_TIME_SCALE`, for use with a service that stands in. One that
    is asked anywhere but on this machine is none: it would be asked too fast, and given up too early."""
    text = environment.get("IMAGEBUILD_TIME_SCALE", "").strip()
    if not text:
        return 1.0
    value = _number(text)
    if value is None or value > 1:
        raise ProviderError(
            f"`IMAGEBUILD_TIME_SCALE` is `{text}`", hint="write a number above 0 and up to 1, such as `0.01`"
        )
    host = urlsplit(base_url).hostname or ""
    if value < 1 and host and not is_loopback(host):
        raise ProviderError(
            f"`IMAGEBUILD_TIME_SCALE` is `{text}`, and `{host}` is no sandbox on this machine",
            hint="unset it: it is for services that stand in",
        )
    return value


def is_loopback(host: str) -> bool:
    """Whether the name is this machine's own, by its looks: nothing is looked up."""
    return host in ("localhost", "::1") or re.fullmatch(r"127\.\d+\.\d+\.\d+", host) is not None


# --------------------------------------------------------------------------------------------------------- the parts


def _variable(name: str, word: str) -> str:
    return f"IMAGEBUILD_{name}_{word}".upper().replace("-", "_")


def _check_names(name: str, variables: _Variables, others: Iterable[str]) -> None:
    start = _variable(name, "")
    foreign = tuple(other for each in others if (other := _variable(each, "")) != start and other.startswith(start))
    known = [_variable(name, word) for word in (*_LIMITS, *_OPTIONS, _KEY_COMMAND)]
    for variable in variables.beginning_with(start):
        if variable not in known and not variable.startswith(foreign):
            raise ProviderError(f"unknown variable `{variable}`", hint=did_you_mean(variable, known))


def _key(
    name: str, variable: str | None, variables: _Variables, run: Callable[[list[str]], str]
) -> tuple[Secret | None, str]:
    if variable is None:
        return None, ""
    value, in_file = variables.find(variable)
    if value:
        _check_key(value, f"`{variable}`" + (" of the file `.env`" if in_file else ""))
        return Secret(value), ".env" if in_file else variable
    by = _variable(name, _KEY_COMMAND)
    command, in_file = variables.find(by)
    if not command:
        return None, ""
    if in_file:  # such a file may come with a campaign that somebody else wrote
        raise ProviderError(f"`{by}` stands in the file `.env`", hint="a program is run only by the environment's word")
    value = _told(by, command, run)
    _check_key(value, f"what the command of `{by}` wrote")
    return Secret(value), "command"


def _told(by: str, command: str, run: Callable[[list[str]], str]) -> str:
    """The first line of a command's output. What else it wrote is never shown: it may hold the key."""
    try:
        words = shlex.split(command)
    except ValueError as bad:
        raise ProviderError(f"`{by}` is no command: {str(bad).lower()}", hint="quote it as in a shell") from None
    try:
        lines = run(words).strip().splitlines()
    except subprocess.CalledProcessError as bad:
        cause = f"it ended with exit code {bad.returncode}"
    except subprocess.TimeoutExpired:
        cause = f"it did not end within {_SECONDS} s"
    except UnicodeDecodeError:
        cause = "what it wrote is no text"
    except OSError as bad:
        cause = (bad.strerror or "it cannot be started").lower()
    else:
        if lines:
            return lines[0].strip()
        cause = "it wrote nothing"
    raise ProviderError(f"no key by the command of `{by}`: {cause}", hint="run the command in a terminal")


def _check_key(value: str, where: str) -> None:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ProviderError(
            f"{where} is no key: it has white space or other foreign characters inside",
            hint="copy it again from the service's page, by itself: no quotes, no `Bearer`",
        )


def _base_url(row: Mapping[str, Any], variables: _Variables, key_from: str) -> str:
    key = row.get("key")
    own = str(row.get("base_url") or "").rstrip("/")
    if key is None:
        return own
    variable = key.removesuffix("_API_KEY") + "_BASE_URL"
    value, in_file = variables.find(variable)
    if not value:
        return own
    _check_address(variable, value)
    host = urlsplit(value).hostname or ""
    if in_file and key_from not in ("", ".env") and not is_loopback(host):
        # a campaign that somebody else wrote may bring such a file: the person's own key must not follow it anywhere
        raise ProviderError(
            f"`{variable}` of the file `.env` would send your own key to `{host}`",
            hint=f"set {variable} in the environment too, or put the key of that service in the file",
        )
    if not urlsplit(value).path.strip("/"):  # as some of the services' own libraries want it
        return value.rstrip("/") + urlsplit(own).path
    return value.rstrip("/")


def _check_address(variable: str, value: str) -> None:
    """An address that a key, or a callback's secret, may travel to. Whatever it holds is not repeated but its host."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ProviderError(f"`{variable}` is no address", hint="write `https://…`") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ProviderError(
            f"`{variable}` has more than an address in it", hint="leave out the name, the password, `?…` and `#…`"
        )
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    if not host or not safe or not value.isascii() or not value.isprintable() or " " in value:
        raise ProviderError(
            f"`{variable}` is neither an `https://` address nor this machine's own", hint="write `https://…`"
        )


def _check_options(name: str, options: Mapping[str, str]) -> None:
    partials = options.get("partials", "0")
    if partials not in ("0", "1", "2", "3"):
        raise ProviderError(f"`{_variable(name, 'partials')}` is `{partials}`", hint="write 0, 1, 2 or 3")
    if "callback_url" in options:
        _check_address(_variable(name, "callback_url"), options["callback_url"])
    listen = options.get("callback_listen")
    if listen is not None and not re.fullmatch(r"(\[[0-9a-fA-F:]+]|[\w.-]+):\d{1,5}", listen):
        raise ProviderError(f"`{_variable(name, 'callback_listen')}` is `{listen}`", hint="write `127.0.0.1:8787`")


def _concurrency(name: str, usual: int, variables: _Variables) -> int:
    text, _ = variables.find(_variable(name, "concurrency"))
    if not text:
        return usual
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise ProviderError(f"`{_variable(name, 'concurrency')}` is `{text}`", hint="write a whole number from 1 on")
    return int(text)


def _rate(name: str, word: str, usual: float | None, variables: _Variables) -> float | None:
    text, _ = variables.find(_variable(name, word))
    if not text:
        return usual
    if text.lower() == "none":
        return None
    value = _number(text)
    if value is None:
        raise ProviderError(f"`{_variable(name, word)}` is `{text}`", hint="write a number above 0, or `none`")
    return value


def _number(text: str) -> float | None:
    """A finite number above zero, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
