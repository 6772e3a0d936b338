"""What decisions come to, case by case; and who may decide."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from imagebuild.core.approvals.history import appended
from imagebuild.core.approvals.policy import Requirement
from imagebuild.core.approvals.standing import STATES, Lack, may_decide, may_take_back, standing_of, waits_for
from tests.core.approvals.deciding import ANA, BEN, HERO, LEA, decided, digest, history_of, lines_of, read, ref

CEM, EVE = "cem@northwind.example", "eve@northwind.example"
ONE = Requirement((("", (), 1),), others=False)  # what is asked where a campaign says nothing
BRAND = Requirement((("brand", (ANA, BEN), 1),), others=False)
TWO = Requirement((("brand", (ANA, BEN, CEM), 2),), others=False)
BOTH = Requirement((("brand", (ANA, BEN), 1), ("legal", (LEA, ANA), 1)), others=False)
ANY_TWO = Requirement((("", (ANA, BEN, LEA), 2),), others=False)
NOBODY = Requirement((), others=False)
OTHERS = Requirement((("brand", (ANA, BEN, CEM), 1),), others=True)
OTHERS_BOTH = Requirement((("brand", (ANA, BEN, CEM), 1), ("legal", (LEA, ANA), 1)), others=True)


def yes(by, minute=0, **more):
    return decided(f"{by} {minute} {more.get('picture')}", by=by, minute=minute, **more)


def no(by, minute=0, **more):
    return decided(f"{by} {minute} {more.get('picture')}", "reject", by=by, minute=minute, why="no", **more)


def back(by, of, minute=9, **more):
    about = {"asset": of.asset, "digest": of.digest, **more}
    return decided(f"{by} takes {of} back {minute}", "withdraw", by=by, undoes=of.ref, minute=minute, **about)


def stands(requirement, *decisions, picture="one", makers=frozenset()):
    at = None if picture is None else digest(picture)
    return standing_of(HERO, at, history_of(*decisions), requirement, makers)


CASES = [
    # what is asked, what was said, the state, what is missing
    ("nothing said", ONE, [], "open", ["1 of anybody"]),
    ("anybody approves", ONE, [yes(EVE)], "approved", []),
    ("somebody else approves", BRAND, [yes(EVE)], "open", ["1 of brand"]),
    ("one of the group approves", BRAND, [yes(BEN)], "approved", []),
    ("the same in capitals", BRAND, [yes(BEN.upper())], "approved", []),
    ("one of two", TWO, [yes(ANA)], "partly", ["1 of brand"]),
    ("the same person twice", TWO, [yes(ANA), yes(ANA, 1)], "partly", ["1 of brand"]),
    ("the same person in two writings", TWO, [yes(ANA), yes(ANA.upper(), 1)], "partly", ["1 of brand"]),
    ("two of two", TWO, [yes(ANA), yes(CEM)], "approved", []),
    ("one group of two", BOTH, [yes(BEN)], "partly", ["1 of legal"]),
    ("the other group of two", BOTH, [yes(LEA)], "partly", ["1 of brand"]),
    ("somebody who is in both", BOTH, [yes(ANA)], "approved", []),
    ("two of any group", ANY_TWO, [yes(LEA), yes(BEN)], "approved", []),
    ("one of any group", ANY_TWO, [yes(LEA)], "partly", ["1 of all approvers"]),
    ("a rejection", BRAND, [no(ANA)], "rejected", ["1 of brand"]),
    ("a rejection beside an approval", BRAND, [yes(BEN), no(ANA)], "rejected", []),
    ("a rejection before an approval", BRAND, [no(ANA), yes(BEN)], "rejected", []),
    ("a rejection of somebody not asked", BRAND, [yes(BEN), no(EVE)], "approved", []),
    ("a mind changed to no", BRAND, [yes(ANA), no(ANA, 1)], "rejected", ["1 of brand"]),
    ("a mind changed to yes", BRAND, [no(ANA), yes(ANA, 1)], "approved", []),
    ("an approval taken back", BRAND, [yes(ANA), back(ANA, yes(ANA))], "open", ["1 of brand"]),
    ("a rejection taken back", BRAND, [yes(BEN), no(ANA), back(ANA, no(ANA))], "approved", []),
    ("the last word taken back", BRAND, [no(ANA), yes(ANA, 1), back(ANA, yes(ANA, 1))], "rejected", ["1 of brand"]),
    ("taken back by somebody else", BRAND, [yes(ANA), back(BEN, yes(ANA))], "approved", []),
    ("taken back, then said again", BRAND, [yes(ANA), back(ANA, yes(ANA)), yes(ANA, 2)], "approved", []),
    ("an approval of what was there before", BRAND, [yes(ANA, picture="old")], "lapsed", ["1 of brand"]),
    ("a rejection of what was there before", BRAND, [no(ANA, picture="old")], "open", ["1 of brand"]),
    ("approved before and again", BRAND, [yes(ANA, picture="old"), yes(BEN, 1)], "approved", []),
    ("approved before, partly now", TWO, [yes(ANA, picture="old"), yes(BEN, 1)], "partly", ["1 of brand"]),
    ("approved before by one not asked", BRAND, [yes(EVE, picture="old")], "open", ["1 of brand"]),
    ("approved before, taken back", BRAND, [yes(ANA, picture="old"), back(ANA, yes(ANA, picture="old"))], "open",
     ["1 of brand"]),
    ("approved before, then rejected then", BRAND, [yes(ANA, picture="old"), no(ANA, 1, picture="old")], "open",
     ["1 of brand"]),
    ("rejected before, approved now", BRAND, [no(ANA, picture="old"), yes(ANA, 1)], "approved", []),
    ("approved elsewhere", BRAND, [yes(ANA, asset="poster")], "open", ["1 of brand"]),
    ("only talked about", BRAND, [decided("c", "comment", why="hm"), decided("t", "retake", key=digest("k"))],
     "open", ["1 of brand"]),
    ("nobody is asked", NOBODY, [], "unneeded", []),
    ("nobody is asked and somebody says no", NOBODY, [no(ANA)], "unneeded", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "requirement", "said", "state", "missing"), CASES, ids=[case[0] for case in CASES])
def test_a_picture_stands_as_the_table_says(name, requirement, said, state, missing):
    found = stands(requirement, *said)
    assert (found.state, list(found.missing)) == (state, missing)
    assert found.state in STATES
    assert found.released is (state in ("approved", "unneeded"))


def test_an_approval_counts_again_when_the_picture_is_the_same_again():
    said = [yes(ANA, picture="one"), no(ANA, 1, picture="two")]
    assert stands(BRAND, *said, picture="one").state == "approved"
    assert stands(BRAND, *said, picture="two").state == "rejected"
    assert stands(BRAND, *said, picture="three").state == "lapsed"


def test_a_picture_that_is_not_built_is_open_whatever_was_approved_before():
    found = stands(BRAND, yes(ANA), picture=None)
    assert (found.state, found.approvals, found.missing) == ("open", (), ("1 of brand",))
    assert stands(NOBODY, picture=None).state == "unneeded"


def test_a_standing_names_the_decisions_that_it_comes_from():
    talk = decided("c", "comment", by=EVE, why="hm")
    taken_back = decided("d", "comment", by=EVE, why="slip")
    found = stands(
        BOTH, yes(ANA, picture="old"), yes(BEN), no(LEA), yes(EVE), talk, taken_back, back(EVE, taken_back),
        decided("e", "comment", why="of the old one", picture="old"),
    )  # fmt: skip
    assert found.state == "rejected"
    assert [each.by for each in found.approvals] == [BEN]
    assert [each.by for each in found.rejections] == [LEA]
    assert [each.ref for each in found.comments] == [ref("c")]
    assert [(each.by, each.digest) for each in found.lapsed] == [(ANA, digest("old"))]


def test_what_lapsed_is_in_the_order_of_the_last_words():
    said = [yes(ANA, picture="a"), yes(BEN, 1, picture="b"), no(ANA, 2, picture="a"), yes(ANA, 3, picture="a")]
    found = stands(BRAND, *said, picture="c")
    assert [each.digest for each in found.lapsed] == [digest("b"), digest("a")]


MAKERS = [
    ("not the maker", OTHERS, [yes(ANA)], {BEN}, "approved", []),
    ("the maker alone", OTHERS, [yes(ANA)], {ANA}, "open", ["1 of brand"]),
    ("the maker in other letters", OTHERS, [yes(ANA.upper())], {ANA}, "open", ["1 of brand"]),
    ("the maker and another", OTHERS, [yes(ANA), yes(BEN)], {ANA}, "approved", []),
    ("two makers", OTHERS, [yes(ANA), yes(BEN)], {ANA, BEN}, "open", ["1 of brand"]),
    ("a maker who rejects", OTHERS, [no(ANA), yes(BEN)], {ANA}, "rejected", []),
    ("a maker who is nobody's", OTHERS, [yes(ANA)], {EVE}, "approved", []),
    ("a maker of both groups", OTHERS_BOTH, [yes(ANA), yes(BEN)], {ANA}, "partly", ["1 of legal"]),
    ("makers may approve", BRAND, [yes(ANA)], {ANA}, "approved", []),
    ("unknown, one", OTHERS, [yes(ANA)], None, "partly",
     ["1 of brand (one more: it is not known who had it made)"]),
    ("unknown, none", OTHERS, [], None, "open", ["2 of brand (one more: it is not known who had it made)"]),
    ("unknown, two", OTHERS, [yes(ANA), yes(BEN)], None, "approved", []),
    ("unknown, of each group one more", OTHERS_BOTH, [yes(ANA), yes(BEN)], None, "partly",
     ["1 of legal (one more: it is not known who had it made)"]),
    ("unknown and of no matter", BRAND, [yes(ANA)], None, "approved", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "requirement", "said", "makers", "state", "missing"), MAKERS, ids=[case[0] for case in MAKERS]
)
def test_whoever_had_a_picture_made_does_not_approve_it(name, requirement, said, makers, state, missing):
    found = stands(requirement, *said, makers=None if makers is None else frozenset(makers))
    assert (found.state, list(found.missing)) == (state, missing)


@settings(deadline=None)  # the machine may be busy
@given(
    said=some.lists(some.tuples(some.sampled_from([ANA, BEN, CEM]), some.sampled_from(["approve", "comment"]))),
    maker=some.sampled_from([ANA, BEN, CEM]),
)
def test_where_makers_are_not_known_nothing_is_approved_that_would_not_be_if_they_were(said, maker):
    decisions = [decided(str(at), kind, by=by, why="so") for at, (by, kind) in enumerate(said)]
    if stands(OTHERS, *decisions, makers=None).released:
        assert stands(OTHERS, *decisions, makers=frozenset([maker])).released


MAY = [
    (ANA, "approve", BRAND, frozenset(), None),
    (EVE, "approve", BRAND, frozenset(), f"`{EVE}` is not among those who decide here: `{ANA}`, `{BEN}`"),
    (EVE, "reject", BRAND, frozenset(), f"`{EVE}` is not among those who decide here: `{ANA}`, `{BEN}`"),
    (EVE, "comment", BRAND, frozenset(), None),
    (EVE, "retake", BRAND, frozenset(), None),
    (EVE, "pick", BRAND, frozenset(), None),
    (EVE, "withdraw", BRAND, frozenset(), None),
    (EVE, "approve", ONE, frozenset(), None),
    (EVE, "reject", ONE, None, None),
    (ANA, "approve", OTHERS, frozenset([ANA]), "whoever had a picture made does not approve it"),
    (ANA, "reject", OTHERS, frozenset([ANA]), None),
    (ANA, "approve", OTHERS, None, None),
    (ANA, "approve", BRAND, frozenset([ANA]), None),
    (LEA, "approve", BOTH, frozenset(), None),
    (ANA, "approve", NOBODY, frozenset(), "no approval is asked for here"),
    (ANA, "comment", NOBODY, frozenset(), None),
]


@pytest.mark.parametrize(("who", "decision", "requirement", "makers", "why"), MAY)
def test_who_may_decide_is_said_in_words(who, decision, requirement, makers, why):
    assert may_decide(who, decision, requirement, makers) == why


def test_of_many_who_may_decide_some_are_named():
    people = tuple(f"p{number}" for number in range(9))
    why = may_decide(EVE, "approve", Requirement((("brand", people, 1),), others=False), None)
    assert why == f"`{EVE}` is not among those who decide here: `p0`, `p1`, `p2`, `p3`, `p4`, `p5` and 3 more"


@pytest.mark.parametrize("who", [ANA, BEN, LEA, EVE])
@pytest.mark.parametrize("requirement", [ONE, BRAND, TWO, BOTH, ANY_TWO, NOBODY, OTHERS])
@pytest.mark.parametrize("makers", [frozenset(), frozenset([ANA])])
def test_exactly_those_decisions_count_that_somebody_may_take(who, requirement, makers):
    for decision, field in (("approve", "approvals"), ("reject", "rejections")):
        found = stands(requirement, decided("it", decision, by=who, why="so"), makers=makers)
        assert bool(getattr(found, field)) is (may_decide(who, decision, requirement, makers) is None)


def branches(*words):
    """The same person's words on branches of their own, merged: none was said in the knowledge of another."""
    return read([line for each in words for line in lines_of(each)])


