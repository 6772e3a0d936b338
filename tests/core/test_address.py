"""Addresses, and the selectors that pick among them."""

from __future__ import annotations

import pytest

from imagebuild.core.address import Selectable, address_of, asset_of, cell_of, parse_selection
from imagebuild.errors import ImagebuildError


def item(asset, output=None, **cell):
    pairs = tuple(cell.items())
    return Selectable(address_of(asset, [f"{axis}={value}" for axis, value in pairs]), asset, pairs, output)


ITEMS = [
    item("scene", product="kettle"),
    item("scene", product="mug"),
    item("hero", "out/de/kettle.webp", product="kettle", locale="de-DE"),
    item("hero", "out/fr/kettle.webp", product="kettle", locale="fr-FR"),
    item("hero", "out/de/mug.webp", product="mug", locale="de-DE"),
    item("logo", "out/logo.png"),
]


def picked(*terms, exclude=()):
    selection = parse_selection(terms, exclude)
    return {each.address for each in ITEMS} if selection is None else selection.pick(ITEMS)


def refused(*terms, exclude=()):
    with pytest.raises(ImagebuildError) as caught:
        picked(*terms, exclude=exclude)
    return caught.value.what, caught.value.hint


HERO = {
    "hero[product=kettle,locale=de-DE]",
    "hero[product=kettle,locale=fr-FR]",
    "hero[product=mug,locale=de-DE]",
}


def test_an_address_names_an_asset_and_its_cell():
    assert address_of("hero", ["a=1", "b=2"]) == "hero[a=1,b=2]"
    assert address_of("logo", []) == "logo"
    assert [asset_of(each) for each in ("hero[a=1]", "logo", "hero[a=1]:master", "logo:master")] == [
        "hero", "logo", "hero", "logo",
    ]  # fmt: skip


def test_the_cell_is_read_back_from_an_address_also_of_what_is_on_the_way_to_it():
    assert cell_of("hero[locale=de-DE,ratio=16:9]") == (("locale", "de-DE"), ("ratio", "16:9"))
    assert cell_of("hero[locale=de-DE]:master") == (("locale", "de-DE"),)
    assert cell_of("hero") == ()


@pytest.mark.parametrize(
    ("terms", "exclude", "expected"),
    [
        (["hero"], [], HERO),
        (["her*"], [], HERO),
        (["logo", "scene"], [], {"logo", "scene[product=kettle]", "scene[product=mug]"}),
        (["locale=de-DE"], [], {"hero[product=kettle,locale=de-DE]", "hero[product=mug,locale=de-DE]"}),
        (["locale=de-DE", "locale=fr-FR"], [], HERO),
        (["locale=de-DE", "product=mug"], [], {"hero[product=mug,locale=de-DE]"}),
        (["product=m*"], [], {"scene[product=mug]", "hero[product=mug,locale=de-DE]"}),
        (["hero", "product=mug"], [], {"hero[product=mug,locale=de-DE]"}),
        (["hero[product=mug,locale=de-DE]"], [], {"hero[product=mug,locale=de-DE]"}),
        (["hero[locale=fr-*]"], [], {"hero[product=kettle,locale=fr-FR]"}),
        (["out/logo.png"], [], {"logo"}),
        (["./out/logo.png"], [], {"logo"}),
        (["out/de/*"], [], {"hero[product=kettle,locale=de-DE]", "hero[product=mug,locale=de-DE]"}),
        ([], ["hero", "logo"], {"scene[product=kettle]", "scene[product=mug]"}),
        (["hero"], ["locale=de-DE"], {"hero[product=kettle,locale=fr-FR]"}),
        (["hero"], ["out/fr/*"], {"hero[product=kettle,locale=de-DE]", "hero[product=mug,locale=de-DE]"}),
    ],
)
def test_names_add_up_axes_narrow_and_exclusions_take_away(terms, exclude, expected):
    assert picked(*terms, exclude=exclude) == expected


def test_nothing_said_is_the_whole_campaign():
    assert parse_selection([], []) is None


@pytest.mark.parametrize(
    ("terms", "exclude", "what", "hint"),
    [
        (["herro"], [], "nothing matches `herro`", "did you mean `hero`?"),
        (["locale=de-DD"], [], "nothing matches `locale=de-DD`", "did you mean `locale=de-DE`?"),
        (["hero"], ["product=jug"], "nothing matches `product=jug`", "did you mean `product=mug`?"),
        (["scene", "locale=de-DE"], [], "nothing is left of `scene` `locale=de-DE`", None),
        (["hero"], ["hero"], "nothing is left of `hero` without `hero`", None),
    ],
)
def test_a_selection_of_nothing_is_a_mistake_with_the_nearest_there_is(terms, exclude, what, hint):
    told = refused(*terms, exclude=exclude)
    assert told[0] == what
    assert hint is None or told[1] == hint
