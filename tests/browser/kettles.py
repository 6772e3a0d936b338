"""A desk of the review in memory: a board of as many pictures as a test wants, drawn when they are asked for.

It keeps decisions as the real one does (the same `ref` is one decision, an old digest is refused, everybody hears of
it), under a simple rule: one approval is enough, and `legal` markets need Lea.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import threading
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

from imagebuild.review.desk import Person, Served

ANA, LEA, LOOK = "ana@northwind.example", "lea@northwind.example", "nobody@northwind.example"
PEOPLE = (Person(ANA, "A" * 43), Person(LEA, "L" * 43), Person(LOOK, "N" * 43))
LOCALES = {
    "en-US": "English (United States)",
    "de-DE": "German (Germany)",
    "fr-FR": "French (France)",
    "ja-JP": "Japanese (Japan)",
    "ar-EG": "Arabic (Egypt)",
    "hi-IN": "Hindi (India)",
    "bn-BD": "Bangla (Bangladesh)",
    "zh-Hans-CN": "Chinese (Simplified, China)",
    "ko-KR": "Korean (South Korea)",
    "es-ES": "Spanish (Spain)",
    "pt-BR": "Portuguese (Brazil)",
    "it-IT": "Italian (Italy)",
    "pl-PL": "Polish (Poland)",
    "tr-TR": "Turkish (Türkiye)",
}
RATIOS = {"1:1": (900, 900), "16:9": (1600, 900), "9:16": (900, 1600), "4:5": (1080, 1350), "og": (1200, 630)}
LEGAL = ("de-DE", "fr-FR")
Json = dict[str, Any]


def spread(text: str, count: int) -> int:
    """A number below `count` that is always the same for this text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % count


