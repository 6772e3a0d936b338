"""What a campaign says of approvals, and what that asks for in a cell."""

from __future__ import annotations

import pytest

from imagebuild.core.approvals.policy import Policy, Requirement, requirement_of
from tests.core.approvals.deciding import ANA, BEN, LEA
from tests.core.reading import campaign_of, expansion_of, mistakes_of

PEOPLE = "approvers: {brand: [ana, ben, cem], legal: [lea, luc]}\n"
AXES = "axes: {locale: [de-DE, fr-FR, fr-CA, ja-JP], product: [kettle, 7]}\n"
ASSETS = (
    "assets: {hero: {over: [locale, product], prompt: A, output: '{{ locale }}-{{ product }}.png'},"
    " poster: {over: locale, prompt: B, output: '{{ locale }}.png'%s}, sheet: {prompt: C, output: s.png}}\n"
)


def policy_of(approval="", people=PEOPLE, own=""):
    return campaign_of(people + (f"approval: {approval}\n" if approval else "") + AXES + ASSETS % own).approval


def asked(policy, asset="hero", locale="ja-JP", product="kettle"):
    return requirement_of(policy, asset, {"locale": locale, "product": product}).words


def test_a_campaign_that_says_nothing_has_no_policy_and_asks_anybody_once():
    policy = policy_of(people="")
    assert policy is None
    found = requirement_of(policy, "hero", {})
    assert found == Requirement((("", (), 1),), others=False)
    assert found.words == "1 of anybody"


def test_with_approvers_one_of_each_group_is_asked_and_not_who_had_it_made():
    assert asked(policy_of()) == "1 of brand, 1 of legal; not by who had it made"
    found = requirement_of(policy_of(), "hero", {})
    assert found.groups == (("brand", ("ana", "ben", "cem"), 1), ("legal", ("lea", "luc"), 1))


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        ("{need: {legal: 1}}", "1 of legal; not by who had it made"),
        ("{need: {legal: 1, brand: 2}}", "2 of brand, 1 of legal; not by who had it made"),
        ("{need: {legal: 2}, by_others: false}", "2 of legal"),
        ("{need: 4}", "4 of all approvers; not by who had it made"),
        ("{need: none}", "nobody"),
        ("{by_others: false}", "1 of brand, 1 of legal"),
    ],
)
def test_the_need_of_every_picture_is_said_by_group_by_number_or_none(approval, words):
    assert asked(policy_of(approval)) == words


def test_all_approvers_are_each_person_once():
    people = "approvers: {brand: [ana, ben], legal: [' Ana ', lea]}\n"
    (group,) = requirement_of(policy_of("{need: 2}", people), "hero", {}).groups
    assert group == ("", ("ana", "ben", "lea"), 2)


def test_without_approvers_a_number_is_of_anybody_and_makers_approve_too():
    assert asked(policy_of("{need: 2}", people="")) == "2 of anybody"
    assert asked(policy_of("{need: 2, by_others: true}", people="")) == "2 of anybody; not by who had it made"


RULES = (
    "{by_others: false, need: {brand: 1}, for: [{locale: [de-DE, 'fr-*'], need: {legal: 1}},"
    " {asset: poster, need: {brand: 2}}, {locale: fr-CA, asset: [hero, poster], need: 3},"
    " {product: 7, need: {legal: 2}}]}"
)


@pytest.mark.parametrize(
    ("asset", "locale", "product", "words"),
    [
        ("hero", "ja-JP", "kettle", "1 of brand"),
        ("hero", "de-DE", "kettle", "1 of brand, 1 of legal"),
        ("hero", "fr-FR", "kettle", "1 of brand, 1 of legal"),
        ("hero", "fr-CA", "kettle", "1 of brand, 1 of legal, 3 of all approvers"),
        ("hero", "de-DE", "7", "1 of brand, 2 of legal"),
        ("poster", "ja-JP", "kettle", "2 of brand"),
        ("poster", "fr-CA", "kettle", "2 of brand, 1 of legal, 3 of all approvers"),
    ],
)
def test_needs_add_up_the_highest_number_of_each_group_counts(asset, locale, product, words):
    assert asked(policy_of(RULES), asset, locale, product) == words


