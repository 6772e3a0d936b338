"""What is asked of a model: sizes, the canonical request and its key, the steps that a cell implies."""

from __future__ import annotations

import pytest

from imagebuild.core.key import digest_of, key_of
from imagebuild.core.offer import Situation
from imagebuild.errors import SpecErrors
from tests.core.reading import expansion_of

RATIOS = 'axes: {ratio: ["1:1", "16:9", "9:16", "3:1", {name: og, size: 1200x630}, {name: small, size: 300x250}]}\n'


def actions(text, files=None, **options):
    return expansion_of(text, files, **options).actions


def sizes(text, **options):
    return {address: "x".join(map(str, action.size)) for address, action in actions(text, **options).items()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", "2048x2048"),
        ("resolution: 1k", "1024x1024"),
        ("resolution: 4k", "2880x2880"),
        ("size: 1536x1024", "1536x1024"),
    ],
)
def test_a_picture_without_a_ratio_has_the_size_that_is_said_or_a_square(settings, expected):
    assert sizes(f"assets: {{a: {{prompt: A, {settings}}}}}") == {"a": expected}


def test_the_ratio_axis_says_the_size_at_each_resolution():
    found = sizes(f"{RATIOS}assets: {{a: {{prompt: A, over: ratio, resolution: 1k}}}}")
    assert list(found.values()) == ["1024x1024", "1280x720", "720x1280", "1440x480", "1280x720", "896x736"]
    each = sizes(f"{RATIOS}assets: {{a: {{prompt: A, over: ratio, resolution: 1k, masters: each}}}}")
    assert list(each.values()) == ["1024x1024", "1280x720", "720x1280", "1440x480", "1200x640", "896x736"]


def test_an_exact_size_of_the_ratio_axis_is_fitted_when_the_picture_is_delivered():
    found = actions(f"{RATIOS}assets: {{a: {{prompt: A, over: ratio, masters: each, output: '{{{{ ratio }}}}.png'}}}}")
    assert found["a[ratio=og]:master"].size == (1200, 640)
    assert found["a[ratio=og]"].size == (1200, 630)
    assert found["a[ratio=og]"].manifest["steps"][0] == {"fit": {"cover": [1200, 630], "anchor": "center"}}
    assert "a[ratio=1:1]:master" not in found  # delivered as it was received


def test_an_edit_has_the_size_of_what_it_edits():
    found = sizes(
        "assets: {a: {prompt: A, size: 1536x1024}, b: {prompt: B, from: a}, c: {prompt: C, from: a, size: 1024x1024}}"
    )
    assert found == {"a": "1536x1024", "b": "1536x1024", "c": "1024x1024"}


def test_a_cell_may_have_a_size_of_its_own_even_over_ratios():
    include = "include: [{ratio: '1:1', size: 1536x1536}]\n"
    text = f"{RATIOS}{include}assets: {{a: {{prompt: A, over: ratio, resolution: 1k}}}}"
    assert sizes(text)["a[ratio=1:1]"] == "1536x1536"


def test_a_request_holds_all_that_reaches_the_model_and_nothing_else():
    files = {"r.png": "picture"}
    (action,) = actions(
        "assets: {a: {prompt: ' A kettle ', references: r.png, take: 2, background: opaque}}", files
    ).values()
    assert dict(action.manifest) == {
        "schema": 1,
        "operation": "generate",
        "model": "gpt-image-2-2026-04-21",
        "prompt": "A kettle",
        "size": "2048x2048",
        "quality": "medium",
        "format": "png",
        "drawn_by": "proof-1",
        "background": "opaque",
        "references": [digest_of(b"picture")],
        "take": 2,
    }


def test_what_is_said_and_what_is_the_default_are_one_request():
    said = "quality: medium, resolution: 2k, background: auto, format: png, take: 1"
    (one,) = actions("assets: {a: {prompt: A}}").values()
    (two,) = actions(f"assets: {{b: {{prompt: A, {said}}}}}").values()
    assert key_of(one.manifest) == key_of(two.manifest)


