"""JSON with pictures in it as base64, made without passing megabytes through a JSON writer."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["PICTURE", "embedded"]

# Stands in a reply where a picture's base64 goes. Of this process alone, so that no client's text can be it.
PICTURE: Final = f"picture-{secrets.token_hex(12)}"


def embedded(body: Mapping[str, Any], pictures: Sequence[bytes]) -> bytes:
    """The body as JSON; each `PICTURE` in it, in their order, is the next of the pictures."""
    first, *others = json.dumps(body).encode().split(PICTURE.encode())
    parts = [first]
    for picture, part in zip(pictures, others, strict=True):
        parts += [base64.b64encode(picture), part]
    return b"".join(parts)