@cache
def drawn(hue: int, words: str, width: int, height: int) -> bytes:
    """A still life: a kettle on a coloured ground, with a headline."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for line in range(0, height, 4):
        shade = 232 - 90 * line // height
        draw.rectangle(
            (0, line, width, line + 4), fill=Image.new("HSV", (1, 1), (hue, 70, shade)).convert("RGB").getpixel((0, 0))
        )
    unit, across, down = min(width, height), width // 2, int(height * 0.58)
    body = Image.new("HSV", (1, 1), ((hue + 110) % 256, 150, 150)).convert("RGB").getpixel((0, 0))
    draw.ellipse((across - unit * 0.26, down - unit * 0.2, across + unit * 0.26, down + unit * 0.3), fill=body)
    draw.polygon(
        [
            (across + unit * 0.2, down),
            (across + unit * 0.4, down - unit * 0.14),
            (across + unit * 0.22, down + unit * 0.12),
        ],
        fill=body,
    )
    draw.ellipse(
        (across - unit * 0.06, down - unit * 0.27, across + unit * 0.06, down - unit * 0.17), fill=(40, 40, 44)
    )
    draw.text((width * 0.06, height * 0.06), words, fill=(30, 30, 34), font_size=max(10, unit // 9))
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=70, method=0)
    return data.getvalue()


def own_of(desk: Any, who: str) -> bytes:
    """What somebody has decided about each picture, as the desk tells it of one."""
    found: dict[str, list[Json]] = {}
    for address in list(desk.cells):
        told = json.loads(desk.asset(who, address) or b"{}").get("decisions", ())
        found[address] = [each for each in told if each["yours"] and each["current"]]
    return json.dumps({address: several for address, several in found.items() if several}).encode()


class FakeDesk:
    """A campaign of kettles in memory."""

    def __init__(self, count: int, *, built: float = 0.94, products: int = 0) -> None:
        self.turn = threading.RLock()
        self.decisions: list[Json] = []
        self.refs: dict[str, Json] = {}
        self.calls: list[list[str]] = []  # the refs of each request that was sent
        self.fresh: list[Json] = []
        self.deaf = False  # take decisions, and lose the reply
        self.may_answer = threading.Event()  # cleared: a decision waits for its answer
        self.may_answer.set()
        self.may_reply = threading.Event()  # cleared: it is taken and told to all, and its reply waits
        self.may_reply.set()
        self.faults: list[Json] = []
        self.build: Json | None = None
        self.since: Json | None = {"name": "v1.0", "at": "2026-11-01T09:00:00Z", "what": "the lock of v1.0"}
        self.pictures: dict[str, tuple[int, str, tuple[int, int]]] = {}
        self.cells = self._made(count, built, products)

    def _made(self, count: int, built: float, products: int) -> dict[str, Json]:
        locales = list(LOCALES)[: 1 if count <= 2 else 4 if count <= 12 else 14 if count > 200 else 7]
        ratios = list(RATIOS)[: 1 if count <= 12 else 4]
        self.locales, self.ratios = locales, ratios
        need = products or -(-count // (len(locales) * len(ratios)))
        names = ["kettle", "teapot", "mug", "press", "grinder"] + [
            f"item-{number:03d}" for number in range(6, need + 1)
        ]
        self.products = names[:need]
        made: dict[str, Json] = {}
        for product, ratio, locale in itertools.islice(itertools.product(self.products, ratios, locales), count):
            cell = self._cell(product, ratio, locale, built)
            made[cell["address"]] = cell
        return made

    def _cell(self, product: str, ratio: str, locale: str, built: float) -> Json:
        address = f"hero[product={product},locale={locale},ratio={ratio}]"
        lot = spread(address, 1000)
        here = lot < built * 1000
        state = (
            "open"
            if not here
            else ("approved", "approved", "approved", "open", "rejected", "lapsed", "partly")[lot % 7]
        )
        digest = self.picture(product, address, locale, RATIOS[ratio]) if here else None
        return {
            "address": address,
            "asset": "hero",
            "cell": {"product": product, "locale": locale, "ratio": ratio},
            "verdict": "reuse" if here else "make",
            "why": "" if here else "never made",
            "digest": digest,
            "thumb": f"thumb/{digest}/320.webp" if here else None,
            "size": list(RATIOS[ratio]),
            "bytes": 81234,
            "cost": "0.0125" if here else None,
            "price": "0" if here else "0.05",
            "gate": "pending"
            if not here
            else "failed"
            if lot % 29 == 0
            else "unverified"
            if lot % 13 == 0
            else "passed",
            "state": state,
            "missing": ["1 of legal"] if state == "partly" else [],
            "placement": "meta/story" if ratio == "9:16" else None,
            "output": f"out/{locale}/{product}-{ratio.replace(':', 'x')}.webp",
            "changed": here and lot % 9 == 0,
            "comments": 2 if lot % 11 == 0 else 0,
            "retake": False,
            "variants": 0,
            "dir": "rtl" if locale == "ar-EG" else "ltr",
        }

    def picture(self, product: str, mark: str, words: str, size: tuple[int, int]) -> str:
        digest = hashlib.sha256(mark.encode()).hexdigest()
        self.pictures[digest] = (spread(product, 256), words, size)
        return digest

    # ---- what the server asks ---------------------------------------------------------------------------------------

    def board(self, who: str) -> bytes:
        with self.turn:
            axes = {"product": self.products, "locale": self.locales, "ratio": self.ratios}
            values = {
                name: [
                    {"id": one, "label": LOCALES.get(one, one), "dir": "rtl" if one == "ar-EG" else "ltr"}
                    for one in ids
                ]
                for name, ids in axes.items()
            }
            looks = who == LOOK
            board = {
                "campaign": "spring-kettle",
                "model": "gpt-image-2-2026-04-21",
                "provider": "proof",
                "you": {
                    "name": who,
                    "decides": not looks and not self.faults,
                    "why_not": "no `approvers` names you: you may look"
                    if looks
                    else "the history of decisions was edited"
                    if self.faults
                    else "",
                },
                "generated": "2026-11-21T22:54:29Z",
                "axes": [{"name": name, "values": each} for name, each in values.items()],
                "assets": [{"name": "hero", "over": list(axes), "paid": False, "policy": "1 of brand"}],
                "cells": list(self.cells.values()),
                "money": {"spent": "1.23", "campaign_limit": "120", "build_limit": "10", "next_build": "0.42"},
                "since": self.since,
                "approvals": {"count": len(self.decisions), "faults": self.faults},
                "build": self.build,
                "export": False,
            }
            return json.dumps(board).encode()

    def asset(self, who: str, address: str) -> bytes | None:
        with self.turn:
            cell = self.cells.get(address)
            if cell is None:
                return None
            digest = cell["digest"]
            undone = {one["undoes"] for one in self.decisions if one.get("undoes")}
            decisions = [
                {
                    **one,
                    "undone": one["ref"] in undone,
                    "current": one["digest"] == digest,
                    "yours": one["by"] == who,
                    "entered": None,
                }
                for one in reversed(self.decisions)
                if one["asset"] == address
            ]
            picture = {
                "digest": digest,
                "url": f"picture/{digest}",
                "thumb": f"thumb/{digest}/640.webp",
                "size": cell["size"],
                "bytes": cell["bytes"],
                "type": "image/webp",
            }
            master = f"scene[product={cell['cell']['product']},ratio={cell['cell']['ratio']}]:master"
            paid = {
                "address": master,
                "key": self.key(master),
                "digest": self.key(master + "!"),
                "billed": "0.05",
                "uses": 4,
                "take": 1,
                "retake": None,
                "price": "0.05",
            }
            found = {
                "address": address,
                "asset": "hero",
                "cell": cell["cell"],
                "output": cell["output"],
                "output_is": "in place",
                "dir": cell["dir"],
                "lang": cell["cell"]["locale"],
                "locale_name": LOCALES[cell["cell"]["locale"]],
                "alt": "A kettle",
                "verdict": cell["verdict"],
                "why": cell["why"],
                "placement": None,
                "now": picture if digest else None,
                "others": [],
                "texts": [],
                "checks": None,
                "prompt": "A kettle",
                "prompt_diff": None,
                "parts": [],
                "paid": [paid],
                "variants": [],
                "pick_said": None,
                "standing": {
                    "state": cell["state"],
                    "missing": cell["missing"],
                    "policy": "1 of brand",
                    "may": {"approve": "", "reject": ""},
                },
                "decisions": decisions,
            }
            return json.dumps(found).encode()

    @staticmethod
    def key(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def own(self, who: str) -> bytes:
        return own_of(self, who)

    def decide(self, who: str, asked: list[dict[str, object]]) -> dict[str, object]:
        self.calls.append([str(one.get("ref")) for one in asked])
        self.may_answer.wait(20)
        with self.turn:
            accepted: list[str] = []
            refused: list[Json] = []
            taken: list[Json] = []
            for one in asked:
                why_not = self._why_not(who, one)
                if one["ref"] in self.refs or not why_not:
                    accepted.append(str(one["ref"]))
                    if one["ref"] not in self.refs:
                        taken.append(self._take(who, one))
                else:
                    refused.append({"ref": one["ref"], "what": why_not, "hint": "ask Lea"})
            if taken:
                touched = {one["asset"] for one in taken} | {
                    cell for one in taken for cell in self._uses(str(one["asset"]))
                }
                self.fresh.append(
                    {
                        "kind": "decisions",
                        "decisions": taken,
                        "cells": [self.cells[one] for one in touched if one in self.cells],
                    }
                )
            if self.deaf:
                raise RuntimeError("the reply is lost")
        self.may_reply.wait(20)
        return {"accepted": accepted, "refused": refused}

    def _why_not(self, who: str, one: Json) -> str:
        cell = self.cells.get(str(one["asset"]))
        if one["decision"] == "retake":
            return ""
        if cell is None:
            return "there is no such picture"
        if one["decision"] in ("approve", "reject") and one["digest"] != cell["digest"]:
            return "the picture has changed since"
        if one["decision"] == "approve" and cell["cell"]["locale"] in LEGAL and who != LEA:
            return f"`{cell['cell']['locale']}` is for legal to approve"
        if one["decision"] in ("reject", "comment") and not one.get("why"):
            return "a reason is wanted"
        if one["decision"] == "withdraw" and one.get("undoes") not in self.refs:
            return "there is no such decision"
        return ""

    def _uses(self, address: str) -> list[str]:
        found = re.fullmatch(r"scene\[product=(.*),ratio=(.*)\]:master", address)
        return [
            key
            for key, cell in self.cells.items()
            if found and (cell["cell"]["product"], cell["cell"]["ratio"]) == found.groups()
        ]

    def _take(self, who: str, one: Json) -> Json:
        entry = {
            **one,
            "by": who,
            "at": "2026-11-21T22:54:29Z",
            "id": self.key(str(one["ref"])),
            "policy": "1 of brand",
        }
        self.refs[str(one["ref"])] = entry
        self.decisions.append(entry)
        for address in self._uses(str(one["asset"])) if one["decision"] == "retake" else []:
            self.cells[address] = {**self.cells[address], "retake": True, "price": "0.05"}
        if str(one["asset"]) in self.cells:
            self._stand(str(one["asset"]))
        return entry

    def _stand(self, address: str) -> None:
        """The last approval or rejection that nobody took back is what the picture stands at."""
        undone = {one["undoes"] for one in self.decisions if one.get("undoes")}
        about = [one for one in self.decisions if one["asset"] == address and one["ref"] not in undone]
        said = [one["decision"] for one in about if one["decision"] in ("approve", "reject")]
        state = {"approve": "approved", "reject": "rejected"}[said[-1]] if said else "open"
        comments = sum(1 for one in about if one["decision"] == "comment")
        self.cells[address] = {**self.cells[address], "state": state, "missing": [], "comments": comments}

    def thumb(self, digest: str, width: int) -> Served | None:
        found = self.pictures.get(digest)
        if found is None:
            return None
        hue, words, (wide, high) = found
        scale = min(1.0, width / max(wide, high))
        return Served(drawn(hue, words, int(wide * scale), int(high * scale)), "image/webp")

    def picture_of(self, digest: str) -> Served | None:
        return self.thumb(digest, 1600)

    def compare(self, before: str, after: str) -> bytes | None:
        return None

    def difference(self, before: str, after: str) -> Served | None:
        return None

    def news(self) -> list[dict[str, object]]:
        with self.turn:
            fresh, self.fresh = self.fresh, []
            return fresh

    # ---- what happens in a test -------------------------------------------------------------------------------------

    def tell(self, **event: object) -> None:
        with self.turn:
            self.fresh.append(event)

    def remake(self, address: str) -> str:
        """A build has made this picture anew."""
        with self.turn:
            cell = self.cells[address]
            digest = self.picture(
                cell["cell"]["product"] + "!", address + str(len(self.pictures)), "new", tuple(cell["size"])
            )
            self.cells[address] = {
                **cell,
                "digest": digest,
                "thumb": f"thumb/{digest}/320.webp",
                "verdict": "reuse",
                "state": "open",
                "gate": "passed",
                "price": "0",
                "cost": "0.0125",
            }
            self.fresh.append({"kind": "cells", "cells": [self.cells[address]]})
            return digest
