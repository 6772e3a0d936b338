"""OpenAI's Batch API: many requests in one file, made within a day at half the price.

Each verb is a flow without I/O: submit, find, poll, collect, cancel. What is known of a batch is its ticket, which the
caller keeps, and its label, by which it is found again should a reply be lost. Knows nothing of when to poll, or of
what a result is for; what the files hold is `openai_lines`'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from imagebuild.core.offer import Price
from imagebuild.providers.base import (
    AccountFailure,
    Ask,
    Note,
    Part,
    Refused,
    Reply,
    Request,
    ServiceFailure,
    StillRunning,
    Throttled,
    Unknown,
    ask,
)
from imagebuild.providers.batches import BatchResult, BatchState, BatchTicket, Doing, Lot
from imagebuild.providers.failures import failure_of, json_of, request_id_of
from imagebuild.providers.fetch import PAUSES
from imagebuild.providers.openai_lines import GENERATIONS, fits, line_of, lots_of, read_lines, text_in

__all__ = ["OpenAIBatch"]

DONE: Final = frozenset({"completed", "failed", "expired", "cancelled"})  # any other status is one on the way
MOST_PAGES: Final = 100
METADATA: Final = "imagebuild"

# -------------------------------------------------------------------------------------------------------------- flows


class OpenAIBatch:
    """`model_id` is what this service calls the model; `price` is that of a picture made at once."""

    def __init__(self, model_id: str, *, base_url: str, price: Price, name: str = "openai") -> None:
        self.name = name
        self._model_id = model_id
        self._base_url = base_url.rstrip("/")
        self._price = price

    def fits(self, request: Request) -> bool:
        return fits(request, self._model_id)

    def lots(self, requests: Iterable[Request]) -> list[Lot]:
        return lots_of(requests, self._model_id)

    def lines(self, path: str, *, form_of: Callable[[str], str]) -> Iterator[BatchResult]:
        return read_lines(path, price=self._price, form_of=form_of, provider=self.name)

    def submit(self, lot: Lot, *, label: str) -> Doing[BatchTicket]:
        """Upload a lot and have it begun. The label must be new, and known to the caller's disk before."""
        file = yield from self._upload(lot, label)
        yield Note({"file": file, "label": label})
        body = {
            "input_file_id": file,
            "endpoint": lot.endpoint,
            "completion_window": "24h",
            "metadata": {METADATA: label},
        }
        reply = yield from ask(Ask(method="POST", url=f"{self._base_url}/batches", json=body, paid=True))
        if not 200 <= reply.status < 300:
            raise _of_the_whole(failure_of(reply, provider=self.name, asked=self._model_id))
        batch = text_in(json_of(reply, provider=self.name), "id")
        if batch is None:
            raise Unknown(f"`{self.name}` began a batch without saying which", request_id=request_id_of(reply))
        return BatchTicket(batch, lot.endpoint, file, tuple(request.key for request in lot.requests), label)

    def _upload(self, lot: Lot, label: str) -> Doing[str]:
        lines = b"".join(line_of(request, self._model_id) for request in lot.requests)
        name = re.sub(r"[^A-Za-z0-9_-]", "-", label) or "batch"
        form = (Part("purpose", "batch"), Part("file", lines, f"{name}.jsonl", "application/jsonl"))
        reply = yield from ask(Ask(method="POST", url=f"{self._base_url}/files", form=form))
        if not 200 <= reply.status < 300:
            raise self._before_paying(reply)
        file = text_in(_json(reply), "id")
        if file is None:
            raise Throttled(f"`{self.name}` took a batch's file without giving it a name", after=None)
        return file

    def find(self, label: str, *, keys: Sequence[str] = ()) -> Doing[BatchTicket | None]:
        """The batch of this label, if the service has one: for a submission whose reply was lost. The newest come
        first, and a batch may be listed a little late."""
        after: str | None = None
        for _ in range(MOST_PAGES):
            query = urlencode({"limit": 100} | ({"after": after} if after else {}))
            page = yield from self._get(f"/batches?{query}")
            rows = [row for row in _rows(page) if text_in(row, "id")]
            for row in rows:
                metadata = row.get("metadata")
                if isinstance(metadata, Mapping) and metadata.get(METADATA) == label:
                    file, endpoint = text_in(row, "input_file_id") or "", text_in(row, "endpoint") or GENERATIONS
                    return BatchTicket(str(row["id"]), endpoint, file, tuple(keys), label)
            if not rows or page.get("has_more") is not True:
                return None
            after = str(rows[-1]["id"])
        raise Unknown(f"`{self.name}` lists more batches than are read; `{label}` is not among the newest")

    def poll(self, ticket: BatchTicket) -> Doing[BatchState]:
        body = yield from self._get(f"/batches/{quote(ticket.batch, safe='')}")
        return self._state(body)

    def cancel(self, ticket: BatchTicket) -> Doing[BatchState]:
        """Have no more of it made. What is made by then is billed, and comes with the batch's files."""
        url = f"{self._base_url}/batches/{quote(ticket.batch, safe='')}/cancel"
        reply = yield from ask(Ask(method="POST", url=url))
        return self._state(self._answer(reply))

    def collect(self, file: str, to: str) -> Doing[bool]:
        """Have one of the batch's files fetched, to a file here. False: the service does not have it, asked several
        times: it may know of one before every part of it has it."""
        url = f"{self._base_url}/files/{quote(file, safe='')}/content"
        for pause in PAUSES:
            reply = yield from ask(Ask(method="GET", url=url, to_file=to, patience=600.0, after=pause))
            if reply.status in (404, 410):
                continue
            if not 200 <= reply.status < 300 or not reply.whole:
                raise self._after_paying(reply)
            return True
        return False

    def _get(self, path: str) -> Doing[Mapping[str, Any]]:
        reply = yield from ask(Ask(method="GET", url=self._base_url + path))
        return self._answer(reply)

    def _answer(self, reply: Reply) -> Mapping[str, Any]:
        body = _json(reply) if 200 <= reply.status < 300 else None
        if not isinstance(body, Mapping):
            raise self._after_paying(reply)
        return body

    def _state(self, body: Mapping[str, Any]) -> BatchState:
        status = text_in(body, "status") or "unknown"
        counts = body.get("request_counts")
        counted = counts if isinstance(counts, Mapping) else {}
        total, completed, failed = (_whole(counted.get(name)) for name in ("total", "completed", "failed"))
        output, errors = text_in(body, "output_file_id"), text_in(body, "error_file_id")
        made_nothing = status == "failed" and not completed and output is None
        failure = self._turned_down(body) if made_nothing else None
        return BatchState(status, status in DONE, total, completed, failed, output, errors, failure)

    def _turned_down(self, body: Mapping[str, Any]) -> ServiceFailure:
        """Why a batch failed before any of it was made: a quota's end shows here, not at the submission."""
        told = Reply(status=200, body=json.dumps({"errors": _rows(body.get("errors"))}).encode())
        failure = _of_the_whole(failure_of(told, provider=self.name, asked=self._model_id, unmade=True))
        if isinstance(failure, Unknown):
            why = failure.words or "it does not say why"
            return AccountFailure(f"`{self.name}` turned the batch down: {why}", words=failure.words)
        return failure

    def _before_paying(self, reply: Reply) -> ServiceFailure:
        """A failure at a step that costs nothing, and before which nothing was paid."""
        failure = _of_the_whole(failure_of(reply, provider=self.name, asked=self._model_id))
        if isinstance(failure, Unknown):
            what = f"`{self.name}` did not take the batch's file ({reply.status})"
            return Throttled(what, after=None, words=failure.words, request_id=failure.request_id)
        return failure

    def _after_paying(self, reply: Reply) -> ServiceFailure:
        """A failure to hear of a batch: it is there all the same."""
        failure = failure_of(reply, provider=self.name)
        if isinstance(failure, AccountFailure):
            return failure
        return StillRunning(
            f"`{self.name}` does not tell of the batch just now ({reply.status})", words=failure.words,
            request_id=failure.request_id,
        )  # fmt: skip


def _of_the_whole(failure: ServiceFailure) -> ServiceFailure:
    """A batch that is refused says nothing of any one request in it."""
    if not isinstance(failure, Refused):
        return failure
    return AccountFailure(failure.what, words=failure.words, request_id=failure.request_id)


# ------------------------------------------------------------------------------------------------------- small fields


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _rows(page: object) -> list[Mapping[str, Any]]:
    rows = page.get("data") if isinstance(page, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