@pytest.mark.parametrize("minutes", [(0, 1), (1, 0), (1, 1)])
def test_of_one_persons_words_on_two_branches_a_rejection_holds_whatever_the_clocks_say(minutes):
    history = branches(yes(ANA, minutes[0]), no(ANA, minutes[1]))
    assert len(history.heads) == 2
    assert standing_of(HERO, digest("one"), history, BRAND, frozenset()).state == "rejected"


def test_a_rejection_is_outdone_by_an_approval_in_its_knowledge_and_by_being_taken_back():
    reject = no(ANA, 5)
    history = branches(yes(ANA, 9), reject)
    _, outdone = appended(history, [yes(ANA, 10)])  # names both branches' last words
    assert standing_of(HERO, digest("one"), outdone, BRAND, frozenset()).state == "approved"
    _, taken_back = appended(history, [back(ANA, reject, 10)])
    assert standing_of(HERO, digest("one"), taken_back, BRAND, frozenset()).state == "approved"


def test_what_was_said_after_a_decision_that_came_by_two_branches_follows_it():
    twice = no(ANA, 1)
    there = lines_of(back(BEN, twice, 2), twice)  # the same decision once more, elsewhere in the chain
    later = lines_of(yes(ANA, 3), history=read(there))
    history = read([*lines_of(twice), *there, *later])
    assert not history.faults
    assert standing_of(HERO, digest("one"), history, BRAND, frozenset()).state == "approved"


