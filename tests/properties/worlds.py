"""A campaign as plain values, and its writing as files in any of several styles that mean the same.

Nothing of the program is used here: the oracle reads a `World`, the program reads what `write_world` wrote.
"""

from __future__ import annotations

import csv
import io
import json
import random
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["CHAINS", "Asset", "Override", "World", "first_world", "picture", "write_world"]

MODEL = "gpt-image-2-2026-04-21"
# Which files a locale's texts may come from, nearest first; written by hand from CLDR's parent table.
CHAINS = {
    "en-US": ["en-US", "en"],
    "de-DE": ["de-DE", "de"],
    "de-AT": ["de-AT", "de"],
    "es-MX": ["es-MX", "es-419", "es"],
    "es-ES": ["es-ES", "es"],
    "ja-JP": ["ja-JP", "ja"],
}
SOURCE = "en-US"


@dataclass(slots=True)
class Asset:
    """One asset. `references`: ("file", path) or ("asset", name, pins). `fit`: the size it is scaled to, locally."""

    over: list[str]
    prompt: str | None = None
    prompt_file: str | None = None
    source: str | None = None
    pins: dict[str, str] = field(default_factory=dict)
    references: list[tuple[Any, ...]] = field(default_factory=list)
    fit: tuple[int, int] | None = None
    output: str | None = None
    quality: str | None = None
    size: str | None = None
    take: int | None = None
    exclude: list[dict[str, str]] = field(default_factory=list)
    added: list[dict[str, str]] = field(default_factory=list)  # cells added by `include`

    @property
    def paid(self) -> bool:
        return self.prompt is not None or self.prompt_file is not None


@dataclass(slots=True)
class Override:
    """An entry of the campaign's `include` that changes cells which are there."""

    cell: dict[str, str]
    quality: str | None = None
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    assets: dict[str, Asset]
    targets: list[str]
    ratios: list[str]  # `og` is 1200x630, every other is a shape
    products: list[dict[str, Any]]
    strings: dict[str, dict[str, str]]  # file's tag → key → text
    variables: dict[str, str]
    templates: dict[str, str]
    pictures: dict[str, bytes]
    quality: str = "low"
    exclude: list[dict[str, str]] = field(default_factory=list)
    include: list[Override] = field(default_factory=list)
    style: int = 0
    products_file: str = "data/products.json"


def picture(seed: int) -> bytes:
    """A reference picture: one pixel of a colour of its own."""
    rows = zlib.compress(b"\0" + bytes((seed >> 16 & 255, seed >> 8 & 255, seed & 255)))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


SCENE = """\
A photograph of {{ product.name }} ({{ product.color }}).
{% if product.sale %}
A small red tag says "sale".
{% endif %}
{% include "prompts/style.j2" %}
"""
POSTER = """\
A poster. The headline reads "{{ t.headline }}", below it "{{ t.cta }}".
{% if locale.language == "es" %}
Warm colours.
{% endif %}
Brand: {{ brand }}.
"""


def first_world() -> World:
    """About forty actions of every kind: paid and local, merged, chained, with and without an output."""
    assets = {
        "scene": Asset(["product", "ratio"], prompt_file="prompts/scene.j2", references=[("file", "brand/kettle.png")]),
        "hero": Asset(
            ["product", "locale", "ratio"],
            source="scene",
            fit=(64, 40),
            output="hero/{{ locale }}/{{ product.id }}-{{ ratio }}.png",
        ),
        "thumb": Asset(
            ["product", "locale"],
            source="hero",
            pins={"ratio": "1:1"},
            fit=(16, 16),
            output="thumb/{{ locale }}-{{ product }}.png",
        ),
        "poster": Asset(["locale"], prompt_file="prompts/poster.j2", size="1024x640", output="poster/{{ locale }}.png"),
        "twin": Asset(["locale"], prompt_file="prompts/poster.j2", size="1024x640", output="twin/{{ locale.tag }}.png"),
        "badge": Asset(["locale"], source="poster", fit=(32, 20), output="badge/{{ locale }}.webp"),
        "copy": Asset(["locale"], source="twin", output="copy/{{ locale }}.png"),
        "banner": Asset(
            ["ratio"], prompt="A banner for {{ vars.brand }}, {{ ratio }}.", output="banner/{{ ratio }}.png"
        ),
        "winter": Asset(
            ["product"],
            source="scene",
            pins={"ratio": "1:1"},
            prompt="The same {{ product.color }} scene in snow. {{ mood }}",
            references=[("file", "brand/logo.png"), ("asset", "poster", {"locale": "en-US"})],
            output="winter/{{ product.id }}.webp",
        ),
    }
    return World(
        assets=assets,
        targets=["de-DE", "es-MX"],
        ratios=["1:1", "og"],
        products=[
            {"id": "kettle", "name": "a kettle", "color": "blue", "sale": False, "stock": 3},
            {"id": "mug", "name": "a mug", "color": "red", "sale": True, "stock": 5},
        ],
        strings={
            "en-US": {"headline": "Warm mornings", "cta": "Order now", "unused": "one"},
            "de-DE": {"headline": "Warme Morgen", "cta": "Jetzt kaufen"},
            "es": {"headline": "Mañanas cálidas", "cta": "Compra ya"},
            "es-419": {"headline": "Mañanas tibias"},
        },
        variables={"brand": "Northwind", "mood": "calm", "idle": "x"},
        templates={
            "prompts/scene.j2": SCENE,
            "prompts/poster.j2": POSTER,
            "prompts/style.j2": "Soft light, {{ mood }}.",
        },
        pictures={"brand/kettle.png": picture(1), "brand/logo.png": picture(2)},
    )


