"""What a failed task means, by the code and the words that its service gives. Knows both families of codes that are
about (`CONTENT_VIOLATION`, `SensitiveContentDetected`) and HTTP's numbers; knows no flow."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from imagebuild.providers.base import AccountFailure, Refused, Reply, ServiceFailure, Unknown
from imagebuild.providers.failures import LOOK_IT_UP, failure_of
from imagebuild.providers.said import one_line, words_of

__all__ = ["failed_task"]

# Matched against the code in lower case, letters and digits only: `NSFW_DETECTED` is `nsfwdetected`.
_CONTENT: Final = re.compile(
    r"sensitive|contentviolation|contentpolicy|nsfw|prohibited|moderat|safety|policyviolation|^451$"
)
_ACCOUNT: Final = re.compile(r"insufficient|balance|apikey|unauthori|^40[123]$")
_MISTAKE: Final = re.compile(
    r"^prompt|^invalid|^unsupported|^missing|toolarge|toolong|lengthexceeded|imagedownload|^4(?:00|13|15|22)$"
)


def failed_task(code: Any, said: Any, *, provider: str, task: str) -> ServiceFailure:
    """The failure that a failed task is. What its code does not tell, its words may; what neither tells is unknown:
    that a failed task is not billed is nowhere said."""
    code = one_line(str(code))[:80] if isinstance(code, str | int) and not isinstance(code, bool) else ""
    words = words_of(str(said)) if isinstance(said, str | int) else ""
    words = words or code
    plain = re.sub(r"[^a-z0-9]", "", code.lower())
    about = f" ({code})" if code and code != words else ""
    tail = f"{about}: {words.rstrip('. ')}" if words else about
    spoken = failure_of(_as_error(words), provider=provider)
    if _CONTENT.search(plain) or (isinstance(spoken, Refused) and spoken.moderation):
        return _for_content(plain, provider, task, tail, words)
    if _ACCOUNT.search(plain):
        return _of_account(provider, task, tail, words)
    if _MISTAKE.search(plain):
        hint = None
        if "download" in plain:
            hint = "see that the public address of the reference pictures works from outside"
        return Refused(f"`{provider}` refused this request{tail}", words=words, request_id=task, hint=hint)
    if isinstance(spoken, AccountFailure):
        return _of_account(provider, task, tail, words)
    return Unknown(
        f"`{provider}` failed at task `{task}`{tail}; whether it billed it is not known",
        words=words, request_id=task, hint=LOOK_IT_UP,
    )  # fmt: skip


def _as_error(words: str) -> Reply:
    return Reply(status=200, body=json.dumps({"error": {"message": words}}).encode())


def _for_content(plain: str, provider: str, task: str, tail: str, words: str) -> Refused:
    stages = [stage for stage in ("input", "output") if stage in plain]
    return Refused(
        f"`{provider}` refused this request for its content{tail}",
        words=words, request_id=task, moderation=True, stage=stages[0] if len(stages) == 1 else "unknown",
        hint="change the prompt or the reference pictures; the same request is not sent again",
    )  # fmt: skip


def _of_account(provider: str, task: str, tail: str, words: str) -> AccountFailure:
    return AccountFailure(
        f"`{provider}` does not work for this account{tail}", words=words, request_id=task,
        hint=f"top up the account at {provider}, and see that its key is valid",
    )  # fmt: skip
