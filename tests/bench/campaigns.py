"""Campaigns of any size for the benchmarks, built by a stand-in that gives each request a small picture of its own.

products × locales × 4 ratios; every asset depends on a prompt template, its locale's strings and its product's data.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from imagebuild.build.run import Stop
from imagebuild.cli.build import describe
from imagebuild.providers.base import Flow, Limits, Picture, Request, Work
from imagebuild.stages.build import finish, run_build
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from tests.bench.shape import LOCALES, RATIOS

SPEC = """\
imagebuild: 1
campaign: bench
model: gpt-image-2-2026-04-21
provider: proof
defaults: {quality: low, resolution: 1k}
axes:
  product: data/products.json
  locale: {source: en-US, targets: [%s], strings: "strings/{locale}.yaml"}
  ratio: ["1:1", "16:9", "9:16", "4:3"]
assets:
  ad:
    over: [product, locale, ratio]
    prompt: prompts/ad.j2
    output: "{{ locale }}/{{ ratio }}/{{ product }}.png"
"""
PROMPT = """\
A photograph of {{ product.name }} ({{ product.color }}) on a table, for {{ locale }}.
{% if product.sale %}A small red tag says "{{ t.sale }}".{% endif %}
The headline reads "{{ t.headline }}", below it "{{ t.cta }}".
"""


def write_campaign(folder: Path, assets: int) -> None:
    """A campaign of `assets` pictures (a multiple of 40)."""
    products = [
        {"id": f"p{number:05}", "name": f"Kettle {number}", "color": "blue", "sale": number % 3 == 0}
        for number in range(assets // (len(LOCALES) * len(RATIOS)))
    ]
    for name in ("prompts", "strings", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "campaign.yaml").write_text(SPEC % ", ".join(LOCALES[1:]))
    (folder / "prompts/ad.j2").write_text(PROMPT)
    (folder / "data/products.json").write_text(json.dumps(products))
    for locale in LOCALES:
        (folder / f"strings/{locale}.yaml").write_text(
            f"headline: Warm mornings {locale}\ncta: Order now\nsale: Sale\n"
        )


class Quick:
    """A provider whose pictures are flat, small, and each its own bytes."""

    name = "proof"
    limits = Limits(concurrency=8)

    def __init__(self) -> None:
        self.made = 0
        self._bodies: dict[tuple[int, int], bytes] = {}

    def flow(self, request: Request, task: object = None) -> Flow:
        self.made += 1
        data = yield Work(lambda: self._picture(request))
        return Picture(data=data, media_type="image/png", cost=Decimal(0))

    def _picture(self, request: Request) -> bytes:
        width, height = request.size
        if request.size not in self._bodies:
            rows = zlib.compress((b"\0" + bytes((width + 7) // 8)) * height, 9)
            header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((1, 0, 0, 0, 0))
            self._bodies[request.size] = _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
        body = self._bodies[request.size]
        return b"\x89PNG\r\n\x1a\n" + body[:25] + _chunk(b"tEXt", b"key\0" + request.key.encode()) + body[25:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def build(folder: Path) -> int:
    """Build a campaign with the stand-in; how many pictures were made."""
    planned = plan_campaign(find_project(None, os.environ, str(folder)))
    provider = Quick()
    built = run_build(planned, listener=lambda event: None, stop=Stop(), provider=provider)
    if not built.summary.complete:
        raise SystemExit(f"could not build: {built.summary.problems[:3]}")
    finish(planned, built, describe)
    return provider.made


if __name__ == "__main__":
    target, count = Path(sys.argv[1]), int(sys.argv[2])
    write_campaign(target, count)
    print(build(target), "made")