def test_an_approval_that_a_maker_entered_in_anothers_name_does_not_count_where_others_are_asked_for():
    for entered, state in (
        (f"import by {CEM}", "open"),
        (f"as said by {CEM.upper()}", "open"),
        (f"import by {BEN}", "approved"),
    ):
        assert stands(OTHERS, yes(ANA, entered=entered), makers=frozenset({CEM})).state == state
    both = [yes(ANA, 1), yes(ANA, 2, entered=f"as said by {CEM}")]
    assert stands(OTHERS, *both, makers=frozenset({CEM})).state == "approved", "her own word stands"
    refused = [no(ANA, 1), yes(ANA, 2, entered=f"as said by {CEM}")]
    assert stands(OTHERS, *refused, makers=frozenset({CEM})).state == "rejected"
    assert stands(BRAND, yes(ANA, entered=f"import by {CEM}"), makers=frozenset({CEM})).state == "approved"


def test_of_those_who_are_waited_for_makers_are_none_unless_there_is_nobody_else():
    assert stands(OTHERS, makers=frozenset({ANA})).lacks == (Lack((BEN, CEM), "1 of brand"),)
    assert stands(OTHERS, makers=frozenset({ANA, BEN, CEM})).lacks == (Lack((ANA, BEN, CEM), "1 of brand"),)
    assert stands(BRAND, makers=frozenset({ANA})).lacks == (Lack((ANA, BEN), "1 of brand"),)


