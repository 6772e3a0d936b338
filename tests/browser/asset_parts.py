"""What the made-up pictures of the view of one picture are put together from: bytes, cells, facts, decisions."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

from tests.browser.asset_serving import ME, Json


@cache
def drawn(size: tuple[int, int], hue: int, mark: int = 0, clear: bool = False) -> bytes:
    """A still life of a kettle, more or less; `mark` moves its steam, `clear` leaves the ground transparent."""
    width, height = size
    ground = (0, 0, 0, 0) if clear else (hue, 90, 110, 255)
    picture = Image.new("RGBA", size, ground)
    draw = ImageDraw.Draw(picture)
    if not clear:
        for line in range(height):
            draw.line([(0, line), (width, line)], (hue, 60 + 100 * line // height, 120, 255))
    unit = min(width, height)
    draw.ellipse(
        [width / 2 - unit / 4, height / 2 - unit / 4, width / 2 + unit / 4, height / 2 + unit / 4], (246, 193, 119, 255)
    )
    draw.rectangle([width / 2 - unit / 4, height / 2, width / 2 + unit / 4, height / 2 + unit / 3], (18, 70, 106, 255))
    if mark:
        draw.rectangle([10, 10, 9 + mark, 9 + mark], (244, 98, 95, 255))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def cell_of(asset: Json, **more: Any) -> Json:
    now = asset["now"] or {}
    return {
        "address": asset["address"],
        "asset": asset["asset"],
        "cell": asset["cell"],
        "verdict": asset["verdict"],
        "why": asset["why"],
        "digest": now.get("digest"),
        "thumb": now.get("thumb"),
        "size": now.get("size"),
        "bytes": now.get("bytes"),
        "cost": "0.0042",
        "price": "0",
        "gate": "passed",
        "state": asset["standing"]["state"],
        "missing": asset["standing"]["missing"],
        "output": asset["output"],
        "changed": True,
        "comments": 0,
        "retake": False,
        "variants": len(asset["variants"]),
        "dir": asset["dir"],
        **more,
    }


def asset_of(name: str, cell: dict[str, str], now: Json | None, **more: Any) -> Json:
    inner = ",".join(f"{axis}={value}" for axis, value in cell.items())
    return {
        "address": f"{name}[{inner}]",
        "asset": name,
        "cell": cell,
        "output": f"out/{cell.get('locale', 'shared')}/{name}.png",
        "output_is": "in place",
        "dir": "ltr",
        "lang": cell.get("locale", "en"),
        "alt": "",
        "verdict": "reuse",
        "why": "nothing it is made from has changed",
        "placement": None,
        "now": now,
        "others": [],
        "texts": [],
        "checks": {"verdict": "none", "rows": [], "findings": []},
        "prompt": "",
        "prompt_diff": None,
        "parts": [],
        "paid": [],
        "variants": [],
        "pick_said": None,
        "standing": {
            "state": "open",
            "missing": ["1 of brand"],
            "policy": "1 of brand; not by who had it made",
            "may": {"approve": "", "reject": ""},
        },
        "decisions": [],
        **more,
    }


def decision(kind: str, asset: str, digest: str, at: str, by: str, **more: Any) -> Json:
    ref = hashlib.sha256(f"{kind}{asset}{at}{by}".encode()).hexdigest()
    return {
        "ref": ref[:32],
        "id": ref,
        "at": at,
        "by": by,
        "decision": kind,
        "asset": asset,
        "digest": digest,
        "why": "",
        "policy": "3f2a9c01d2e4: 1 of brand, 1 of legal",
        "undone": False,
        "current": True,
        "yours": by == ME,
        "entered": None,
        **more,
    }


def other(label: str, kind: str, picture: Json, at: str, prompt: str | None = None) -> Json:
    return {
        "id": f"{kind}-{picture['digest'][:6]}",
        "label": label,
        "kind": kind,
        "picture": picture,
        "at": at,
        "prompt": prompt,
    }
