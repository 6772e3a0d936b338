"""Placements on the ratio axis, and what follows from them: pixels, format, bytes, what is kept, which masters."""

from __future__ import annotations

from fractions import Fraction

import pytest

from imagebuild.core.axis_parser import parse_axes
from imagebuild.core.fit_loss import fit_loss
from imagebuild.core.placements.cuts import cut_notes, cuts_of
from imagebuild.core.placements.parser import parse_placements
from imagebuild.core.placements.placement import Placement, Placements, Safe
from imagebuild.core.template import resolve
from imagebuild.errors import Problems, SpecErrors
from imagebuild.picture.placements import shipped_placements
from tests.core.reading import Texts, campaign_of, expansion_of, mistakes_of, node_of

STORY = Placement(name="meta/story", size=(1080, 1920), safe=Safe(top=0.14, bottom=0.2))


def entries(text, placements):
    problems = Problems()
    axes, _, _ = parse_axes(node_of(f"ratio: {text}"), Texts(), problems, placements)
    problems.check()
    return axes["ratio"].entries


def actions(text, **options):
    return expansion_of(text, **options).actions


def masters(text, asset="scene", **options):
    """The sizes that an asset's entries are asked for."""
    found = actions(text, **options)
    paid = [each for each in found.values() if each.paid and each.asset == asset]
    return {dict(each.cell)["ratio"]: "x".join(map(str, each.size)) for each in paid}


def steps(text, address, **options):
    return actions(text, **options)[address].manifest["steps"]


def notes(text, **options):
    found = actions(text, **options)
    return cut_notes(cuts_of(found, campaign_of(text).axes["ratio"]))


@pytest.mark.parametrize(
    ("written", "identity", "slug"),
    [
        ("[meta/story]", "meta/story", "meta-story"),
        ("[{name: story, placement: meta/story}]", "story", "story"),
        ("[{name: story, size: meta/story}]", "story", "story"),
    ],
)
def test_a_placement_stands_wherever_a_size_does(written, identity, slug):
    (entry,) = entries(written, Placements({"meta/story": STORY}))
    ratio = entry.value
    assert (entry.id, ratio.name, ratio.slug) == (identity, identity, slug)
    assert (ratio.size, ratio.shape, ratio.placement) == ((1080, 1920), Fraction(9, 16), STORY)


def test_templates_see_the_placement_and_what_it_covers():
    (entry, plain) = entries("[meta/story, 16:9]", Placements({"meta/story": STORY}))
    context = {"ratio": entry.value}
    assert str(resolve(("ratio", "placement"), context)) == "meta/story"
    assert resolve(("ratio", "safe", "top"), context) == 0.14
    assert plain.value.safe == Safe()


def test_the_catalogue_is_not_read_for_ratios_and_sizes():
    def refused():
        raise AssertionError("the catalogue was read")

    own = Placements({"shop/header": STORY}, refused)
    assert [entry.id for entry in entries('["1:1", 1200x630, shop/header]', own)] == ["1:1", "1200x630", "shop/header"]
    with pytest.raises(AssertionError, match="was read"):
        entries("[meta/reel]", own)


def test_a_placement_of_the_campaigns_own_goes_before_the_catalogues():
    text = "placements: {meta/story: {size: 720x1280}}\naxes: {ratio: [meta/story]}\nassets: {a: {prompt: A}}"
    campaign = campaign_of(text)
    assert campaign.axes["ratio"].entries[0].value.size == (720, 1280)
    assert list(campaign.placements) == ["meta/story"]


def test_placements_may_stand_in_a_file_which_the_campaign_then_depends_on():
    files = {"places.yaml": "shop/header: {size: 1600x400, max_bytes: 40 kB, formats: webp, safe: {left: 0.1}}\n"}
    campaign = campaign_of("placements: places.yaml\naxes: {ratio: [shop/header]}\nassets: {a: {prompt: A}}", files)
    placement = campaign.axes["ratio"].entries[0].value.placement
    assert (placement.max_bytes, placement.formats, placement.safe) == (40_000, ("webp",), Safe(left=0.1))
    assert "places.yaml" in campaign.files


