"""Packages that bring a provider, installed for a test: a module, and the metadata an installer would have written."""

from __future__ import annotations

from pathlib import Path

__all__ = ["LOCAL", "OVER_THE_WIRE", "install"]

# A provider that works on this machine: its flow asks for a computation, and for nothing else.
LOCAL = """
import io
from decimal import Decimal

from PIL import Image

from imagebuild.providers.base import Limits, Picture, Work


def paint(request):
    buffer = io.BytesIO()
    Image.new("RGB", request.size, "#336699").save(buffer, request.format)
    return buffer.getvalue()


class Thing:
    name = "thing"
    limits = Limits(concurrency=3)

    def flow(self, request, task=None):
        data = yield Work(lambda: paint(request))
        return Picture(data=data, media_type=f"image/{request.format}", cost=Decimal(0), answered={"model": "thing-1"})


class Plugin:
    row = {"title": "Thing", "mask": True, "models": {"gpt-image-2-2026-04-21": {"id": "t", "price": {"flat": "0"}}}}

    def open(self, account, offer):
        return Thing()
"""

# A provider behind an address: one paid POST whose reply is the picture, and a free GET that says how it is.
OVER_THE_WIRE = """
from decimal import Decimal

from imagebuild.providers.base import Ask, Picture, ask
from imagebuild.providers.failures import Health, failure_of, unwell


class Acme:
    name = "acme"

    def __init__(self, account, offer):
        self.limits = account.limits
        self.base_url = account.base_url
        self.model = offer.id

    def flow(self, request, task=None):
        order = {"model": self.model, "prompt": request.prompt, "size": request.size, "format": request.format}
        reply = yield from ask(Ask(method="POST", url=f"{self.base_url}/paint", json=order, paid=True))
        if reply.status != 200:
            raise failure_of(reply, provider=self.name)
        return Picture(data=reply.body, media_type=f"image/{request.format}", cost=Decimal("0.02"), request_id="a-1")

    def check(self):
        reply = yield from ask(Ask(method="GET", url=f"{self.base_url}/health", patience=0.0))
        return Health(True, "all is well") if reply.status == 200 else unwell(failure_of(reply, provider=self.name))


class Plugin:
    row = {
        "title": "Acme Pictures",
        "key": KEY,
        "base_url": "BASE",
        "limits": {"concurrency": 2},
        "models": {"gpt-image-2-2026-04-21": {"id": "acme/gpt-image-2", "price": {"flat": "0.03"}}},
    }
    open = staticmethod(Acme)
"""


def install(site: Path, name: str, code: str, *, package: str = "", value: str = "") -> None:
    """As `pip install` of a package that brings a provider of this name would leave it in a folder of packages."""
    package = package or f"imagebuild-{name}"
    module = package.replace("-", "_")
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(code, encoding="utf-8")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    points = f"[imagebuild.providers]\n{name} = {value or f'{module}:Plugin'}\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
