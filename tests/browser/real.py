"""Real campaigns, really built, and the real `imagebuild review` over them in a process of its own.

`write_small` is a campaign that has one of everything a person can meet on the page; `write_many` has thousands of
pictures. `reviewing` serves one and says at which addresses; `Approvals` reads back what was written down.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from tests.cli.conftest import run_imagebuild
from tests.stages.reviewing import say

__all__ = [
    "ANA", "BEN", "LEA", "Reviewing", "build", "built_small", "commit", "decisions", "eventually", "git", "locked",
    "reviewing", "shown_of", "write_many", "write_paid",
]  # fmt: skip

ANA, BEN, LEA = "ana@northwind.example", "ben@northwind.example", "lea@northwind.example"
WAIT = 60.0

CAMPAIGN = """\
imagebuild: 1
campaign: kettles
model: gpt-image-2-2026-04-21
budget: {build: 5 USD, campaign: 20 USD}
defaults: {quality: low, resolution: 1k}
approvers: {brand: [ana@northwind.example, ben@northwind.example], legal: [lea@northwind.example]}
approval:
  need: {brand: 1}
  by_others: false
  for:
    - {asset: poster, locale: de-DE, need: {legal: 1}}
axes:
  locale: {source: en-US, targets: [de-DE, ar-EG], strings: "strings/{locale}.yaml"}
  ratio: [{name: wide, size: 640x360}, {name: story, placement: meta/story}]
assets:
  scene:
    over: [ratio]
    prompt: "A kettle on the right of a calm counter before dawn. No words."
  hero:
    over: [locale, ratio]
    from: scene
    checks: {contrast: true, safe_zones: true}
    steps:
      - flip: {when: rtl}
      - typeset: {layout: layouts/hero.yaml, text: {headline: "{{ t.headline }}", cta: "{{ t.cta }}"}}
      - encode: {format: jpeg, quality: 80}
    output: "{{ locale }}/hero-{{ ratio }}.jpg"
    alt: "{{ t.headline }}, beside a kettle"
  poster:
    over: [locale]
    prompt: prompts/poster.j2
    size: 1024x640
    references: [brand.png]
    output: "{{ locale }}/poster.png"
  plain:
    from: scene
    over: [ratio]
    exclude: [{ratio: story}]
    checks: {palette: {colors: ["#00ff00"], share: 0.9}}
    steps:
      - fit: {cover: [200, 120]}
    output: "plain.png"
  choice:
    prompt: "Four ways to pour tea."
    size: 1024x640
    variants: 3
    output: "choice.png"
"""
LAYOUT = """\
layout: 1
shapes:
  landscape:
    groups:
      - {box: [0.06, 0.10, 0.50, 0.80], items: [{role: headline, size: [0.06, 0.12], lines: 3}, cta]}
  portrait:
    groups:
      - {box: [0.08, 0.20, 0.84, 0.40], items: [{role: headline, size: [0.04, 0.07], lines: 3}, cta]}
"""
STRINGS = {
    "en-US": {"headline": "Warm mornings", "cta": "Shop now"},
    "de-DE": {"headline": "Warme Morgen", "cta": "Jetzt kaufen"},
    "ar-EG": {"headline": "صباحات دافئة", "cta": "تسوق الآن"},
}
PAID = """\
imagebuild: 1
campaign: paid
model: gpt-image-2-2026-04-21
provider: openai
budget: {build: 2 USD, campaign: 20 USD}
axes:
  n: [%s]
assets:
  poster:
    over: [n]
    prompt: "A poster. Number {{ n }}."
    size: 1024x640
    quality: medium
    output: "{{ n }}.png"
  card:
    over: [n]
    from: poster
    steps:
      - fit: {cover: [200, 120]}
    output: "{{ n }}-card.png"
  cover:
    prompt: "The cover."
    size: 1024x640
    quality: high
    output: cover.png
"""
MANY = """\
imagebuild: 1
campaign: many
model: gpt-image-2-2026-04-21
defaults: {quality: low, resolution: 1k}
axes:
  locale: {source: en-US, targets: [%s], strings: "strings/{locale}.yaml"}
  product: data/products.json
  ratio:
    - {name: wide, size: 160x90}
    - {name: square, size: 128x128}
    - {name: tall, size: 90x160}
    - {name: four, size: 160x120}
approvers: {brand: [ana@northwind.example, ben@northwind.example, lea@northwind.example]}
approval: {by_others: false}
assets:
  scene:
    over: [ratio]
    prompt: "A kettle on a table, nothing else."
  ad:
    over: [product, locale, ratio]
    from: scene
    steps:
      - python: {file: mark.py, function: mark, with: {hue: "{{ product.hue }}", words: "{{ product }} {{ locale }}"}}
      - encode: {format: jpeg, quality: 80}
    output: "{{ locale }}/{{ ratio }}/{{ product }}.jpg"
"""
LOCALES = ("en-US", "de-DE", "fr-FR", "es-ES", "it-IT", "pt-BR", "ja-JP", "ko-KR", "ar-EG", "pl-PL")
MARK = """\
from PIL import Image, ImageDraw, ImageOps


def mark(image, hue, words):
    colour = Image.new("HSV", (1, 1), (int(hue), 160, 150)).convert("RGB").getpixel((0, 0))
    made = ImageOps.colorize(image.convert("L"), colour, "#ffffff")
    ImageDraw.Draw(made).text((4, 4), words, fill="#101014")
    return made