# ------------------------------------------------------------------------------------------------------- writing


def write_world(world: World, folder: Path) -> None:
    """Make the folder's sources those of the world. Files that say the same already are not touched."""
    files: dict[str, bytes] = {"campaign.yaml": _spec(world).encode()}
    files |= {path: text.encode() for path, text in world.templates.items()}
    files |= world.pictures
    files |= {f"strings/{tag}.yaml": _mapping(texts, world.style).encode() for tag, texts in world.strings.items()}
    files[world.products_file] = _products(world).encode()
    for top in ("prompts", "brand", "strings", "data"):
        for path in sorted((folder / top).rglob("*")):
            if path.is_file() and str(path.relative_to(folder)) not in files:
                path.unlink()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def _mapping(values: dict[str, str], style: int) -> str:
    if style % 3 == 1:
        return "# texts\n" + json.dumps(values, ensure_ascii=False) + "\n"
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=style % 2 == 1)


def _products(world: World) -> str:
    if world.products_file.endswith(".csv"):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = ["id", "name", "color", "sale", "stock"]
        writer.writerow(names)
        writer.writerows([["" if row[name] is False else row[name] for name in names] for row in world.products])
        return out.getvalue()
    if world.products_file.endswith(".yaml"):
        return yaml.safe_dump(
            {row["id"]: {name: value for name, value in row.items() if name != "id"} for row in world.products}
        )
    return json.dumps(world.products, indent=world.style % 3)


def _spec(world: World) -> str:
    """The campaign file; `style` chooses the order of its keys, block or flow, comments, long or short forms."""
    choice = random.Random(world.style)
    ratios = [{"name": "og", "size": "1200x630"} if ratio == "og" else ratio for ratio in world.ratios]
    locale: dict[str, object] = {
        "source": SOURCE,
        "targets": world.targets,
        "strings": "strings/{locale}.yaml",
        "missing": {"cta": "fallback"},
    }
    spec: dict[str, object] = {
        "imagebuild": 1,
        "campaign": "property",
        "model": MODEL,
        "provider": "openai",
        "defaults": {"quality": world.quality, "resolution": "1k"},
        "axes": _shuffled(
            {"locale": _shuffled(locale, choice), "ratio": ratios, "product": world.products_file}, choice
        ),
        "vars": _shuffled(dict(world.variables), choice),
        "assets": _shuffled(
            {name: _shuffled(_asset(each, choice), choice) for name, each in world.assets.items()}, choice
        ),
    }
    if world.exclude:
        spec["exclude"] = world.exclude
    if world.include:
        spec["include"] = [
            {**each.cell, **({"quality": each.quality} if each.quality else {}), **each.variables}
            for each in world.include
        ]
    spec = _shuffled(spec, choice) if world.style else spec
    form = choice.randrange(4) if world.style else 0
    if form == 1:
        return "# written as JSON\n" + json.dumps(spec, indent=1, ensure_ascii=False) + "\n"
    text = yaml.safe_dump(
        spec,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None if form == 2 else False,
        width=60 if form == 3 else 200,
    )
    return (
        text
        if form == 0
        else "".join(f"{line}  # note\n" if line.endswith(":") else f"{line}\n" for line in text.splitlines())
    )


def _asset(asset: Asset, choice: random.Random) -> dict[str, object]:
    found: dict[str, object] = {}
    if asset.over:
        found["over"] = asset.over
    if asset.prompt_file is not None:
        found["prompt"] = choice.choice([asset.prompt_file, {"file": asset.prompt_file}])
    elif asset.prompt is not None:
        found["prompt"] = choice.choice([asset.prompt, {"text": asset.prompt}])
    if asset.source is not None:
        found["from"] = _link(asset.source, asset.pins)
    if asset.references:
        found["references"] = [
            choice.choice([each[1], {"file": each[1]}]) if each[0] == "file" else _link(each[1], each[2])
            for each in asset.references
        ]
    if "ratio" in asset.over and (asset.prompt or asset.prompt_file):
        found["masters"] = (
            "each"  # what one entry is made from does not depend on the others, so the oracle need not know
        )
    if asset.fit is not None:
        size = choice.choice([list(asset.fit), f"{asset.fit[0]}x{asset.fit[1]}"])
        steps: list[object] = [{"fit": choice.choice([{"cover": size}, {"cover": size, "anchor": "center"}])}]
        ending = str(asset.output).rsplit(".", 1)[-1]
        if choice.random() < 0.3:
            steps.append({"encode": {"format": ending}})
        found["steps"] = steps
    for name in ("output", "quality", "size", "take"):
        if getattr(asset, name) is not None:
            found[name] = getattr(asset, name)
    if asset.exclude:
        found["exclude"] = asset.exclude
    if asset.added:
        found["include"] = asset.added
    return found


def _link(name: str, pins: dict[str, str]) -> str:
    return f"{name}[{','.join(f'{axis}={value}' for axis, value in pins.items())}]" if pins else name


def _shuffled(values: dict[str, Any], choice: random.Random) -> dict[str, Any]:
    names = list(values)
    choice.shuffle(names)
    return {name: values[name] for name in names}
