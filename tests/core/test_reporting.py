"""A report written out, from values made by hand: what people wrote cannot steer the page or the comment, and both stay
within their bounds."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from imagebuild.core.key import Digest, word_diff
from imagebuild.core.reason import Cause, Reason
from imagebuild.core.reason import Change as Field
from imagebuild.core.reporting.markdown import MOST_LETTERS, markdown_of
from imagebuild.core.reporting.page import MOST_BYTES, page_of
from imagebuild.core.reporting.report import Change, Gate, Kind, Open, Part, Report, Shown, Small, Tally, Work
from imagebuild.errors import Place

EVIL = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "</style><script>1</script>",
    "`code` *bold* [link](https://evil.example) ![pic](https://evil.example/x.png)", "@everyone #1 www.evil.example",
    "a | b | c\n\n# heading\n</details>", "\u202egnp.exe\u0007", "<!-- -->", "&lt;b&gt;",
)  # fmt: skip


def a_picture(name: str, *, small: bytes | None = b"RIFF....WEBP", committed: str | None = None) -> Shown:
    digest = Digest(hashlib.sha256(name.encode()).hexdigest())
    return Shown(digest, "1600x900", 81_234, Small(small, (320, 180)) if small else None, committed)


def a_change(address: str = "hero[locale=de-DE]", kind: Kind = "changed", **changes: Any) -> Change:
    reason = Reason(
        "its request changed",
        (Field("prompt", "a red kettle", "a blue kettle", word_diff("a red kettle", "a blue kettle")),),
        (Cause("t.headline", "Gold", "Golb", Place("strings/de-DE.yaml", 1, 11)),),
    )
    usual = Change(
        kind, address, address.partition("[")[0], "out/hero.webp", "de-DE", "ltr",
        a_picture("before") if kind != "new" else None, a_picture("after") if kind != "gone" else None,
        (Part("scene", reason),), "passed", "open", "needs 1 of legal",
    )  # fmt: skip
    return usual._replace(**changes)


def a_report(**changes: Any) -> Report:
    usual = Report(
        campaign="spring-kettle", provider="proof", model="gpt-image-2", prices_of="2026-11-21", since="v1.0", alone="",
        tallies=(Tally("hero", 12, 1, 2, 0, 3, Decimal("0.05"), Decimal("0.42")),), changes=(a_change(),),
        work=(Work("hero", "make", Reason("never made"), ("hero[locale=fr-FR]",), Decimal("0.42"), None, "ltr"),),
        gates=(Gate("hero[locale=ar-EG]", "failed", ("it says “Golb”",), ("ask again",)),),
        decisions=(Open("open", "waits for 1 of legal", ("hero[locale=de-DE]",)),), states={"open": 1, "approved": 11},
        spent=Decimal("1.23"), spent_since=Decimal("0.05"), price=Decimal("0.42"), limits=(), faults=(),
    )  # fmt: skip
    return usual._replace(**changes)


class Page(HTMLParser):
    """What a browser would see: the tags with their attributes, the text between them, and what was left open."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_says_what_changed_what_it_cost_what_is_next_and_who_is_waited_for() -> None:
    page = Page(page_of(a_report()))
    text = " ".join(" ".join(page.said).split())
    for words in (
        "Compared with v1.0.", "$0.05", "$1.23 for the campaign in all", "$0.42", "open: needs 1 of legal",
        "it says “Golb”", "waits for 1 of legal", "its request changed", "strings/de-DE.yaml:1:11", "never made",
    ):  # fmt: skip
        assert words in text, words
    assert [tag for tag, _ in page.tags if tag in ("ins", "del")] == ["del", "ins"]
    assert page.open == []


