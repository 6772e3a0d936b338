"""The ledger in a store's folder: `ledger/2026-11.jsonl`, a line a payment, only ever added to.

A file holds the payments for requests that were sent in its month. Knows nothing of what is still open.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from imagebuild.core.attempt import Payment
from imagebuild.errors import StoreError
from imagebuild.store.files import Writer, cannot, listed, read
from imagebuild.store.journal_text import decode_payment, encode_payment, is_torn

__all__ = ["LedgerFiles"]

_MONTH = re.compile(r"\d{4}-\d{2}\Z")


class LedgerFiles:
    """The lines of all months."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._folder = os.path.join(writer.root, "ledger")

    def add(self, payment: Payment) -> None:
        month = payment.at[:7]
        if not _MONTH.match(month):
            raise StoreError(f"a payment of `{payment.at}` cannot be written down: it is of no month")
        self._writer.add_line(os.path.join(self._folder, f"{month}.jsonl"), encode_payment(payment))

    def payments(self, since: str) -> Iterator[Payment]:
        for name in sorted(listed(self._folder)):
            month = name.removesuffix(".jsonl")
            if name.endswith(".jsonl") and _MONTH.match(month) and month >= since:
                yield from self._month(os.path.join(self._folder, name))

    def _month(self, path: str) -> Iterator[Payment]:
        try:
            data = read(path)
        except OSError as bad:
            raise cannot("read the ledger of", self._writer.root, bad) from bad
        for number, line in enumerate((data or b"").split(b"\n"), start=1):
            if not line:
                continue
            try:
                yield decode_payment(line + b"\n")
            except ValueError as bad:
                if is_torn(line + b"\n"):
                    continue
                raise StoreError(
                    f"line {number} of the ledger `{path}` is damaged: {bad}",
                    hint="without it nobody knows what was paid: put the line back as it was, from a copy of the file",
                ) from bad
