"""The files of OpenAI's Batch API: a request as a line of what is sent, a line of what came as a result.

Knows the lines and how many go into a file; knows nothing of how the files travel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from imagebuild.core.offer import Price
from imagebuild.errors import ProviderError
from imagebuild.providers.base import Attachment, Picture, Reply, Request, ServiceFailure, Throttled, Unknown
from imagebuild.providers.batches import BatchResult, Lot
from imagebuild.providers.failures import failure_of
from imagebuild.providers.openai import parameters_of, picture_in
from imagebuild.providers.wording import data_url

__all__ = ["fits", "line_of", "lots_of", "read_lines", "text_in"]

GENERATIONS: Final = "/v1/images/generations"
EDITS: Final = "/v1/images/edits"
MOST_LINES: Final = 50_000
MOST_BYTES: Final = 200_000_000
USUAL_BYTES: Final = 64_000_000  # of a lot: it is in memory whole while it is uploaded
LONGEST_PICTURE: Final = 20_971_520  # characters of one data URL
SHARE: Final = Decimal("0.5")


# -------------------------------------------------------------------------------------------------------------- lines


def line_of(request: Request, model_id: str) -> bytes:
    """A request as its line of the file. A picture can only go along as a data URL."""
    body = parameters_of(request, model_id)
    if _endpoint(request) == EDITS:
        body["images"] = [{"image_url": data_url(each)} for each in request.references]
        if request.mask is not None:
            body["mask"] = {"image_url": data_url(request.mask)}
    line = {"custom_id": request.key, "method": "POST", "url": _endpoint(request), "body": body}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def lots_of(
    requests: Iterable[Request], model_id: str, *, most_lines: int = MOST_LINES, most_bytes: int = USUAL_BYTES
) -> list[Lot]:
    """The requests in as few batches as can be, in their order. One that no file can hold is an error: ask `fits`."""
    sorted_out: dict[str, list[Request]] = {GENERATIONS: [], EDITS: []}
    for request in requests:
        sorted_out[_endpoint(request)].append(request)
    lots: list[Lot] = []
    for endpoint, wanted in sorted_out.items():
        taken: list[Request] = []
        size = 0
        for request in wanted:
            if not fits(request, model_id):
                raise ProviderError(
                    f"`{request.label or request.key}` is too large for a batch: its pictures go into the batch's file",
                    hint="build it without `--batch`, or with smaller reference pictures",
                )
            length = _length(request, model_id)
            if taken and (len(taken) == most_lines or size + length > most_bytes):
                lots.append(Lot(endpoint, tuple(taken), size))
                taken, size = [], 0
            taken.append(request)
            size += length
        if taken:
            lots.append(Lot(endpoint, tuple(taken), size))
    return lots


def fits(request: Request, model_id: str) -> bool:
    """Whether a batch's file can hold the request."""
    longest = max((len(each.data) for each in _pictures(request)), default=0)
    return _encoded(longest) + 64 <= LONGEST_PICTURE and _length(request, model_id) <= MOST_BYTES


def _length(request: Request, model_id: str) -> int:
    """How many bytes its line takes, without encoding its pictures for that."""
    bare = replace(
        request,
        references=tuple(replace(each, data=b"") for each in request.references),
        mask=replace(request.mask, data=b"") if request.mask is not None else None,
    )
    return len(line_of(bare, model_id)) + sum(_encoded(len(each.data)) for each in _pictures(request))


def _pictures(request: Request) -> tuple[Attachment, ...]:
    return request.references if request.mask is None else (*request.references, request.mask)


def _encoded(length: int) -> int:
    return 4 * -(-length // 3)


def _endpoint(request: Request) -> str:
    return EDITS if request.references or request.mask is not None else GENERATIONS


# ------------------------------------------------------------------------------------------------------------ results


def read_lines(
    path: str, *, price: Price, form_of: Callable[[str], str], provider: str = "openai"
) -> Iterator[BatchResult]:
    """The results in a file that was fetched, a line in memory at a time. `form_of` gives the format that was asked
    for under a key. A line that cannot be told whose it is makes an error at the end, after all the others: then no key
    may be taken for unanswered."""
    broken = 0
    with open(path, "rb") as file:
        for line in file:
            if not line.strip():
                continue
            result = _result(line, price, form_of, provider)
            if result is None:
                broken += 1
            else:
                yield result
    if broken:
        lines = f"{broken} lines" if broken > 1 else "1 line"
        raise Unknown(f"`{provider}` sent {lines} that cannot be read, in `{path}`")


def _result(line: bytes, price: Price, form_of: Callable[[str], str], provider: str) -> BatchResult | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        named = re.search(rb'"custom_id"\s*:\s*"([A-Za-z0-9_.:-]{1,200})"', line[:2000])
        if named is None:
            return None
        broken = Unknown(f"`{provider}` sent a line that cannot be read")
        return BatchResult(named[1].decode(), None, broken, readable=False)
    key = text_in(said, "custom_id")
    if key is None:
        return None
    try:
        return BatchResult(key, _picture(said, price, form_of(key), provider), None)
    except ServiceFailure as failure:
        return BatchResult(key, None, failure)


def _picture(said: Mapping[str, Any], price: Price, form: str, provider: str) -> Picture:
    response = said.get("response")
    if not isinstance(response, Mapping):
        raise _line_failure(said.get("error"), provider)
    headers = {"x-request-id": text_in(response, "request_id") or text_in(said, "id") or ""}
    status = response.get("status_code")
    reply = Reply(status=status if isinstance(status, int) else 0, headers=headers)
    if not 200 <= reply.status < 300:
        told = Reply(status=reply.status, headers=headers, body=json.dumps(response.get("body")).encode())
        raise failure_of(told, provider=provider)
    return picture_in(response.get("body"), reply, provider=provider, form=form, price=price, share=SHARE)


def _line_failure(error: object, provider: str) -> ServiceFailure:
    """A request that was never sent on: expired or cancelled ones were not billed, and may be asked for again."""
    code = text_in(error, "code") or ""
    failure = failure_of(Reply(status=200, body=json.dumps({"error": error}).encode()), provider=provider)
    if code in ("batch_expired", "batch_cancelled"):
        how = "did not come to it within a day" if code == "batch_expired" else "was told to stop before it"
        return Throttled(f"`{provider}` {how}", after=None, words=failure.words)
    return failure


def text_in(values: object, name: str) -> str | None:
    """The text that a JSON object has under a name; None when it has none."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, str) and found else None
