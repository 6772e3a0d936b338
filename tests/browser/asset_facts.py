"""The pictures that the view of one picture is tried with: whole, missing, kept back, and meant to break out."""

from __future__ import annotations

from tests.browser.asset_parts import asset_of, cell_of, decision, drawn, other
from tests.browser.asset_serving import ME, Json, MadeUp
from tests.browser.asset_story import story

ATTACK = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def kept_back(desk: MadeUp) -> Json:
    """Its checks failed: nothing is there but what was kept back."""
    bad = desk.add(drawn((800, 1000), 40, 30))
    finding = {
        "check": "text",
        "verdict": "failed",
        "what": "`headline` reads “Goldb” where “Gold” was asked for",
        "hint": "ask for another take",
        "box": [300, 80, 620, 190],
        "role": "headline",
        "expected": "Gold",
        "read": "Golb",
        "diff": [["=", "Gol"], ["-", "d"], ["+", "b"]],
    }
    standing = {
        "state": "open",
        "missing": ["1 of brand"],
        "policy": "1 of brand",
        "may": {"approve": "its checks failed: it was kept back", "reject": ""},
    }
    return asset_of(
        "poster",
        {"locale": "de-DE"},
        None,
        verdict="rejected",
        why="the check `text` failed",
        prompt="A poster that says “Gold”.",
        others=[other("kept back", "rejected", bad, "2026-11-20T10:00:00Z")],
        standing=standing,
        checks={"verdict": "failed", "rows": [{"name": "text", "verdict": "failed"}], "findings": [finding]},
        texts=[{"role": "headline", "text": "Gold", "box": None, "dir": "ltr", "lang": "de"}],
    )


def chosen(desk: MadeUp, said: str | None = None, name: str = "badge") -> Json:
    """Transparent, small, one of four variants."""
    pictures = [desk.add(drawn((320, 320), 60 + 40 * number, number, clear=True)) for number in (1, 2, 3, 4)]
    address = f"{name}[product=kettle]"
    variants = [
        {
            "number": number,
            "address": f"{address}:variant-{number}",
            "key": f"{number:x}" * 64,
            "digest": picture["digest"],
            "picture": picture,
            "picked": number == 2,
        }
        for number, picture in enumerate(pictures, 1)
    ]
    others = [
        other(f"variant {each['number']}", "variant", each["picture"], "2026-11-20T10:00:00Z") for each in variants
    ]
    return asset_of(name, {"product": "kettle"}, pictures[1], variants=variants, others=others, pick_said=said)


def resized(desk: MadeUp) -> Json:
    """The one before had another size; and one is the very same picture."""
    now = desk.add(drawn((728, 90), 20))
    return asset_of(
        "banner",
        {"locale": "en-US"},
        now,
        others=[
            other("approved by ana · 2026-11-02", "approved", desk.add(drawn((640, 480), 20)), "2026-11-02T08:00:00Z"),
            other("in v1.0", "since", now, "2026-11-01T08:00:00Z"),
        ],
    )


def attacked(desk: MadeUp) -> Json:
    """Markup wherever somebody could put some."""
    now = desk.add(drawn((400, 300), 200))
    finding = {
        "check": ATTACK,
        "verdict": "failed",
        "what": ATTACK,
        "hint": ATTACK,
        "box": [10, 10, 60, 60],
        "role": ATTACK,
        "expected": ATTACK,
        "read": "x",
        "diff": [["-", ATTACK], ["+", "x"]],
    }
    asset = asset_of(
        "hero",
        {"locale": "en-GB"},
        now,
        alt=ATTACK,
        why=ATTACK,
        prompt=ATTACK,
        prompt_diff={"since": ATTACK, "parts": [["=", ATTACK], ["+", ATTACK]]},
        others=[other(ATTACK, "take", desk.add(drawn((400, 300), 100)), "2026-11-02T08:00:00Z", ATTACK)],
        texts=[{"role": ATTACK, "text": ATTACK, "box": [100, 100, 200, 200], "dir": "ltr", "lang": "en"}],
        checks={"verdict": "failed", "rows": [{"name": ATTACK, "verdict": "failed"}], "findings": [finding]},
        standing={"state": "open", "missing": [ATTACK], "policy": ATTACK, "may": {"approve": ATTACK, "reject": ""}},
        paid=[
            {
                "address": ATTACK,
                "key": "a" * 64,
                "digest": "b" * 64,
                "billed": "0.05",
                "uses": 2,
                "take": 1,
                "retake": {"ref": "c" * 32, "by": ATTACK, "at": "2026-11-02T08:00:00Z", "why": ATTACK},
                "price": "0.05",
            }
        ],
        parts=[
            {
                "address": ATTACK,
                "kind": ATTACK,
                "verdict": "make",
                "why": ATTACK,
                "key": "a" * 64,
                "digest": "b" * 64,
                "price": "0",
                "manifest": [[ATTACK, ATTACK]],
                "inputs": [{"slot": ATTACK, "address": None, "path": ATTACK, "digest": "d" * 64, "thumb": None}],
                "made": None,
                "written": [{"name": ATTACK, "value": ATTACK, "at": ATTACK}],
            }
        ],
    )
    asset["decisions"] = [
        decision("comment", asset["address"], now["digest"], "2026-11-02T08:00:00Z", ATTACK, why=ATTACK)
    ]
    asset["output"] = ATTACK
    return asset