# Keys of a campaign that must never change by accident: everybody would pay again for what they have.
GOLDEN_FILES = {
    "p/scene.j2": "{% set who = product.name %}A {{ who }} by {{ brand }}.\n\n{% if price is defined %}!{% endif %}",
    "s/en-US.yaml": "headline: Warm mornings\n",
    "s/de-DE.yaml": "headline: Warme Morgen\n",
    "r.png": "a picture's bytes",
}
GOLDEN = """
axes:
  locale: {source: en-US, targets: [de-DE], strings: "s/{locale}.yaml"}
  ratio: ["1:1", {name: og, size: 1200x630}]
  product: [{id: kettle, name: Kettle}]
vars: {brand: Northwind}
assets:
  scene: {over: [product, ratio], prompt: p/scene.j2, references: [r.png], resolution: 1k}
  poster: {over: locale, prompt: "Say “{{ t.headline }}”.", size: 1536x1024, quality: high, output: "{{ locale }}.png"}
  plain: {prompt: A kettle, background: opaque, format: webp, take: 3, output: plain.webp}
"""
GOLDEN_KEYS = {
    "openai": {
        "plain": "04a555d6b1d29ff9d82fafca852fe0fa17d9ab7cc489909f9f962c165ebb624b",
        "poster[locale=de-DE]": "7e3f501e74815b96b74c922da24e9e86568dc97aec05e1b9ad30039ff6d02ce6",
        "poster[locale=en-US]": "5728bd26707637faf1e7fe2d7279e2db00e4f12bd9a58c6ce7e5c90aa390b8be",
        "scene[product=kettle,ratio=1:1]": "c07dcd1f469920faadc91a50eb67e4a9e55f1ea3b10b5279b59b287d4fee93f4",
        "scene[product=kettle,ratio=og]": "5b5b7beb11a4a3a313abe76430e2df43ba5ebf1ae82c42ee558392e7b25fc62e",
    },
    "proof": {
        "plain": "c1f1c1349a23ad5e1f5aaeacc6ed8a75ed13bc00af145547bda879709db3c125",
        "poster[locale=de-DE]": "e894e558c4036f7a3fbf6875ec1b3b622edc2f25e950fe90f67d87685972aa78",
        "poster[locale=en-US]": "ae40468164799098427f596fd377dcd257a9335144a4ed5c1696ca675465a484",
        "scene[product=kettle,ratio=1:1]": "c0fa2ba48dc20e5d176cd6d9a3d39243fa6af9b63b29fc4db7bd3a3a22dbef55",
        "scene[product=kettle,ratio=og]": "3719e77d2e82130d789e518a5414f099db4909b2f352009dc79161ad6210d35b",
    },
}


@pytest.mark.parametrize("provider", sorted(GOLDEN_KEYS))
def test_the_keys_of_a_fixed_campaign_never_change(provider):
    found = {
        address: key_of(action.manifest) for address, action in actions(GOLDEN, GOLDEN_FILES, provider=provider).items()
    }
    assert found == GOLDEN_KEYS[provider]


def test_host_name_and_place_are_in_no_key():
    """Two providers of one snapshot are asked the same; only a placeholder is known as one."""
    both = GOLDEN.replace(", {name: og, size: 1200x630}", ', "16:9"').replace("background: opaque, ", "")
    openai, hinow, proof = (actions(both, GOLDEN_FILES, provider=name) for name in ("openai", "hinow", "proof"))
    assert {key_of(action.manifest) for action in openai.values()} == {
        key_of(action.manifest) for action in hinow.values()
    }
    assert not {key_of(a.manifest) for a in openai.values()} & {key_of(a.manifest) for a in proof.values()}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  plain:", "  renamed:"),
        ("output: plain.webp", "output: moved/elsewhere.webp"),
        ("p/scene.j2", "q/other.j2"),
        ("axes:\n", "# a comment\naxes:\n"),
        ("vars: {brand: Northwind}", "vars: {unused: 1, brand: Northwind}"),
        ("[de-DE]", "[de_de]"),
        ('["1:1", ', '["1:1", "9:16", '),
    ],
)
def test_what_does_not_reach_the_model_changes_no_key(old, new):
    files = {**GOLDEN_FILES, "q/other.j2": "\n" + GOLDEN_FILES["p/scene.j2"] + "\n"}
    assert GOLDEN.count(old) == 1
    before = {key_of(action.manifest) for action in actions(GOLDEN, files).values()}
    after = {key_of(action.manifest) for action in actions(GOLDEN.replace(old, new), files).values()}
    assert before <= after


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("output: b.png", [{"encode": {"format": "png"}}]),
        ("output: b.jpg", [{"encode": {"format": "jpeg", "quality": 85, "background": "#ffffff"}}]),
        (
            "output: b.webp, steps: [{encode: {format: webp, quality: 70}}]",
            [{"encode": {"format": "webp", "quality": 70, "lossless": False}}],
        ),
        (
            "output: b.png, steps: [{fit: {cover: [800, 800]}}]",
            [{"fit": {"cover": [800, 800], "anchor": "center"}}, {"encode": {"format": "png"}}],
        ),
    ],
)
def test_the_ending_of_the_output_says_how_the_file_is_written(text, steps):
    found = actions(f"assets: {{a: {{prompt: A, format: webp}}, b: {{from: a, {text}}}}}")["b"]
    assert found.manifest["steps"] == steps


