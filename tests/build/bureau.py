"""A service of batches in memory, spoken to by the real client: what it began and charged; and processes that die."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from imagebuild.build.run import Service
from imagebuild.build.terms import Terms
from imagebuild.core.offer import Price
from imagebuild.core.plan import Policy
from imagebuild.providers.base import Ask, Cut, Glimpse, Reply, Request
from imagebuild.providers.openai_batch import OpenAIBatch
from imagebuild.store.base import Journal
from tests.build.service import NUMBERS, Shop
from tests.build.workshop import Workshop, paint

__all__ = ["BATCHED", "BILLED", "Bureau", "Death", "Killed", "buy", "mortal_shop", "service_of"]

BATCHED = Policy(batch=True)
PRICES = Price(text_in=Decimal(5), image_in=Decimal(8), image_out=Decimal(30))
USAGE = {"input_tokens": 10, "output_tokens": 1000, "input_tokens_details": {"text_tokens": 10, "image_tokens": 0}}
BILLED = (Decimal(5) * 10 + Decimal(30) * 1000) / 1_000_000 / 2  # for each picture


class Killed(Exception):
    """What a process that is gone would not see: from here on nothing it does has any effect."""


@dataclass
class Death:
    """Strikes at the how-manieth writing, or when it is told to."""

    at: int = 0
    after: bool = False
    is_over: bool = False

    def strike(self) -> None:
        self.is_over = True
        raise Killed

    def check(self) -> None:
        if self.is_over:
            raise Killed


class Mortal:
    """Something that writes to disk, for as long as its process lives."""

    WRITES = frozenset({"open", "open_many", "close", "close_many", "pay", "put", "put_record"})

    def __init__(self, living: Any, death: Death, *, counts: bool) -> None:
        self._living = living
        self._death = death
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._living, name)
        if name not in self.WRITES:
            return call

        def mortal(*arguments: Any, **more: Any) -> Any:
            self._death.check()
            self._death.at -= self._counts
            if self._counts and self._death.at == 0 and not self._death.after:
                self._death.strike()
            found = call(*arguments, **more)
            if self._counts and self._death.at == 0:
                self._death.strike()
            return found

        return mortal


@dataclass
class Bureau:
    """Holds files and batches. `end_of(prompt)`: None makes the picture, a dict is the line's `response` or `error`."""

    end_of: Callable[[str], dict[str, Any] | None] = lambda prompt: None
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    charged: Counter[str] = field(default_factory=Counter)
    unlisted: set[str] = field(default_factory=set)  # batches that the list does not show yet
    late: Counter[str] = field(default_factory=Counter)  # how often a file is not found before it is
    asked: list[str] = field(default_factory=list)
    death: Death = field(default_factory=Death)
    before: Callable[[str], Reply | None] = lambda what: None  # answers in the service's place
    after: Callable[[str], Reply | None] = lambda what: None  # or when it has done what was asked

    # -------------------------------------------------------------------------------------------------- as a wire

    async def send(
        self,
        ask: Ask,
        *,
        leaving: Callable[[], Awaitable[None]] | None = None,
        spool: str | None = None,
        show: Callable[[Glimpse], None] | None = None,
    ) -> Reply:
        what = f"{ask.method} {ask.url.partition('/v1')[2].partition('?')[0]}"
        self.death.check()
        what = re.sub(r"(batch_|file-)\d+(-\w+)?", "*", what)
        self.asked.append(what)
        instead: Reply | None = None
        is_cut: Cut | None = None
        try:
            instead = self.before(what)
        except Cut as bad:  # on its way: by then it had left
            is_cut = bad
        if leaving is not None and ask.paid:
            await leaving()
        if is_cut is not None:
            raise is_cut
        if instead is not None:
            return instead
        reply = self._answer(ask, what)
        return self.after(what) or reply

    def recall(self, spool: str) -> Reply | None:
        return None

    async def wait(self, seconds: float, wake: str | None = None) -> None:
        return None

    def _answer(self, ask: Ask, what: str) -> Reply:
        last = ask.url.rpartition("/")[2]
        match what:
            case "POST /files":
                name = f"file-{len(self.files) + 1}"
                self.files[name] = next(part.value for part in ask.form if part.name == "file")
                return _json({"id": name})
            case "POST /batches":
                return _json(self._begun(ask.json))
            case "GET /batches":
                listed = [each for name, each in self.batches.items() if name not in self.unlisted]
                return _json({"data": listed[::-1], "has_more": False})
            case "GET /batches/*":
                found = self.batches.get(last)
                return _json(found) if found is not None else Reply(status=404, body=b"{}")
            case "GET /files/*/content":
                name = ask.url.split("/")[-2]
                data = self.files.get(name)
                self.late[name] -= 1
                if data is None or self.late[name] >= 0:
                    return Reply(status=404, body=b"{}")
                assert ask.to_file is not None
                Path(ask.to_file).write_bytes(data)
                return Reply(status=200)
        raise AssertionError(what)

    def _begun(self, asked: Any) -> dict[str, Any]:
        name = f"batch_{len(self.batches) + 1}"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.batches[name] = {
            "id": name, "status": "in_progress", "input_file_id": asked["input_file_id"], "endpoint": asked["endpoint"],
            "metadata": asked["metadata"], "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }  # fmt: skip
        return self.batches[name]

    # ------------------------------------------------------------------------------------------------- as a service

    def work(self, *, status: str = "completed", most: int | None = None) -> None:
        """Do everything that is begun, or so many lines of it."""
        for name, batch in self.batches.items():
            if batch["status"] != "in_progress":
                continue
            lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
            made, failed = [], []
            for number, line in enumerate(lines):
                end = self.end_of(line["body"]["prompt"])
                if most is not None and number >= most:
                    end = {"error": {"code": "batch_expired", "message": "it was too late"}}
                if end is None:
                    made.append(self.made(line["custom_id"], line["body"]))
                else:
                    failed.append({"custom_id": line["custom_id"], "response": None, "error": None, **end})
            for lines_of, kind in ((made, "output"), (failed, "error")):
                if lines_of:
                    self.files[f"{name}-{kind}"] = b"".join(json.dumps(each).encode() + b"\n" for each in lines_of)
                    batch[f"{kind}_file_id"] = f"{name}-{kind}"
            batch["status"] = status
            batch["request_counts"] |= {"completed": len(made), "failed": len(failed)}

    def made(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """A line with a picture, charged."""
        self.charged[body["prompt"]] += 1
        width, _, height = body["size"].partition("x")
        request = Request(
            key="", operation="generate", model="m", prompt=body["prompt"], size=(int(width), int(height)),
            quality="low", format="png",
        )  # fmt: skip
        picture = {"b64_json": base64.b64encode(paint(request)).decode()}
        reply = {"created": 1, "output_format": "png", "data": [picture], "usage": USAGE}
        response = {"status_code": 200, "request_id": f"req-{body['prompt']}", "body": reply}
        return {"custom_id": key, "response": response, "error": None}

    def fail(self, message: str) -> None:
        """Every batch that is begun ends before any of it is made."""
        for batch in self.batches.values():
            if batch["status"] == "in_progress":
                batch |= {
                    "status": "failed",
                    "errors": {"data": [{"code": "token_limit_exceeded", "message": message}]},
                }


def _json(body: object) -> Reply:
    return Reply(status=200, headers={"content-type": "application/json"}, body=json.dumps(body).encode())


def service_of(
    bureau: Bureau, journal: Journal, *, policy: Policy = BATCHED, age: float = 0.0, account: str = "one"
) -> Service:
    terms = Terms(
        campaign="test", floating=False, policy=policy, agreed=frozenset(each.id for each in journal.attempts()),
        now=lambda: "2026-11-21T10:00:00Z", new_id=lambda: f"attempt-{next(NUMBERS)}", account=account, scale=0.001,
    )  # fmt: skip
    batching = OpenAIBatch("m", base_url="https://openai/v1", price=PRICES)
    return Service(
        provider=Shop(name="openai"), wire=bureau, journal=journal, terms=terms, batching=batching, age=lambda _: age
    )


def buy(
    shop: Workshop, bureau: Bureau, actions, *, policy: Policy = BATCHED, age: float = 0.0, account: str = "one", **more
):
    service = service_of(bureau, shop.journal, policy=policy, age=age, account=account)
    return shop.build(actions, None, service=service, policy=policy, clock=time.monotonic, **{"price": "0.10", **more})


def mortal_shop(root: Path, death: Death) -> Workshop:
    """A place to build in, until the process dies: its writings in the journal are counted."""
    shop = Workshop(root)
    shop.journal = Mortal(shop.journal, death, counts=True)  # type: ignore[assignment]
    shop.store = Mortal(shop.store, death, counts=False)  # type: ignore[assignment]
    return shop