def made_up(now: bytes | None = None, before: bytes | None = None, earlier: bytes | None = None) -> MadeUp:
    """The campaign; `now`, `before` and `earlier`: other pictures for its first asset, to be looked at."""
    desk = MadeUp()
    size = (540, 960)
    first = story(desk, now or drawn(size, 40), before or drawn(size, 40, 24), earlier or drawn(size, 130))
    unbuilt = asset_of("hero", {"locale": "fr-FR", "ratio": "story"}, None, verdict="make", why="it was never made")
    forbidden = asset_of("hero", {"locale": "de-DE", "ratio": "story"}, desk.add(drawn(size, 90)))
    forbidden["standing"]["may"] = {"approve": "you had it made, and the policy asks for somebody else", "reject": ""}
    unbuilt["standing"]["may"] = dict.fromkeys(("approve", "reject"), "there is nothing to decide on: it is not built")
    all_of_them = [
        first,
        unbuilt,
        forbidden,
        kept_back(desk),
        chosen(desk),
        chosen(desk, "campaign.yaml:12:7", "seal"),
        resized(desk),
        attacked(desk),
    ]
    desk.assets = {asset["address"]: asset for asset in all_of_them}
    cells = [cell_of(asset) for asset in all_of_them]
    desk.cells = {cell["address"]: cell for cell in cells}
    cells[0].update(gate="unverified", comments=1)
    cells[1].update(gate="pending", price="0.05", cost=None)
    cells[3].update(gate="failed")
    names = {
        "ar-EG": ("Arabic (Egypt)", "rtl"),
        "fr-FR": ("French (France)", "ltr"),
        "de-DE": ("German (Germany)", "ltr"),
        "en-US": ("English (United States)", "ltr"),
        "en-GB": ("English (United Kingdom)", "ltr"),
    }
    desk.head = {
        "campaign": "spring-kettle",
        "model": "gpt-image-2-2026-04-21",
        "provider": "proof",
        "you": {"name": ME, "decides": True, "why_not": ""},
        "generated": "2026-11-21T22:54:29Z",
        "axes": [
            {
                "name": "locale",
                "values": [{"id": tag, "label": label, "dir": way} for tag, (label, way) in names.items()],
            },
            {"name": "ratio", "values": [{"id": "story", "label": "story", "dir": "ltr"}]},
            {"name": "product", "values": [{"id": "kettle", "label": "kettle", "dir": "ltr"}]},
        ],
        "assets": [
            {"name": name, "over": list(cell), "paid": False, "policy": "1 of brand"}
            for name, cell in (
                ("hero", first["cell"]),
                ("poster", {"locale": ""}),
                ("badge", {"product": ""}),
                ("seal", {"product": ""}),
                ("banner", {"locale": ""}),
            )
        ],
        "money": {"spent": "1.23", "campaign_limit": "120", "build_limit": "10", "next_build": "0.05"},
        "since": {"name": "v1.0", "at": "2026-11-01T08:00:00Z", "what": "the lock of v1.0"},
        "approvals": {"count": 5, "faults": []},
        "build": None,
        "export": False,
    }
    return desk