@pytest.mark.parametrize("share", ["14%", "14 %", "0.14"])
def test_a_share_is_written_in_percent_or_as_a_number(share):
    problems = Problems()
    found = parse_placements(node_of(f"a/b: {{size: 10x10, safe: {{top: {share}}}}}"), problems)
    problems.check()
    assert found["a/b"].safe == Safe(top=0.14)


HERO = 'assets: {scene: {over: ratio, prompt: A kettle}, hero: {over: ratio, from: scene, output: "{{ ratio }}.jpg"%s}}'


def placed(*ratios, more=""):
    return f"axes: {{ratio: [{', '.join(ratios)}]}}\n{HERO % more}"


def test_a_picture_for_a_placement_is_fitted_and_written_within_its_bytes():
    found = steps(placed("google/display-300x250"), "hero[ratio=google/display-300x250]:drawn")
    assert found[0] == {"fit": {"cover": [300, 250], "anchor": "center"}}
    assert found[-1]["encode"]["max_bytes"] == 150_000
    assert found[-1]["encode"]["format"] == "jpeg"


@pytest.mark.parametrize(("own", "limit"), [("100kB", 100_000), ("400kB", 150_000)])
def test_of_two_limits_the_smaller_counts(own, limit):
    more = f", steps: [{{encode: {{format: jpeg, max_bytes: {own}}}}}]"
    found = steps(placed("google/display-300x250", more=more), "hero[ratio=google/display-300x250]:drawn")
    assert found[-1]["encode"]["max_bytes"] == limit


def test_a_master_that_needs_no_fit_is_written_within_the_bytes_all_the_same():
    text = (
        "placements: {shop/wide: {size: 1024x1024, max_bytes: 90kB}}\naxes: {ratio: [shop/wide]}\n"
        'assets: {a: {over: ratio, prompt: A, output: "{{ ratio }}.png"}}'
    )
    drawn = actions(text)["a[ratio=shop/wide]:drawn"]
    assert drawn.manifest["steps"] == [{"encode": {"format": "png", "max_bytes": 90_000}}]


def test_a_format_that_the_placement_does_not_take_is_told_once_for_it():
    text = placed("google/display-300x250", "meta/story").replace(".jpg", ".webp")
    with pytest.raises(SpecErrors) as caught:
        actions(text)
    assert [problem.what for problem in caught.value.problems] == [
        "asset `hero`: `google/display-300x250` takes jpeg or png or gif, this is webp",
        "asset `hero`: `meta/story` takes jpeg or png, this is webp",
    ]


def test_a_png_that_can_hold_no_photograph_is_noted():
    found = notes(placed("google/display-970x250", "google/display-320x50").replace(".jpg", ".png"))
    assert [note for note in found if "png" in note] == [
        "`hero[ratio=google/display-970x250]`: a png of 970x250 within 150 kB can hold few photographs; jpeg is usual"
    ]


# ---------------------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize("anchor", ["top", "[0.5, 0.3]", "[0.3, 0.1, 0.4, 0.5]"])
def test_what_is_implied_keeps_the_focus_of_the_asset_or_of_what_it_is_made_from(anchor):
    own = placed("link/og", '"1:2"', more=f", focus: {anchor}")
    inherited = placed("link/og", '"1:2"').replace("A kettle}", f"A kettle, focus: {anchor}}}")
    for text in (own, inherited):
        drawn = steps(text, "hero[ratio=link/og]:drawn")
        assert str(drawn[0]["fit"]["anchor"]) == anchor


def test_a_focus_of_its_own_goes_before_that_of_the_source():
    text = placed("link/og", more=", focus: bottom").replace("A kettle}", "A kettle, focus: top}")
    assert steps(text, "hero[ratio=link/og]:drawn")[0]["fit"]["anchor"] == "bottom"


def test_the_focus_of_a_picture_that_was_cut_is_not_that_of_the_part():
    text = (
        "axes: {ratio: [link/og]}\nassets: {scene: {prompt: A, focus: [0.9, 0.9]}, "
        "part: {from: scene, steps: [crop: {box: [0.0, 0.0, 0.5, 0.5]}]}, "
        'hero: {over: ratio, from: part, output: "{{ ratio }}.jpg"}}'
    )
    assert steps(text, "hero[ratio=link/og]:drawn")[0]["fit"]["anchor"] == "center"