"""


def _put(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def _strings(folder: Path, tag: str, texts: Mapping[str, str]) -> None:
    lines = (f"{key}: {json.dumps(text, ensure_ascii=False)}\n" for key, text in texts.items())
    _put(folder, f"strings/{tag}.yaml", "".join(lines))


def write_small(folder: Path) -> None:
    (folder / ".imagebuild").mkdir(parents=True)
    _put(folder, "campaign.yaml", CAMPAIGN)
    _put(folder, "layouts/hero.yaml", LAYOUT)
    _put(
        folder,
        "prompts/poster.j2",
        'A tea poster. Headline, exactly as written: "{{ t.headline }}". Below: "{{ t.cta }}".',
    )
    for tag, texts in STRINGS.items():
        _strings(folder, tag, texts)
    Image.new("RGB", (64, 64), "#0b3954").save(folder / "brand.png")


def write_paid(folder: Path, count: int) -> None:
    (folder / ".imagebuild").mkdir(parents=True)
    _put(folder, "campaign.yaml", PAID % ", ".join(f"n{number:02}" for number in range(count)))


def write_many(folder: Path, count: int) -> None:
    """`count` pictures (a multiple of 40), each of its own bytes, of four paid ones."""
    (folder / ".imagebuild").mkdir(parents=True)
    products = [
        {"id": f"kettle-{number:03}", "hue": 37 * number % 256} for number in range(count // (4 * len(LOCALES)))
    ]
    _put(folder, "campaign.yaml", MANY % ", ".join(LOCALES[1:]))
    _put(folder, "data/products.json", json.dumps(products))
    _put(folder, "mark.py", MARK)
    for tag in LOCALES:
        _strings(folder, tag, {"headline": tag})


def git(folder: Path, *words: str) -> str:
    who = {
        name: value
        for role in ("AUTHOR", "COMMITTER")
        for name, value in ((f"GIT_{role}_NAME", "Ana"), (f"GIT_{role}_EMAIL", ANA))
    }
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=WAIT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(folder: Path, tag: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", tag)
    git(folder, "tag", tag)


def build(folder: Path, *words: str, flawed: bool = False, **environment: str) -> None:
    """`flawed`: one picture does not pass its check."""
    done = run_imagebuild(folder, "build", "-q", *words, **environment)
    assert done.returncode == int(flawed), done.stdout + done.stderr
    assert (folder / "imagebuild.lock").exists(), done.stderr


def built_small(folder: Path) -> None:
    """Built, decided on, committed as `v1`; then a headline was changed, and built again."""
    write_small(folder)
    git(folder, "init", "-q", "-b", "main")
    _put(folder, ".gitignore", ".imagebuild/\n")
    build(folder, flawed=True, IMAGEBUILD_USER=BEN)
    say(folder, BEN, "approve", "hero[[]locale=de-DE*")
    say(folder, BEN, "approve", "poster[[]locale=de-DE]")
    say(folder, LEA, "comment", "poster[[]locale=ar-EG]", "من فضلك راجع العنوان & <b>bold</b>")
    commit(folder, "v1")
    _strings(folder, "de-DE", {**STRINGS["de-DE"], "headline": "Goldene Morgen"})
    build(folder, flawed=True, IMAGEBUILD_USER=BEN)


# ----------------------------------------------------------------------------------------------------- what is on disk


def decisions(folder: Path) -> list[dict[str, Any]]:
    """The lines of the approvals file that are whole, without the header."""
    path = folder / "imagebuild.approvals"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []  # each line that was ended
    return [entry for entry in map(json.loads, lines) if "decision" in entry]


def locked(folder: Path) -> dict[str, dict[str, Any]]:
    """The lock's entries by address."""
    lines = (folder / "imagebuild.lock").read_text("utf-8").split("\n")[:-1]
    return {entry["asset"]: entry for entry in map(json.loads, lines) if "asset" in entry}


def shown_of(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return entry["by"], entry["decision"], entry["asset"], entry.get("why", "")


def eventually(found: Callable[[], Any], *, seconds: float = WAIT) -> Any:
    """What `found` gives once it gives something."""
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)
    return answer


# ----------------------------------------------------------------------------------------------------- the real server


@dataclass
class Reviewing:
    """A review that is served. `kill` is a power cut; `start` serves again, at the same port."""

    folder: Path
    words: tuple[str, ...]
    environment: Mapping[str, str]
    port: int = 0
    urls: dict[str | None, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    seconds: float = 0.0  # until it listened

    def start(self) -> None:
        command = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "imagebuild",
            "review",
            "--json",
            f"--port={self.port}",
            *self.words,
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGEBUILD_", "OPENAI_"))}
        began = time.monotonic()
        with open(self._log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env={**kept, **self.environment}, text=True, encoding="utf-8",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log()
        self.seconds = time.monotonic() - began
        self.urls = {each["name"]: each["url"] for each in json.loads(line)["people"]}
        self.port = int(next(iter(self.urls.values())).split(":")[2].split("/")[0])

    @property
    def _log(self) -> Path:
        """Beside the campaign: not in its git."""
        return self.folder.parent / f"{self.folder.name}-review.log"

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def url(self, who: str = ANA) -> str:
        return self.urls[who]

    def ask(self, path: str, who: str = ANA) -> Any:
        with urllib.request.urlopen(self.url(who) + path, timeout=WAIT) as reply:
            return json.load(reply)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self._ended()

    def stop(self) -> int:
        """As Ctrl-C does. Its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code = self.process.wait(WAIT)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code


@contextmanager
def reviewing(folder: Path, *words: str, **environment: str) -> Iterator[Reviewing]:
    """`reviewing(folder, "--as", ANA)`."""
    served = Reviewing(folder, words, environment)
    try:
        served.start()
        yield served
    finally:
        served.kill()