def test_the_page_is_one_file_without_script_that_its_own_policy_lets_through() -> None:
    text = page_of(a_report())
    page = Page(text)
    policies = [each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"]
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"]
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form", "base", "svg"} == set()
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in ("src", "href"):
            assert str(attributes.get(name, "data:")).startswith("data:")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("evil", EVIL)
def test_what_people_wrote_is_shown_on_the_page_and_never_obeyed(evil: str) -> None:
    plain = Page(page_of(a_report()))
    part = Part(
        evil,
        Reason(
            evil,
            (Field(evil, evil, "new", word_diff(evil, "new " + evil)),),
            (Cause(evil, evil, None, Place(evil, 1, 1)),),
        ),
    )
    report = a_report(
        campaign=evil, provider=evil, model=evil, since=evil, selected=evil, limits=(evil,), faults=(evil,),
        tallies=(Tally(evil, 1, 0, 1, 0, 0, Decimal(0), Decimal(0)),),
        changes=(a_change(evil, asset=evil, output=evil, parts=(part,), words=evil, language=evil),),
        work=(Work(evil, "make", part.reason, (evil,) * 5, Decimal(1), evil, "ltr"),),
        gates=(Gate(evil, "failed", (evil,), (evil,)),), decisions=(Open("open", evil, (evil,)),),
    )  # fmt: skip
    page = Page(page_of(report))
    assert page.open == []
    assert {tag for tag, _ in page.tags} - {"details", "summary", "ul", "li", "p", "b"} <= {
        tag for tag, _ in plain.tags
    }
    assert {name for _, each in page.tags for name in each} <= {name for _, each in plain.tags for name in each}
    assert "\u202e" not in page_of(report)
    assert "\u0007" not in page_of(report)


@pytest.mark.parametrize("evil", EVIL)
def test_what_people_wrote_is_plain_text_in_the_comment(evil: str) -> None:
    plain = markdown_of(a_report())
    part = Part(
        "scene",
        Reason(
            evil, (Field("prompt", evil, "new", word_diff(evil, "new " + evil)),), (Cause("t.x", evil, evil, None),)
        ),
    )
    text = markdown_of(a_report(
        campaign=evil, since=evil, limits=(evil,), changes=(a_change(parts=(part,), words=evil),),
        gates=(Gate("hero", "failed", (evil,), ()),), decisions=(Open("open", evil, ("hero",)),),
    ))  # fmt: skip
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # what stands between backquotes is shown as it is
    assert set(re.findall(r"<[^>]*>", outside)) <= {*re.findall(r"<[^>]*>", plain), "<!-- -->"}
    assert not re.search(r"\]\(|!\[|https?://|@\w|(?<![&])#\w|www\.", outside)
    assert "\u202e" not in text
    rows = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| ")]
    assert set(rows) <= {4, 6, 7, 9}
    assert text.count("<details>") == text.count("</details>") == 4


def test_a_name_with_backquotes_and_bars_stays_one_cell() -> None:
    text = markdown_of(a_report(changes=(a_change("he``ro`[x=a|b]"),)))
    assert "| changed | ```he``ro`[x=a\\|b]``` |" in text


def test_copy_from_right_to_left_stands_in_its_own_direction() -> None:
    cause = Cause("t.headline", "صباح", "مساء", Place("strings/ar-EG.yaml", 1, 11))
    change = a_change(
        language="ar-EG", direction="rtl", parts=(Part("hero", Reason("its request changed", (), (cause,))),)
    )
    assert '<bdi lang="ar-EG" dir="rtl">صباح</bdi> → <bdi lang="ar-EG" dir="rtl">مساء</bdi>' in page_of(
        a_report(changes=(change,))
    )


def test_of_too_many_pictures_some_are_shown_and_the_rest_is_named_and_counted() -> None:
    large = b"x" * 300_000
    many = tuple(
        a_change(f"hero[n={number:03}]", before=a_picture("b", small=large), after=a_picture("a", small=large))
        for number in range(40)
    )
    text = page_of(a_report(changes=many))
    shown = text.count("<img ") // 2
    assert 0 < shown < 40
    assert len(text) < MOST_BYTES + 200_000
    assert f"{shown} of 40 are shown; the others are named." in text
    assert all(f"hero[n={number:03}]" in text for number in range(40))


def test_the_comment_stays_within_its_bound_and_says_what_it_leaves_out() -> None:
    evil = "`<|&" * 60
    many = tuple(a_change(f"hero[n={number}]", words=f"{evil}{number}") for number in range(5000))
    addresses = tuple(each.address for each in many)
    report = a_report(
        changes=many, decisions=tuple(Open("open", f"{evil}{number}", addresses) for number in range(300)),
        gates=tuple(Gate(address, "failed", (evil,) * 9, ()) for address in addresses),
        work=tuple(Work("hero", "make", Reason(evil), addresses, Decimal(1), None, "ltr") for _ in range(300)),
        tallies=tuple(Tally(f"asset-{number}" * 20, 1, 1, 1, 1, 1, Decimal(1), Decimal(1)) for number in range(500)),
    )  # fmt: skip
    text = markdown_of(report)
    assert len(text) <= MOST_LETTERS
    assert "more; `imagebuild report --html report.html` shows them" in text


def test_a_picture_is_linked_where_git_has_it_and_the_link_leads_nowhere_else() -> None:
    after = a_picture("after", committed="../out/de DE/x)](https:evil.webp")
    text = markdown_of(a_report(changes=(a_change(after=after),)))
    assert "(./../out/de%20DE/x%29%5D%28https%3Aevil.webp)" in text
    assert "](" not in markdown_of(a_report())


def test_the_same_report_is_written_in_the_same_bytes() -> None:
    assert page_of(a_report()) == page_of(a_report())
    assert markdown_of(a_report()) == markdown_of(a_report())


def test_with_nothing_to_compare_with_the_report_says_why() -> None:
    report = a_report(since=None, alone="the campaign is in no git repository", changes=(), spent_since=None)
    assert "Compared with nothing: the campaign is in no git repository." in " ".join(Page(page_of(report)).said)
    assert "Compared with nothing: the campaign is in no git repository." in markdown_of(report)


def test_a_picture_that_is_no_longer_at_hand_is_told_and_not_shown() -> None:
    gone = a_change(before=a_picture("before", small=None))
    text = page_of(a_report(changes=(gone,)))
    assert "no longer at hand" in text
    assert text.count("<img ") == 1
