"""Pictures that are shown on the way: what they cost, who is told of them, and that none is taken for the result."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from PIL import Image

from imagebuild.core.key import digest_of
from tests.cli.conftest import run_imagebuild
from tests.services.conftest import COMMON, spent

PARTIAL = Decimal("0.003")  # a hundred tokens of $30 a million
EDIT = """\
imagebuild: 1
campaign: trouble
model: gpt-image-2-2026-04-21
provider: {provider}
defaults: {{quality: medium, size: 1024x1024}}
assets:
  poster:
    prompt: "A kettle on a table."
    references: [kettle.png]
    output: poster.{form}
"""


def price_of(site, monkeypatch, partials: int) -> Decimal:
    monkeypatch.setenv("IMAGEBUILD_OPENAI_PARTIALS", str(partials))
    return site.plan().plan.price


def test_the_plan_counts_each_picture_on_the_way(sandbox, site_at, monkeypatch):
    site = site_at("openai")
    whole = price_of(site, monkeypatch, 0)
    assert [price_of(site, monkeypatch, n) - whole for n in (1, 2, 3)] == [PARTIAL, 2 * PARTIAL, 3 * PARTIAL]


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_what_the_usage_says_is_what_it_cost_and_what_was_planned(sandbox, site_at, monkeypatch, partials):
    site = site_at("openai")
    price = price_of(site, monkeypatch, partials)
    summary = site.build()
    (payment,) = site.payments()
    assert summary.spent == payment.billed == payment.counted == price == spent(sandbox.charges())
    (request,) = sandbox.requests("/generations")
    assert json.loads(request["body"]).get("partial_images", 0) == partials
    assert json.loads(request["body"]).get("stream", False) == (partials > 0)


def test_an_edit_shows_pictures_on_the_way_too(sandbox, site_at, monkeypatch):
    monkeypatch.setenv("IMAGEBUILD_OPENAI_PARTIALS", "2")
    site = site_at("openai", EDIT)
    Image.new("RGB", (64, 64), "#0b3954").save(site.folder / "kettle.png")
    summary = site.build()
    assert [each.glimpse.index for each in site.events if each.glimpse] == [0, 1]
    assert (summary.made, summary.spent, len(sandbox.requests("/edits"))) == (1, spent(sandbox.charges()), 1)
    assert summary.spent <= site.payments()[0].estimate  # the plan does not know how much a reference will count


def test_a_program_is_told_of_each_between_the_start_and_the_end(sandbox, site_at, monkeypatch):
    site = site_at("openai-stream")
    done = run_imagebuild(
        site.folder, "build", "--json", **COMMON, IMAGEBUILD_OPENAI_PARTIALS="2"
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [each["event"] for each in events] == ["start", "partial", "partial", "made", "end"]
    shown = [each["partial"] for each in events if each["event"] == "partial"]
    assert [(each["index"], each["of"]) for each in shown] == [(0, 2), (1, 2)]
    assert all(each["bytes"] > 0 for each in shown)
    assert {each["address"] for each in events[:4]} == {"poster"}
    assert Decimal(events[3]["cost"]) == Decimal(events[4]["spent"]) == spent(sandbox.charges())


def test_the_picture_is_the_completed_one_and_no_other(sandbox, site_at):
    site = site_at("openai-stream")
    site.build()
    glimpses = [each.glimpse.data for each in site.events if each.glimpse]
    (charge,) = sandbox.charges()
    made = (site.folder / "out" / "poster.png").read_bytes()
    assert [digest_of(made)] == charge["pictures"]
    assert digest_of(made) not in {digest_of(each) for each in glimpses}
    for each in glimpses:
        with Image.open(io.BytesIO(each)) as image:
            assert image.size == (1024, 1024)


@pytest.mark.parametrize("fault", ["sse-cut", "sse-error", "truncated", "cut-charged"])
def test_the_last_picture_on_the_way_is_never_taken_for_the_result(sandbox, site_at, fault):
    site = site_at("openai-stream")
    sandbox.set_faults({"fault": fault})
    summary = site.build()
    assert (summary.made, summary.uncertain, summary.spent) == (0, 1, 0)
    assert summary.unknown == site.payments()[0].counted == spent(sandbox.charges())
    assert not (site.folder / "out").exists()
    assert list(site.plan().store.digests()) == []
    sandbox.set_faults()
    assert (site.build().uncertain, len(sandbox.charges())) == (1, 1)


def test_a_stream_that_ends_early_has_shown_its_pictures_all_the_same(sandbox, site_at):
    site = site_at("openai-stream")
    sandbox.set_faults({"fault": "sse-cut"})
    site.build()
    assert [each.glimpse.index for each in site.events if each.glimpse] == [0, 1]
    assert [each.kind for each in site.events] == ["start", "partial", "partial", "uncertain"]


def test_a_batch_shows_nothing_on_the_way_and_does_not_pay_for_it(sandbox, site_at, monkeypatch):
    site = site_at("openai-stream")
    batch = site.plan().plan.policy._replace(batch=True)
    monkeypatch.setenv("IMAGEBUILD_OPENAI_PARTIALS", "0")
    plain = site.plan(batch).plan.price
    monkeypatch.setenv("IMAGEBUILD_OPENAI_PARTIALS", "2")
    assert site.plan(batch).plan.price == plain