WORDS = some.tuples(some.sampled_from(["yes", "no", "back"]), some.sampled_from([ANA, BEN, LEA, CEM, EVE]))


@settings(max_examples=300)
@given(
    requirement=some.sampled_from([ONE, BRAND, TWO, BOTH, ANY_TWO, NOBODY, OTHERS, OTHERS_BOTH]),
    words=some.lists(WORDS, max_size=7),
    makers=some.one_of(some.none(), some.frozensets(some.sampled_from([ANA, CEM, EVE]), max_size=2)),
)
def test_it_waits_for_exactly_those_whose_approval_brings_it_closer(requirement, words, makers):
    said = []
    for minute, (word, by) in enumerate(words):
        own = [each for each in said if each.by == by and each.decision != "withdraw"]
        if word == "back" and own:
            said.append(back(by, own[-1], minute))
        elif word != "back":
            said.append((yes if word == "yes" else no)(by, minute))
    before = stands(requirement, *said, makers=makers)
    waits = waits_for(before, requirement, makers)
    for who in (ANA, BEN, LEA, CEM, EVE):
        after = stands(requirement, *said, yes(who, 30), makers=makers)
        helps = after.missing != before.missing and may_decide(who, "approve", requirement, makers) is None
        assert (waits is not None and waits.has(f" {who.upper()}")) is (helps and before.state != "rejected")