def test_a_box_that_the_cut_cannot_hold_is_told_when_it_is_planned_with_figures():
    with pytest.raises(SpecErrors) as caught:
        actions(placed("google/display-728x90", more=", focus: [0.1, 0.1, 0.5, 0.6]"))
    (problem,) = caught.value.problems
    assert "a cut of 1440x178 from 1440x480 cannot hold the box of 720x288" in problem.what
    assert "[…, …, 0.5, 0.37]" in problem.hint


# ---------------------------------------------------------------------------------------------- the fewest masters


def test_exact_entries_share_masters_and_shapes_keep_theirs():
    assert masters(
        placed('"16:9"', "link/og", "linkedin/single", "google/display-300x250", "google/display-336x280")
    ) == {
        "16:9": "2048x1152",
        "link/og": "2048x1152",
        "linkedin/single": "2048x1152",
        "google/display-300x250": "896x736",
        "google/display-336x280": "896x736",
    }


def test_each_has_a_master_of_its_own_where_that_is_said():
    text = placed('"16:9"', "link/og", "google/display-300x250").replace("A kettle}", "A kettle, masters: each}")
    assert masters(text) == {"16:9": "2048x1152", "link/og": "1200x640", "google/display-300x250": "896x736"}


def test_listed_masters_are_the_only_ones_and_shapes_are_cut_from_them():
    listed = 'masters: ["16:9", link/og, 800x800]'
    text = placed('"16:9"', '"1:1"', "link/og", "meta/story").replace("A kettle}", f"A kettle, {listed}}}")
    assert masters(text) == {"16:9": "2048x1152", "1:1": "816x816", "link/og": "1200x640", "meta/story": "816x816"}
    assert any("`hero[ratio=meta/story]`: 1080x1920 from 816x816, enlarged 2.35 times" in note for note in notes(text))


def test_a_paid_picture_that_is_delivered_itself_is_cut_from_a_listed_master():
    text = (
        'axes: {ratio: ["16:9", "1:1"]}\n'
        'assets: {a: {over: ratio, prompt: A, masters: ["16:9"], output: "{{ ratio }}.png"}}'
    )
    found = actions(text)
    assert found["a[ratio=1:1]"].manifest["steps"][0] == {"crop": {"ratio": "1:1", "anchor": "center"}}
    assert found["a[ratio=1:1]"].size == (1152, 1152)
    assert "a[ratio=16:9]:master" not in found


@pytest.mark.parametrize(
    "prompt",
    ["A {{ ratio.orientation }} kettle", "{% if ratio.width > 900 %}A wide kettle{% else %}A kettle{% endif %}"],
)
def test_a_prompt_that_reads_the_ratio_keeps_every_entry_apart(prompt):
    text = placed('"16:9"', "link/og", "linkedin/single").replace("A kettle", f"'{prompt}'")
    assert masters(text) == {"16:9": "2048x1152", "link/og": "1200x640", "linkedin/single": "1200x640"}


def test_an_edit_shares_masters_where_its_source_does():
    text = placed('"16:9"', "link/og").replace(
        "hero:", 'night: {over: ratio, from: scene, prompt: By night, output: "n-{{ ratio }}.png"}, hero:'
    )
    assert masters(text, "night") == {"16:9": "2048x1152", "link/og": "2048x1152"}
    alone = text.replace("A kettle}", 'A kettle, output: "s-{{ ratio }}.png"}')
    assert masters(alone, "night") == {"16:9": "2048x1152", "link/og": "1200x640"}


def test_a_cell_that_an_inclusion_changes_stands_alone_and_the_others_do_not_count_with_it():
    text = "include: [{asset: scene, ratio: '16:9', quality: high}]\n" + placed('"16:9"', "link/og")
    assert masters(text) == {"16:9": "2048x1152", "link/og": "1200x640"}


