"""One picture of which nearly all is known: right-to-left copy, a lapsed approval, a finding, a prompt that changed."""

from __future__ import annotations

from tests.browser.asset_parts import asset_of, decision, other
from tests.browser.asset_serving import ME, Json, MadeUp

ARABIC = {
    "headline": "يغلي في ثمانين ثانية. وبهدوء.",
    "body": "تسخّن غلاية Northwind كمية الماء التي تحتاجها فقط، فتوفّر الطاقة ويبقى مطبخك هادئًا.",
    "cta": "تسوّق الغلاية",
    "legal": "يسري العرض حتى ٣١ مايو ٢٠٢٧ في المتاجر المشاركة وحتى نفاد الكمية.",
}


def story(desk: MadeUp, now: bytes, before: bytes, earlier: bytes) -> Json:
    """Right-to-left, with overlays, a lapsed approval, a finding, a prompt that changed: nearly all there is."""
    new, approved, take = desk.add(now), desk.add(before), desk.add(earlier)
    address, paid = "hero[locale=ar-EG,ratio=story]", "scene[ratio=story]:master"
    width, height = new["size"]
    boxes = {
        "headline": [0.08, 0.22, 0.92, 0.38],
        "body": [0.08, 0.4, 0.92, 0.5],
        "cta": [0.08, 0.55, 0.6, 0.63],
        "legal": [0.08, 0.645, 0.92, 0.7],
    }
    pixels = {
        role: [round(left * width), round(top * height), round(right * width), round(bottom * height)]
        for role, (left, top, right, bottom) in boxes.items()
    }
    said = ARABIC["headline"]
    finding = {
        "check": "text",
        "verdict": "unverified",
        "what": "`headline` was read with one word other than it should be",
        "hint": "look at it, or approve it as it is",
        "box": pixels["headline"],
        "role": "headline",
        "expected": said,
        "read": said.replace("ثمانين", "ثمانية"),
        "diff": [["=", "يغلي في "], ["-", "ثمانين"], ["+", "ثمانية"], ["=", " ثانية. وبهدوء."]],
    }
    first = "A matt kettle on the right of a stone kitchen counter before dawn, one warm light, "
    last = ". The left and the top are dark, calm and out of focus: room for a headline. No words, no logos. Colours: "
    words = f"{first}steam rising{last}"
    return asset_of(
        "hero",
        {"locale": "ar-EG", "ratio": "story"},
        new,
        dir="rtl",
        lang="ar-EG",
        locale_name="Arabic (Egypt)",
        alt="غلاية كهربائية غير لامعة على سطح حجري قبل الفجر، والبخار يتصاعد منها.",
        placement={"name": "meta/story", "safe": [0, round(0.13 * height), 0, round(0.18 * height)]},
        others=[
            other(
                "approved by ana@northwind.example · 2026-11-18",
                "approved",
                approved,
                "2026-11-18T09:12:00Z",
                words + "#0b2233, #1d4e63",
            ),
            other("in v1.0", "since", approved, "2026-11-01T08:00:00Z"),
            other("take 3", "take", take, "2026-10-30T17:20:11Z", "A kettle on a counter."),
        ],
        texts=[
            {"role": role, "text": text, "box": pixels[role], "dir": "rtl", "lang": "ar"}
            for role, text in ARABIC.items()
        ],
        checks={
            "verdict": "unverified",
            "rows": [
                {"name": "text", "verdict": "unverified"},
                {"name": "contrast", "verdict": "passed"},
                {"name": "safe_zones", "verdict": "passed"},
            ],
            "findings": [finding],
        },
        prompt=f"{first}a little steam{last}#0b2233, #1d4e63, #f2b27a",
        prompt_diff={
            "since": "approved by ana@northwind.example · 2026-11-18",
            "parts": [
                ["=", first],
                ["-", "steam rising"],
                ["+", "a little steam"],
                ["=", f"{last}#0b2233, #1d4e63"],
                ["+", ", #f2b27a"],
            ],
        },
        parts=[
            {
                "address": paid,
                "kind": "generate",
                "verdict": "reuse",
                "why": "nothing it is made from has changed",
                "key": "9c01" * 16,
                "digest": "77aa" * 16,
                "price": "0.05",
                "manifest": [
                    ["model", "gpt-image-2-2026-04-21"],
                    ["size", "1024x1536"],
                    ["quality", "medium"],
                    ["take", "4"],
                ],
                "inputs": [
                    {
                        "slot": "references[0]",
                        "address": None,
                        "path": "brand/kettle.png",
                        "digest": take["digest"],
                        "thumb": take["thumb"].replace("640", "160"),
                    }
                ],
                "made": {
                    "at": "2026-11-17T16:02:41Z",
                    "seconds": 31.2,
                    "provider": "openai",
                    "model": "gpt-image-2-2026-04-21",
                    "request_id": "req_8f1c2a",
                    "billed": "0.05",
                    "estimate": "0.05",
                    "made_by": "ben@northwind.example",
                },
                "written": [{"name": "palette", "value": "#0b2233, #1d4e63, #f2b27a", "at": "campaign.yaml:28:12"}],
            },
            {
                "address": address,
                "kind": "typeset",
                "verdict": "reuse",
                "why": "",
                "key": "41ff" * 16,
                "digest": new["digest"],
                "price": "0",
                "manifest": [["layout", "layouts/hero.yaml"], ["format", "jpeg"]],
                "inputs": [],
                "made": {
                    "at": "2026-11-20T10:44:00Z",
                    "seconds": 0.4,
                    "provider": "local",
                    "model": "",
                    "request_id": "",
                    "billed": "0",
                    "estimate": "0",
                    "made_by": "ben@northwind.example",
                },
                "written": [{"name": "t.headline", "value": ARABIC["headline"], "at": "strings/ar-EG.yaml:1:11"}],
            },
        ],
        paid=[
            {
                "address": paid,
                "key": "9c01" * 16,
                "digest": "77aa" * 16,
                "billed": "0.05",
                "uses": 14,
                "take": 4,
                "retake": None,
                "price": "0.05",
            }
        ],
        standing={
            "state": "partly",
            "missing": ["1 of legal"],
            "policy": "1 of brand, 1 of legal; not by who had it made",
            "may": {"approve": "", "reject": ""},
        },
        decisions=[
            decision("approve", address, new["digest"], "2026-11-20T15:01:09Z", "ben@northwind.example"),
            decision(
                "comment",
                address,
                new["digest"],
                "2026-11-20T14:12:30Z",
                "lea@northwind.example",
                why="Is the date in the small print right?\nIt was 30 May in the contract.",
            ),
            decision(
                "reject",
                address,
                approved["digest"],
                "2026-11-19T11:40:00Z",
                "lea@northwind.example",
                why="too loud",
                undone=True,
                current=False,
            ),
            decision("approve", address, approved["digest"], "2026-11-18T09:12:00Z", ME, current=False),
            decision(
                "retake",
                paid,
                "66bb" * 16,
                "2026-10-31T08:30:00Z",
                "ben@northwind.example",
                why="two moons",
                current=False,
            ),
        ],
    )
