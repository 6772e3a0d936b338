"""Colours as a campaign writes them, `#rgb` to `#rrggbbaa` and `transparent`, and their one canonical form.

Knows no pixels.
"""

from __future__ import annotations

import re

__all__ = ["COLOR_HINT", "canonical_color"]

COLOR_HINT = 'a colour is `"#ff6663"`, quoted, since YAML takes ` #` for a comment'

_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z")


def canonical_color(text: str) -> str | None:
    """`#rrggbb` when opaque, else `#rrggbbaa`; `transparent` when nothing of it is seen; None: not a colour."""
    if text == "transparent":
        return text
    if not _COLOR.match(text):
        return None
    digits = text[1:].lower()
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    if digits.endswith("00") and len(digits) == 8:
        return "transparent"
    return "#" + (digits[:6] if digits.endswith("ff") and len(digits) == 8 else digits)
