"""Campaign → actions: what follows from a spec, in which order, and from what."""

from __future__ import annotations

import pytest

from imagebuild.core.key import digest_of, key_of
from imagebuild.errors import SpecErrors
from tests.core.reading import expansion_of

STRINGS = {
    "s/en-US.yaml": "headline: Warm\ncta: Buy\n",
    "s/de-DE.yaml": "headline: Warm\n",
    "s/fr-FR.yaml": "headline: Doux\n",
}
LOCALES = "axes: {locale: {source: en-US, targets: [de-DE, fr-FR], strings: 's/{locale}.yaml'%s}, p: [a, b]}\n"


def told(text, files=None):
    with pytest.raises(SpecErrors) as caught:
        expansion_of(text, files)
    return [problem.what for problem in caught.value.problems]


def test_an_asset_over_two_axes_is_one_action_a_cell_in_their_order():
    found = expansion_of("axes: {p: [a, b], q: [x, y]}\nassets: {s: {over: [q, p], prompt: S}}")
    assert list(found.actions) == ["s[q=x,p=a]", "s[q=x,p=b]", "s[q=y,p=a]", "s[q=y,p=b]"]
    assert found.actions["s[q=x,p=a]"].cell == (("q", "x"), ("p", "a"))
    assert found.finished == set(found.actions)


def test_inputs_come_before_what_is_made_from_them_however_they_are_written():
    made = "c: {from: b, output: c.png}, b: {from: a, prompt: B, references: [d]}"
    text = f"assets: {{{made}, a: {{prompt: A}}, d: {{prompt: D}}}}"
    found = expansion_of(text)
    order = list(found.actions)
    for address, action in found.actions.items():
        assert all(order.index(source) < order.index(address) for _, source in action.inputs)
    assert found.actions["b"].inputs == (("references[0]", "a"), ("references[1]", "d"))
    assert found.actions["c"].inputs == (("input", "b"),)
    assert [found.actions[each].kind for each in "abcd"] == ["generate", "edit", "local", "generate"]


def test_a_paid_picture_that_is_changed_before_delivery_keeps_its_master():
    found = expansion_of("assets: {a: {prompt: A, output: a.jpg}, b: {from: a, output: b.png}}")
    assert list(found.actions) == ["a:master", "a", "b"]
    assert found.actions["a:master"].output is None
    assert found.actions["a"].inputs == (("input", "a:master"),)
    assert found.actions["b"].inputs == (("input", "a"),)
    assert "a:master" not in found.finished


def test_a_link_means_the_same_cell_and_what_is_pinned():
    text = """
axes: {p: [a, b], q: [x, y]}
assets:
  s: {over: [p, q], prompt: "{{ p }}{{ q }}"}
  t: {over: [p], from: "s[q=y]", output: "{{ p }}.png"}
"""
    found = expansion_of(text)
    assert found.actions["t[p=a]"].inputs == (("input", "s[p=a,q=y]"),)


def test_equal_prompts_of_two_assets_are_one_piece_of_work():
    found = expansion_of(
        "assets: {a: {prompt: 'A  kettle'}, b: {prompt: '{{ \"A  kettle\" }}'}, c: {prompt: A kettle}}"
    )
    keys = [key_of(found.actions[name].manifest) for name in "abc"]
    assert keys[0] == keys[1] != keys[2]


def test_a_locale_changes_only_the_prompts_that_read_it():
    text = (
        LOCALES % "" + "assets: {h: {over: locale, prompt: 'Say {{ t.headline }}'}, n: {over: locale, prompt: Nothing}}"
    )
    found = expansion_of(text, STRINGS)
    prompts = {address: action.manifest["prompt"] for address, action in found.actions.items()}
    assert prompts["h[locale=en-US]"] == prompts["h[locale=de-DE]"] == "Say Warm"
    assert prompts["h[locale=fr-FR]"] == "Say Doux"
    assert {prompts[f"n[locale={tag}]"] for tag in ("en-US", "de-DE", "fr-FR")} == {"Nothing"}