def test_a_picture_without_an_axis_is_not_met_by_a_rule_about_it():
    assert requirement_of(policy_of(RULES), "sheet", {}).words == "1 of brand"
    assert requirement_of(policy_of(RULES), "poster", {"locale": "ja-JP"}).words == "2 of brand"


@pytest.mark.parametrize(
    ("need", "words"), [("none", "nobody"), ("{legal: 2}", "2 of legal"), ("1", "1 of all approvers")]
)
def test_what_an_asset_says_itself_counts_instead_of_all_the_rest(need, words):
    rules = "{by_others: false, for: [{locale: de-DE, need: {legal: 1}}]}"
    policy = policy_of(rules, own=f", approval: {{need: {need}}}")
    assert asked(policy, "poster", "de-DE") == words
    assert asked(policy, "hero", "de-DE") == "1 of brand, 1 of legal"


def test_an_asset_alone_may_say_that_nobody_is_asked():
    policy = policy_of(people="", own=", approval: {need: none}")
    assert asked(policy, "poster") == "nobody"
    assert asked(policy, "hero") == "1 of anybody"


def test_the_stamp_changes_with_whatever_is_asked_and_not_with_how_names_are_written():
    def of(people=(ANA, BEN), count=1, name="brand", others=True):
        return Requirement(((name, people, count),), others)

    assert of().stamp == f"{of().digest}: 1 of brand; not by who had it made"
    assert len(of().digest) == 12
    others = [of((ANA, LEA)), of((ANA,)), of(count=2), of(name="legal"), of(others=False)]
    assert len({each.digest for each in (of(), *others)}) == 6
    assert of((BEN, f" {ANA.upper()}")).digest == of().digest


def test_policies_of_the_same_words_are_the_same():
    assert requirement_of(policy_of(RULES), "hero", {}) == requirement_of(policy_of(RULES), "hero", {})
    assert requirement_of(Policy(), "hero", {}) == requirement_of(None, "hero", {})


def test_all_mistakes_about_approvals_are_told_at_once_each_in_its_place():
    text = (
        "approvers: {brand: [ana, ben]}\napproval: {need: {brnad: 1}, by_others: 1, for: [{locale: xx, need: 1}]}\n"
        + AXES
        + ASSETS % ", approval: {need: {press: 1}}"
    )
    found = [(str(each.at), each.what) for each in mistakes_of(text)]
    assert found == [
        ("campaign.yaml:5:19", "`approval.need`: no group `brnad`"),
        ("campaign.yaml:5:41", "`approval.by_others`: true or false is wanted, this is the number `1`"),
        ("campaign.yaml:5:59", "`approval.for`: axis `locale` has no `xx`"),
        ("campaign.yaml:7:176", "asset `poster`: `approval.need`: no group `press`"),
    ]


@pytest.mark.parametrize(
    "broken", ["axes: [locale]\nassets: {poster: {prompt: A}}\n", "assets: {poster: A kettle}\n", "assets: 3\n"]
)
def test_of_axes_and_assets_that_cannot_be_read_no_rule_is_told(broken):
    rules = "approval: {for: [{asset: poster, need: {legal: 1}}%s]}\n"
    locale = ", {locale: de-DE, need: {legal: 1}}" if "axes" in broken else ""
    without = [(each.what, each.hint) for each in mistakes_of(PEOPLE + broken)]
    found = [(each.what, each.hint) for each in mistakes_of(PEOPLE + rules % locale + broken)]
    assert found == without != []


def test_approvals_change_no_key():
    plain = expansion_of(AXES + ASSETS % "").actions
    assert expansion_of(PEOPLE + f"approval: {RULES}\n" + AXES + ASSETS % ", alt: A kettle").actions == plain
