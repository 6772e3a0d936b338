"""How findings name copy and places, and what they come to."""

from __future__ import annotations

import pytest

from imagebuild.picture.checks.finding import Finding, copy_named, place_of, report_of


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 10, 10), "at the top left (0, 0 to 10, 10)"),
        ((140, 40, 160, 60), "in the middle (140, 40 to 160, 60)"),
        ((140, 90, 160, 100), "at the bottom (140, 90 to 160, 100)"),
        ((290, 40, 300, 60), "at the right (290, 40 to 300, 60)"),
        ((290, 0, 400, 9), "at the top right (290, 0 to 400, 9)"),
    ],
)
def test_a_place_is_told_in_words_and_pixels(box, words):
    assert place_of(box, (300, 100)) == words


def test_copy_is_named_by_role_and_text_and_long_text_is_shortened():
    assert copy_named("cta", "Buy\nnow") == "`cta` “Buy now”"
    assert copy_named("", "Buy") == "“Buy”"
    assert copy_named("logo", "") == "`logo`"
    assert len(copy_named("", "word " * 40)) <= 50


@pytest.mark.parametrize(
    ("verdicts", "unverified", "verdict", "deliver"),
    [
        ([], "hold", "passed", True),
        (["unverified"], "hold", "unverified", False),
        (["unverified"], "deliver", "unverified", True),
        (["unverified", "failed"], "deliver", "failed", False),
    ],
)
def test_what_was_not_looked_at_has_not_passed_and_is_delivered_only_when_that_is_said(
    verdicts, unverified, verdict, deliver
):
    findings = [Finding("text", each, "what", "hint") for each in verdicts]
    report = report_of({"text": {"unverified": unverified}, "file": {}}, findings)
    assert (report["verdict"], report["deliver"]) == (verdict, deliver)
    assert report["checks"] == {"text": verdict, "file": "passed"}