@pytest.mark.parametrize(
    ("policy", "made"),
    [
        (", missing: skip", ["en-US"]),
        (", missing: fallback", ["en-US", "de-DE", "fr-FR"]),
        (", missing: {cta: skip}", ["en-US"]),
    ],
)
def test_a_missing_text_skips_the_cell_or_falls_back_as_the_policy_says(policy, made):
    text = (
        LOCALES % policy
        + "assets: {h: {over: locale, prompt: '{{ t.cta }}'}, i: {over: locale, from: h, output: '{{ locale }}.png'}}"
    )
    found = expansion_of(text, STRINGS)
    assert [dict(action.cell)["locale"] for action in found.actions.values() if action.asset == "h"] == made
    assert [dict(action.cell)["locale"] for action in found.actions.values() if action.asset == "i"] == made
    skipped = dict(found.skipped)
    assert len(skipped) == 2 * (3 - len(made))
    if skipped:
        assert skipped["h[locale=de-DE]"] == "no string `cta`"
        assert skipped["i[locale=de-DE]"] == "`h[locale=de-DE]` is skipped"


def test_a_missing_text_is_a_mistake_by_default_told_once_with_its_locales():
    text = LOCALES % "" + "assets: {h: {over: [locale, p], prompt: '{{ t.cta }}'}}"
    assert told(text, STRINGS) == ["string `cta` is missing in de-DE, fr-FR"]


def test_references_are_known_by_what_is_in_them():
    files = {"r/a.png": "one", "r/b.png": "one", "m.png": "mask"}
    text = """
axes: {p: [a, b]}
assets:
  s: {over: p, prompt: S, references: ["r/{{ p }}.png"]}
  e: {prompt: E, from: "s[p=a]", mask: m.png}
"""
    found = expansion_of(text, files)
    assert found.actions["s[p=a]"].manifest == found.actions["s[p=b]"].manifest
    assert found.actions["e"].manifest["references"] == [None]
    assert found.actions["e"].manifest["mask"] == digest_of(b"mask")
    assert set(found.file_of.values()) <= set(files)


def test_the_files_that_an_asset_depends_on_are_known():
    files = {"p.j2": "{% include 'q.j2' %}", "q.j2": "Q", "r.png": "R"}
    found = expansion_of("assets: {a: {prompt: p.j2, references: r.png}, b: {prompt: B}}", files)
    assert {name: set(paths) for name, paths in found.asset_files.items()} == {"a": set(files), "b": set()}


def test_a_prompt_tells_the_values_it_was_written_from():
    files = {**STRINGS, "p.j2": "{{ t.headline }} by {{ vars.brand }} for {{ p }}"}
    text = LOCALES % "" + "vars: {brand: N}\nassets: {h: {over: [locale, p], prompt: p.j2}}"
    found = expansion_of(text, files)
    sources = dict(found.sources_of("h[locale=fr-FR,p=b]"))
    assert sources.pop("p.j2") == digest_of(files["p.j2"].encode())
    assert sources == {"t.headline": "Doux", "vars.brand": "N", "p": "b"}


def test_the_size_and_format_of_everything_are_known_before_anything_is_made():
    text = """
assets:
  a: {prompt: A, size: 1536x1024}
  b: {from: a, steps: [{crop: {ratio: "1:1"}}, {fit: {cover: [500, 500]}}], output: b.webp}
"""
    found = expansion_of(text)
    assert found.actions["b"].size == (500, 500)
    assert found.results["b"] == ((500, 500), "webp")


def test_steps_that_cannot_be_done_are_told_once_for_all_cells():
    text = """
axes: {p: [a, b, c]}
assets:
  s: {over: p, prompt: "{{ p }}"}
  d: {over: p, from: s, steps: [{crop: {size: [9000, 10]}}], output: "{{ p }}.png"}
"""
    assert told(text) == ["asset `d`: a crop of 9000x10 is larger than the picture of 2048x2048"]


def test_a_thousand_cells_with_one_mistake_are_one_message():
    entries = ", ".join(f"{{id: p{number}}}" for number in range(1000))
    text = f"axes: {{p: [{entries}]}}\n" + "assets: {s: {over: p, prompt: '{{ p.name }}'}}"
    assert told(text) == ["`p` has no `name`"]


def test_every_ring_is_named():
    text = """
assets:
  a: {from: b, prompt: A}
  b: {from: a, prompt: B}
  c: {prompt: C, references: [d]}
  d: {prompt: D, references: [c]}
  e: {from: a, output: e.png}
"""
    assert told(text) == [
        "assets are made from one another in a ring: `a` → `b` → `a`",
        "assets are made from one another in a ring: `c` → `d` → `c`",
    ]
