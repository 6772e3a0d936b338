"""The campaign file: what every key becomes. The mistakes' texts are in `tests/mistakes`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from imagebuild.core.spec import Settings
from tests.core.reading import HEAD, campaign_of, mistakes_of

ONE = "assets: {a: {prompt: A kettle}}\n"


def asset(text, axes="", files=None):
    return campaign_of(f"{axes}assets: {{x: {{prompt: X}}, a: {text}}}", files).assets["a"]


def test_a_campaign_says_its_name_its_model_and_where_its_files_go():
    campaign = campaign_of(f"provider: openai\nallow_floating: true\noutput_folder: ./build/out/\n{ONE}")
    assert (campaign.name, campaign.model, campaign.provider) == ("test", "gpt-image-2-2026-04-21", "openai")
    assert campaign.allow_floating is True
    assert campaign.output_folder == "build/out"
    assert str(campaign.model_place) == "campaign.yaml:3:8"


def test_what_is_not_said_has_its_default():
    campaign = campaign_of(ONE)
    assert (campaign.provider, campaign.allow_floating, campaign.output_folder) == (None, False, "out")
    assert (campaign.budget.build, campaign.budget.campaign) == (None, None)
    assert (dict(campaign.axes), campaign.locale, dict(campaign.variables)) == ({}, None, {})


@pytest.mark.parametrize("written", ["10 USD", "$10", "10$", "10 usd", '"10 USD"', "$ 10", "10.00 USD"])
def test_a_budget_is_an_amount_of_dollars_however_it_is_written(written):
    assert campaign_of(f"budget: {{build: {written}}}\n{ONE}").budget.build == Decimal(10)


def test_vars_are_plain_values_that_nobody_can_change():
    variables = campaign_of(f"vars: {{brand: N, n: 1.5, on: true, palette: [a, {{b: c}}], rest: ~}}\n{ONE}").variables
    assert dict(variables) == {"brand": "N", "n": 1.5, "on": True, "palette": ("a", {"b": "c"}), "rest": None}


def test_settings_of_an_asset_go_over_the_defaults():
    campaign = campaign_of("defaults: {quality: low, resolution: 1k, take: 3}\nassets: {a: {prompt: A, quality: high}}")
    settings = campaign.assets["a"].settings
    assert (settings.quality, settings.resolution, settings.take, settings.size) == ("high", "1k", 3, None)
    assert str(settings.places["quality"]) == "campaign.yaml:5:34"
    assert str(settings.places["take"]) == "campaign.yaml:4:48"


def test_a_resolution_takes_the_place_of_a_size_and_a_size_that_of_a_resolution():
    sized, tiered = Settings(size=(1024, 1024)), Settings(resolution="4k")
    assert tiered.over(sized).size is None
    assert sized.over(tiered).size == (1024, 1024)
    assert Settings().over(sized).size == (1024, 1024)


@pytest.mark.parametrize(
    ("written", "file", "text"),
    [
        ("A kettle", None, "A kettle"),
        ("p.j2", "p.j2", "From a file"),
        ("{file: odd.name}", "odd.name", "Odd"),
        ("{text: p.j2}", None, "p.j2"),
        ("a file called p.j2", None, "a file called p.j2"),
    ],
)
def test_a_prompt_is_a_text_or_a_file(written, file, text):
    files = {"p.j2": "From a file", "odd.name": "Odd"}
    prompt = campaign_of(f"assets: {{a: {{prompt: {written}}}}}", files).assets["a"].prompt
    assert (prompt.file, prompt.text) == (file, text)


def test_a_prompt_in_a_block_knows_the_lines_it_stands_on():
    prompt = campaign_of("assets:\n  a:\n    prompt: |\n      One\n      {{ two }}\n").assets["a"].prompt
    assert prompt.text == "One\n{{ two }}\n"
    assert (prompt.first_line, prompt.lines[prompt.first_line - 1]) == (7, "      One")


def test_over_is_one_axis_or_several_in_the_order_they_are_named():
    axes = "axes: {p: [a], q: [b]}\n"
    assert asset("{prompt: A, over: [q, p]}", axes).over == ("q", "p")
    assert asset("{prompt: A, over: p}", axes).over == ("p",)
    assert asset("{prompt: A}", axes).over == ()


def test_from_names_an_asset_and_pins_some_of_its_axes():
    axes = "axes: {p: [a, b], q: [c]}\n"
    found = campaign_of(f"{axes}assets: {{x: {{prompt: X, over: [p, q]}}, a: {{from: 'x[p=b, q=c]'}}}}").assets["a"]
    assert (found.source.asset, dict(found.source.pins)) == ("x", {"p": "b", "q": "c"})
    assert found.paid is False


def test_a_reference_is_an_asset_where_there_is_one_of_that_name_else_a_file():
    found = asset("{prompt: A, references: [x, b.png, {asset: x}, {file: x.png}, 'c/{{ asset }}.jpg']}")
    kinds = [reference if isinstance(reference, str) else f"→{reference.asset}" for reference, _ in found.references]
    assert kinds == ["→x", "b.png", "→x", "x.png", "c/{{ asset }}.jpg"]
    assert [link.asset for link in found.links] == ["x", "x"]


def test_a_single_reference_needs_no_list():
    assert [reference for reference, _ in asset("{prompt: A, references: b.png}").references] == ["b.png"]


def test_exclusions_and_inclusions_at_the_top_are_every_assets():
    text = "axes: {p: [a, b]}\nexclude: [{p: a}]\ninclude: [{asset: a, p: b, mood: calm, quality: high}]\n"
    campaign = campaign_of(
        f"{text}assets: {{a: {{prompt: '{{{{ mood }}}}', over: p, exclude: [{{p: [b]}}]}}, x: {{prompt: X, over: p}}}}"
    )
    assert [dict(each.patterns) for each in campaign.assets["a"].exclude] == [{"p": ("a",)}, {"p": ("b",)}]
    assert [each.assets for each in campaign.assets["a"].exclude] == [(), ("a",)]
    (inclusion,) = campaign.assets["x"].include
    assert (inclusion.assets, inclusion.settings.quality) == (("a",), "high")
    assert dict(inclusion.variables) == {"mood": "calm"}
    assert {axis: entry.id for axis, entry in inclusion.cell.items()} == {"p": "b"}


def test_every_file_that_was_read_for_the_campaign_is_known():
    files = {"p.j2": "P", "a.csv": "id\n1\n"}
    assert campaign_of("axes: {n: a.csv}\nassets: {a: {prompt: p.j2}}", files).files == ("a.csv", "p.j2")


def test_one_mistake_does_not_hide_another_and_none_is_told_twice():
    text = "axes: {p: nowhere.csv, q: [a]}\nassets:\n  a: {over: [p, r], prompt: A}\n  b: {over: p, form: a}\n"
    assert [(str(problem.at), problem.what) for problem in mistakes_of(text)] == [
        ("campaign.yaml:4:11", "axis `p`: no file `nowhere.csv`"),
        ("campaign.yaml:6:17", "asset `a`: no axis `r`"),
        ("campaign.yaml:7:3", "asset `b` has neither `prompt`, `from` nor `sheet`"),
        ("campaign.yaml:7:16", "unknown key `form` in asset `b`"),
    ]


def test_an_asset_that_cannot_be_read_is_known_as_broken_and_the_others_are_not():
    problems_text = "assets: {a: {prompt: nowhere.j2}, b: {prompt: B, extra: 1}, c: {from: d}}\n"
    assert len(mistakes_of(problems_text)) == 3
    assert mistakes_of(problems_text, head=HEAD.replace("test", '""'))[0].what == "`campaign` is empty"