@pytest.mark.parametrize(
    ("entered", "makers", "requirement", "state"),
    [
        (f"as said by {CEM}", {CEM}, OTHERS, "rejected"),
        (f"import by {CEM.upper()}", {CEM}, OTHERS, "rejected"),
        (f"as said by {EVE}", {CEM}, OTHERS, "approved"),
        (f"as said by {CEM}", {CEM}, BRAND, "approved"),  # there nobody minds who had it made
        (None, {CEM}, OTHERS, "approved"),
    ],
)
def test_whoever_had_a_picture_made_takes_back_nobody_elses_rejection(entered, makers, requirement, state):
    said = [yes(BEN), no(ANA, 1), back(ANA, no(ANA, 1), entered=entered)]
    assert stands(requirement, *said, makers=frozenset(makers)).state == state


def test_what_was_taken_back_by_a_maker_and_then_by_whoever_said_it_is_taken_back():
    said = [yes(BEN), no(ANA, 1), back(ANA, no(ANA, 1), 3, entered=f"as said by {CEM}"), back(ANA, no(ANA, 1), 4)]
    assert stands(OTHERS, *said, makers=frozenset({CEM})).state == "approved"


def test_a_maker_may_enter_that_an_approval_is_taken_back_and_no_rejection():
    makers = frozenset({CEM})
    assert may_take_back(yes(ANA), CEM, OTHERS, makers) is None
    assert may_take_back(no(ANA), ANA, OTHERS, makers) is None
    assert may_take_back(no(CEM), CEM.upper(), OTHERS, makers) is None
    assert may_take_back(no(ANA), EVE, OTHERS, makers) is None
    assert may_take_back(no(ANA), CEM, BRAND, None) is None
    told = may_take_back(no(ANA), CEM, OTHERS, makers)
    assert told is not None
    assert f"`{ANA}` does" in told
    own = no(ANA, entered=f"as said by {CEM}")
    assert may_take_back(own, CEM.upper(), OTHERS, makers) is None, "it was a slip of theirs"
    assert may_take_back(own, ANA, OTHERS, makers) is None


def test_a_makers_slip_of_a_rejection_is_theirs_to_take_back_and_what_was_said_before_holds_again():
    slip = no(ANA, 1, entered=f"as said by {CEM}")
    said = [yes(ANA), slip]
    assert stands(OTHERS, *said, makers=frozenset({CEM})).state == "rejected"
    said.append(back(ANA, slip, 2, entered=f"import by {CEM}"))
    assert stands(OTHERS, *said, makers=frozenset({CEM})).state == "approved"


@pytest.mark.parametrize(
    "more", [{"by": EVE}, {"asset": "poster"}, {"digest": digest("another")}], ids=["by", "asset", "digest"]
)
def test_a_line_that_takes_nothing_back_does_not_help_a_makers_withdrawal(more):
    """As somebody may write it into the file."""
    rejected = no(ANA, 1)
    said = [yes(BEN), rejected, back(ANA, rejected, 2, entered=f"as said by {CEM}")]
    if "by" in more:
        said.append(back(EVE, rejected, 3))
    else:
        said[-1] = back(ANA, rejected, 2, **more)
    assert stands(OTHERS, *said, makers=frozenset({CEM})).state == "rejected"