def test_a_picture_that_has_the_format_already_is_delivered_as_it_was_received():
    found = actions("assets: {a: {prompt: A, format: webp, output: a.webp}}")
    assert list(found) == ["a"]
    assert found["a"].kind == "generate"


def test_a_local_picture_over_ratios_is_cropped_to_each():
    text = f"{RATIOS}assets: {{a: {{prompt: A}}, b: {{from: a, over: ratio, output: '{{{{ ratio }}}}.png'}}}}"
    found = actions(text)
    assert found["b[ratio=16:9]"].manifest["steps"][0] == {"crop": {"ratio": "16:9", "anchor": "center"}}
    assert found["b[ratio=small]"].manifest["steps"][0] == {"fit": {"cover": [300, 250], "anchor": "center"}}
    assert [step for step in found["b[ratio=1:1]"].manifest["steps"] if "crop" in step] == []


def test_what_a_provider_cannot_do_is_told_before_anything_is_sent():
    with pytest.raises(SpecErrors) as caught:
        actions("defaults: {background: transparent}\nassets: {a: {prompt: A}, b: {prompt: B}}", provider="openai")
    assert [problem.what for problem in caught.value.problems] == [
        "asset `a`: `openai` has no background `transparent` for `gpt-image-2-2026-04-21`"
    ]


def test_what_another_service_can_do_is_the_hint():
    with pytest.raises(SpecErrors) as caught:
        actions("assets: {a: {prompt: A}, b: {prompt: B, from: a, mask: m.png}}", {"m.png": "m"}, provider="hinow")
    (problem,) = caught.value.problems
    assert (problem.what, problem.hint) == ("asset `b`: `hinow` takes no mask", "served by `openai`")


def test_the_first_format_of_a_service_is_asked_for_when_none_is_said():
    formats = {
        provider: actions("assets: {a: {prompt: A, output: a.png}}", provider=provider, floating=True)
        for provider in ("openai", "together", "apixo")
    }
    assert {name: next(iter(found.values())).manifest["format"] for name, found in formats.items()} == {
        "openai": "png", "together": "jpeg", "apixo": "jpeg",
    }  # fmt: skip
    assert list(formats["openai"]) == ["a"]
    assert formats["apixo"]["a"].manifest["steps"] == [{"encode": {"format": "png"}}]  # the file is what its name says
    said = actions("assets: {a: {prompt: A, format: png, output: a.png}}", provider="together", floating=True)
    assert said["a"].manifest["format"] == "png"


def test_a_transparent_picture_is_refused_where_the_format_that_nobody_said_is_jpeg():
    with pytest.raises(SpecErrors) as caught:
        actions("assets: {a: {prompt: A, background: transparent}}", provider="apixo", floating=True)
    assert "asset `a`: a jpeg cannot be transparent" in [problem.what for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("settings", "size", "tier"),
    [
        ("resolution: 4k", "2880x2880", "4k"),
        ("resolution: 1k", "1024x1024", "1k"),
        ("size: 1024x1024", "1024x1024", "1k"),  # not the default resolution: the one that has these pixels
        ("size: 1040x1040", "1040x1040", "2k"),
        ("size: 1536x1152", "1536x1152", "2k"),
    ],
)
def test_a_service_that_takes_tiers_is_paid_by_the_smallest_that_covers_the_size(settings, size, tier):
    (action,) = actions(f"assets: {{a: {{prompt: A, {settings}}}}}", provider="apixo", floating=True).values()
    assert (action.manifest["size"], action.tier) == (size, tier)


def test_addresses_of_pictures_are_enough_for_a_service_that_takes_addresses():
    text, files = "assets: {a: {prompt: A, references: r.png}}", {"r.png": "picture"}
    with pytest.raises(SpecErrors, match="takes pictures only by addresses"):
        actions(text, files, provider="apixo", floating=True)
    assert actions(text, files, provider="apixo", floating=True, situation=Situation(public_references=True))