def test_an_excluded_cell_does_not_decide_the_masters_of_the_others():
    axes = 'axes: {ratio: ["16:9", link/og], product: [kettle, mug]}\n'
    text = "exclude: [{product: mug, ratio: '16:9'}]\n" + axes + "assets: {scene: {over: [product, ratio], prompt: A}}"
    found = actions(text)
    assert found["scene[product=kettle,ratio=link/og]"].size == (2048, 1152)
    assert found["scene[product=mug,ratio=link/og]"].size == (1200, 640)


@pytest.mark.parametrize("provider", ["hinow", "apixo", "kie"])
def test_a_service_of_ratios_and_tiers_delivers_every_placement(provider):
    text = placed(*shipped_placements())
    found = actions(text, provider=provider, floating=True)
    delivered = {dict(each.cell)["ratio"]: each.size for each in found.values() if each.output}
    assert delivered == {name: placement.size for name, placement in shipped_placements().items()}
    assert len(set(masters(text, provider=provider, floating=True).values())) == 5


def test_a_mistake_in_placements_does_not_make_the_names_of_the_axis_unknown():
    found = mistakes_of(
        "placements: {shop/header: {size: big}}\naxes: {ratio: [shop/header]}\nassets: {a: {prompt: A}}"
    )
    assert [problem.what for problem in found] == ["placement `shop/header`: `size`: `big` is not a size"]


# ---------------------------------------------------------------------------------------------- what is lost


@pytest.mark.parametrize(
    ("steps_given", "size", "loss"),
    [
        ([("fit", {"cover": [800, 800], "anchor": "top"})], (1600, 800), (1.0, 0.5, 1.0)),
        ([("fit", {"cover": [1600, 1600], "anchor": "center"})], (800, 800), (2.0, 0.0, 2.0)),
        ([("fit", {"cover": [1600, 1600], "anchor": "center", "most_scale": 2.0})], (800, 800), (2.0, 0.0, 1.0)),
        ([("fit", {"contain": [400, 400], "anchor": "center", "background": "#fff"})], (800, 400), (0.5, 0.0, 1.0)),
        ([("fit", {"exact": [1600, 800]})], (800, 400), (2.0, 0.0, 2.0)),
        ([("crop", {"box": [0, 0, 0.5, 0.5], "unit": "relative"})], (800, 400), (1.0, 0.75, 1.0)),
        (
            [("crop", {"ratio": "1:1", "anchor": "center"}), ("fit", {"cover": [200, 200], "anchor": "center"})],
            (800, 400),
            (0.5, 0.5, 1.0),
        ),
        ([("encode", {"format": "png"})], (800, 400), (1.0, 0.0, 1.0)),
    ],
)
def test_what_a_picture_loses_on_its_way(steps_given, size, loss):
    assert tuple(fit_loss(steps_given, size)) == loss


def test_what_is_enlarged_or_cut_by_much_is_noted_once_an_asset_and_entry():
    axes = "axes: {ratio: [link/og, 4000x4000], locale: [en-US, de-DE]}\n"
    text = axes + (
        "assets: {scene: {over: ratio, prompt: A}, "
        'hero: {over: [locale, ratio], from: scene, output: "{{ locale }}-{{ ratio }}.jpg"}}'
    )
    assert notes(text) == ["`hero[ratio=4000x4000]`: 4000x4000 from 2880x2880, enlarged 1.39 times"]


def test_a_fit_says_how_much_it_may_enlarge_before_that_is_noted():
    more = ", steps: [{fit: {cover: [3000, 3000], most_scale: %s}}]"
    assert notes(placed('"1:1"', more=more % 1.4)) == [
        "`hero[ratio=1:1]`: 3000x3000 from 2048x2048, enlarged 1.46 times"
    ]
    assert notes(placed('"1:1"', more=more % 1.5)) == []


def test_a_factor_of_one_is_not_in_the_key():
    one, none = (
        steps(placed('"1:1"', more=f", steps: [{{fit: {{cover: [300, 300]{more}}}}}]"), "hero[ratio=1:1]")
        for more in (", most_scale: 1", "")
    )
    assert one == none
