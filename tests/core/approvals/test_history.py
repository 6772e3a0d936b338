"""The approvals file's text: in any order of its lines the same history, after any merge whole, and no edit unseen."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from imagebuild.core.approvals.decision import decision_of, written
from imagebuild.core.approvals.history import (
    History,
    appended,
    approvals_name,
    parse_history,
    written_header,
)
from imagebuild.errors import ApprovalsError
from tests.core.approvals.deciding import ANA, BEN, FILE, HERO, LEA, decided, digest, history_of, lines_of, read, ref
from tests.core.approvals.deciding import text_of as text

SEEDS = some.integers(0, 2**32)


def told(history):
    return [(fault.line, fault.what) for fault in history.faults]


def grown(generator, history, count, prefix):
    """A branch: some decisions one after another, now and then several at once, some of them withdrawn."""
    lines, number = [], 0
    while number < count:
        batch = []
        for _ in range(min(generator.choice([1, 1, 1, 3]), count - number)):
            by = generator.choice([ANA, BEN, LEA])
            minute = generator.randrange(60)  # clocks differ: later decisions may say earlier times
            mine = [each for each in history.decisions if each.by == by and each.decision != "withdraw"]
            if mine and generator.random() < 0.2:
                more = {"undoes": generator.choice(mine).ref}
                batch.append(decided(f"{prefix}{number}", "withdraw", by=by, minute=minute, **more))
            else:
                kind = generator.choice(["approve", "reject", "comment"])
                batch.append(decided(f"{prefix}{number}", kind, by=by, minute=minute, why="so"))
            number += 1
        new, history = appended(history, batch)
        lines += [written(each) for each in new]
    return lines, history


def merged_branches(seed):
    """(lines of a repository after a few merges of random branches, how many decisions they are)."""
    generator = random.Random(seed)
    trunk, count = [], 0
    for round_ in range(generator.randint(1, 3)):
        base = read(trunk)
        assert base.faults == ()
        branches = []
        for branch in range(generator.randint(1, 4)):
            size = generator.randint(0, 5)
            branches.append(grown(generator, base, size, f"{round_}.{branch}.")[0])
            count += size
        for lines in branches:
            trunk += lines
    return trunk, count


@settings(deadline=None)  # the machine may be busy
@given(SEEDS)
def test_the_order_of_the_lines_means_nothing(seed):
    lines, _ = merged_branches(seed)
    expected = read(lines)
    shuffled = [written_header("spring-kettle"), *lines]
    random.Random(seed + 1).shuffle(shuffled)
    found = parse_history("\n".join([*shuffled, ""]), file=FILE)
    assert found == expected
    assert (found.by_asset, found.by_ref) == (expected.by_asset, expected.by_ref)


@settings(deadline=None)  # the machine may be busy
@given(SEEDS)
def test_of_merged_branches_no_decision_is_lost_and_none_is_doubled(seed):
    lines, count = merged_branches(seed)
    found = read([*lines, *lines])  # as a merge without any attribute may leave them
    assert found.faults == ()
    assert len(found.decisions) == count
    assert len({each.ref for each in found.decisions}) == count
    position = {each.id: index for index, each in enumerate(found.decisions)}
    assert all(position[before] < position[each.id] for each in found.decisions for before in each.after)


@settings(deadline=None)  # the machine may be busy
@given(SEEDS)
def test_the_next_decision_after_a_merge_ties_all_branches(seed):
    lines, _ = merged_branches(seed)
    before = read(lines)
    (new,), after = appended(before, [decided("next", minute=0)])
    assert new.after == before.heads
    assert after.heads == (new.id,)
    assert after.decisions[-1] == new
    again = read([*lines, written(new)])
    assert (again.decisions, again.heads, again.undone, again.faults) == (
        after.decisions,
        after.heads,
        after.undone,
        (),
    )


def test_of_two_branches_the_earlier_decision_comes_first_and_then_the_lower_id():
    base = history_of(decided("base"))
    ours, theirs = (lines_of(decided(name, minute=5), history=base) for name in ("ours", "theirs"))
    early = lines_of(decided("early", minute=3), history=base)
    found = read([*lines_of(decided("base")), *theirs, *ours, *early])
    first, second, *tied = found.decisions
    assert (first.ref, second.ref) == (ref("base"), ref("early"))
    assert [each.id for each in tied] == sorted(each.id for each in tied)
    assert found.heads == tuple(sorted(each.id for each in found.decisions[1:]))


# ---------------------------------------------------------------------------------------------------------- edits

CHAIN = lines_of(
    decided("one", why="gut – „so“", policy="3f2a9c01d2e4: 1 of brand"),
    decided("two", "reject", by=BEN, why="too dark", picture="two", minute=1),
    decided("three", "withdraw", by=BEN, undoes=ref("two"), picture="two", minute=2),
    decided("four", "comment", by=LEA, why="line\nbreak <b>", entered="import by ben", minute=3),
    decided("five", "retake", key=digest("key"), extra={"later": [1, {"deep": None}]}, minute=4),
    decided("six", minute=5),
)


def test_nothing_is_wrong_with_the_chain_that_is_edited_below():
    found = read(CHAIN)
    assert found.faults == ()
    assert found.undone == {ref("two")}
    assert [each.ref for each in found.decisions] == [
        ref(name) for name in ("one", "two", "three", "four", "five", "six")
    ]
    found.check()


@pytest.mark.parametrize("index", range(len(CHAIN) - 1))
def test_a_line_that_is_taken_out_shows_in_the_one_after_it(index):
    found = read(CHAIN[:index] + CHAIN[index + 1 :])
    gone = json.loads(CHAIN[index])["id"]
    assert told(found) == [(index + 2, f"the decision before this one is gone: no line has the id `{gone[:12]}…`")]


def test_what_is_cut_off_at_the_end_is_not_seen_by_the_file_alone():
    assert read(CHAIN[:-1]).faults == ()


def other_values(value):
    """Another value of the same kind, and of another."""
    if isinstance(value, str):
        return [value + "x", value[:-1], value.upper(), value[::-1], "", 7, None]
    return [[*value, "0" * 64], value[:-1], [*value, *value], "", None]


EDITS = [
    (index, name, value)
    for index, line in enumerate(CHAIN)
    for name, old in json.loads(line).items()
    for value in (other_values(old) if name != "later" else [[1], [1, {"deep": 0}], "later", None])
    if value != old
]


@pytest.mark.parametrize(("index", "name", "value"), EDITS, ids=[f"{i} {n} {v!r:.20}" for i, n, v in EDITS])
def test_a_field_that_is_altered_shows_on_its_line(index, name, value):
    row = {**json.loads(CHAIN[index]), name: value}
    found = read([*CHAIN[:index], json.dumps(row), *CHAIN[index + 1 :]])
    assert index + 2 in [fault.line for fault in found.faults]
    with pytest.raises(ApprovalsError):
        found.check()


@pytest.mark.parametrize("index", range(len(CHAIN)))
def test_a_field_that_is_taken_out_or_put_in_shows_on_its_line(index):
    row = json.loads(CHAIN[index])
    for changed in (
        *({name: value for name, value in row.items() if name != gone} for gone in row),
        {**row, "more": "x"},
    ):
        found = read([*CHAIN[:index], json.dumps(changed), *CHAIN[index + 1 :]])
        assert index + 2 in [fault.line for fault in found.faults]


def test_decisions_that_swap_their_texts_both_show():
    first, second = json.loads(CHAIN[0]), json.loads(CHAIN[1])
    first["why"], second["why"] = second["why"], first["why"]
    found = read([json.dumps(first), json.dumps(second), *CHAIN[2:]])
    edited = "the line was edited: its id is not that of what it says"
    assert told(found) == [(2, edited), (3, edited)]


def test_a_decision_that_is_made_anew_with_a_right_id_leaves_the_ones_after_it_alone():
    forged = replace(decision_of(json.loads(CHAIN[1])), decision="approve")
    found = read([CHAIN[0], written(forged), *CHAIN[2:]])
    assert [line for line, _ in told(found)] == [4]
    assert "is gone" in found.faults[0].what


def test_a_forged_decision_does_not_take_the_place_of_another_with_its_ref():
    early = decided("one", "reject", why="forged", at="2020-01-01T00:00:00Z")  # said before all others
    found = read([*CHAIN, written(early)])
    (fault,) = found.faults
    assert fault.what == "the decision of line 8 stands here again and says something else"
    assert fault.line == 2


@settings(deadline=None)  # the machine may be busy
@given(index=some.integers(0, len(CHAIN) - 1), data=some.data())
def test_no_single_character_of_a_line_changes_unseen(index, data):
    line = CHAIN[index]
    at = data.draw(some.integers(0, len(line) - 1))
    what = data.draw(some.sampled_from(["gone", "twice", "other"]))
    letter = data.draw(some.characters(exclude_categories=["Cs"], exclude_characters="\n"))
    changed = line[:at] + {"gone": "", "twice": line[at] * 2, "other": letter}[what] + line[at + 1 :]
    found = read([*CHAIN[:index], changed, *CHAIN[index + 1 :]])
    if not found.faults:  # then it says the very same: white space, or a character in another writing
        assert json.loads(changed) == json.loads(line)
        assert found.decisions == read(CHAIN).decisions


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda line: json.dumps(json.loads(line)),
        lambda line: json.dumps(dict(reversed(json.loads(line).items()))),
        lambda line: line + "\r",
        lambda line: "  " + line + "\t",
    ],
    ids=["blanks and escapes", "another order of the names", "line ends of Windows", "blanks around it"],
)
def test_what_only_formats_a_line_is_no_fault(rewrite):
    found = read([rewrite(line) for line in CHAIN])
    assert found == read(CHAIN)


def test_a_name_that_stands_twice_in_a_line_is_damage_whichever_would_count():
    line = CHAIN[0].replace('"by":', '"by":"eve@northwind.example","by":')
    assert json.loads(line) == json.loads(CHAIN[0])
    assert told(read([line, *CHAIN[1:]])) == [
        (2, "a damaged line: it cannot be read"),
        (3, f"the decision before this one is gone: no line has the id `{json.loads(line)['id'][:12]}…`"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "a damaged line: it cannot be read"),
        ("a", "a damaged line: it cannot be read"),
        ("[" * 100_000, "a damaged line: it cannot be read"),
        ("9" * 5_000, "a damaged line: it cannot be read"),
        ("[]", "a damaged line: no decision"),
        ("{}", "a damaged line: `id` is missing"),
        ('{"imagebuild.approvals":"1","campaign":"x"}', "a damaged header"),
        ('{"imagebuild.approvals":1}', "a damaged header"),
        ('{"imagebuild.approvals":true,"campaign":"x"}', "a damaged header"),
        (
            '{"imagebuild.approvals":2,"campaign":"x"}',
            "approvals format 2 is newer than this imagebuild can read (it reads up to 1)",
        ),
    ],
    ids=range(10),
)
def test_a_line_that_is_no_decision_is_told_with_its_number(line, words):
    assert told(read([CHAIN[0], line, *CHAIN[1:]])) == [(3, words)]


def test_without_its_header_a_history_is_an_edited_one():
    found = parse_history("\n".join([*CHAIN, ""]), file=FILE)
    assert [line for line, _ in told(found)] == [1]
    assert "the header is missing" in found.faults[0].what


def test_an_edited_history_is_refused_with_the_place_and_what_helps():
    edited = CHAIN[1].replace("too dark", "quite fine")
    with pytest.raises(ApprovalsError) as caught:
        read([CHAIN[0], edited, *CHAIN[2:4], "[]"]).check()
    (problem,) = caught.value.problems
    assert problem.what == "the line was edited: its id is not that of what it says (and 1 more)"
    assert (str(problem.at), problem.at.text) == ("imagebuild.approvals:3:1", edited)
    assert "git diff" in problem.hint
    with pytest.raises(ApprovalsError):
        appended(read([edited, *CHAIN[2:]]), [decided("more")])


# --------------------------------------------------------------------------------------------------------- merges


def test_the_conflict_markers_of_git_are_not_in_the_way():
    base = history_of(decided("base"))
    ours, theirs = (lines_of(decided(name), history=base) for name in ("ours", "theirs"))
    common = lines_of(decided("base"))
    conflict = ["<<<<<<< HEAD", *ours, "||||||| 4b825dc", "=======", *theirs, ">>>>>>> legal"]
    found = read([*common, *conflict])
    assert (found.faults, found.conflicted) == ((), True)
    assert found.decisions == read([*common, *ours, *theirs]).decisions
    assert len(found.decisions) == 3


def test_two_headers_and_empty_lines_are_what_a_merge_may_leave():
    doubled = f"{written_header('spring-kettle')}\n\n{text(CHAIN)}\n"
    assert parse_history(doubled, file=FILE) == read(CHAIN)
    assert parse_history("\ufeff" + text(CHAIN), file=FILE) == read(CHAIN)


def test_the_same_decision_that_arrived_on_two_branches_counts_once_and_both_are_tied():
    base = history_of(decided("base"))
    ours = lines_of(decided("x"), decided("same", by=LEA), history=base)
    theirs = lines_of(decided("same", by=LEA, entered="import by ben"), history=base)
    found = read([*lines_of(decided("base")), *ours, *theirs])
    assert found.faults == ()
    assert [each.ref for each in found.decisions].count(ref("same")) == 1
    assert found.heads == tuple(sorted(json.loads(line)["id"] for line in (ours[-1], theirs[-1])))
    (new,), after = appended(found, [decided("same", by=LEA), decided("next"), decided("next")])
    assert (new.ref, new.after, after.heads) == (ref("next"), found.heads, (new.id,))


def test_a_decision_that_is_there_already_is_not_written_again():
    history = read(CHAIN)
    assert appended(history, [decided("one", why="gut – „so“"), decided("six")]) == ([], history)


# ----------------------------------------------------------------------------------------------------- the tail


@settings(deadline=None)  # the machine may be busy
@given(some.integers(1, len(CHAIN[-1]) - 1))
def test_a_last_line_that_was_never_wholly_written_is_no_fault_and_no_decision(length):
    found = parse_history(text(CHAIN[:-1]) + CHAIN[-1][:length], file=FILE)
    assert (found.torn, found.faults) == (True, ())
    assert found.decisions == read(CHAIN[:-1]).decisions


def test_a_last_line_that_only_lacks_its_line_break_counts():
    found = parse_history(text(CHAIN).removesuffix("\n"), file=FILE)
    assert (found.torn, found.faults) == (False, ())
    assert found.decisions == read(CHAIN).decisions


def test_a_torn_line_within_the_file_is_a_fault():
    found = parse_history(text([*CHAIN[:-1], CHAIN[-1][:50]]), file=FILE)
    assert told(found) == [(len(CHAIN) + 1, "a damaged line: it cannot be read")]


def test_a_last_line_that_can_be_read_but_was_edited_is_a_fault_though_its_line_break_is_gone():
    edited = CHAIN[-1].replace(ANA, BEN)
    found = parse_history(text([*CHAIN[:-1], edited]).removesuffix("\n"), file=FILE)
    assert (found.torn, len(found.faults)) == (False, 1)


@pytest.mark.parametrize("empty", ["", "\n", written_header("x") + "\n", '{"imagebuild.appr'])
def test_a_file_that_holds_no_decision_is_an_empty_history(empty):
    found = parse_history(empty, file=FILE)
    assert (found.decisions, found.heads, found.faults) == ((), (), ())
    assert appended(found, [decided("first")])[0][0].after == ()


# -------------------------------------------------------------------------------------------------- taken back


@pytest.mark.parametrize(
    ("target", "by", "undone"),
    [
        (decided("it"), ANA, True),
        (decided("it"), "Ana@Northwind.Example", True),
        (decided("it"), BEN, False),
        (decided("it", "reject", why="no"), BEN, False),
        (decided("it", "retake", key=digest("key")), BEN, True),
        (decided("it", "withdraw", undoes=ref("other")), ANA, False),
    ],
    ids=["one's own", "one's own in another case", "another's", "another's no", "another's retake", "a withdrawal"],
)
def test_one_takes_back_ones_own_word_and_anybody_a_retake(target, by, undone):
    taken_back = decided("back", "withdraw", by=by, undoes=ref("it"))
    assert (ref("it") in history_of(target, taken_back).undone) is undone
    apart = [*lines_of(target), *lines_of(taken_back)]  # on two branches: neither is after the other
    assert (ref("it") in read(apart).undone) is undone
    assert (ref("it") in read(apart[::-1]).undone) is undone


def test_the_decisions_of_an_address_are_found_by_it_withdrawn_ones_too():
    found = history_of(decided("one"), decided("two", asset="poster"), decided("back", "withdraw", undoes=ref("one")))
    assert [each.ref for each in found.by_asset[HERO]] == [ref("one"), ref("back")]
    assert [each.ref for each in found.by_asset["poster"]] == [ref("two")]
    assert found.by_ref[ref("two")].asset == "poster"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("campaign.yaml", "imagebuild.approvals"),
        ("ads/x.yaml", "ads/x.imagebuild.approvals"),
        ("ads/campaign.yml", "ads/imagebuild.approvals"),
        (".yaml", ".yaml.imagebuild.approvals"),
    ],
)
def test_the_file_stands_beside_its_campaign_named_as_the_lock_is(spec, name):
    assert approvals_name(spec) == name


def test_a_history_says_of_which_campaign_it_is():
    assert read(CHAIN).campaign == "spring-kettle"
    assert History().campaign == ""


def test_an_id_that_stands_in_the_header_stands_for_no_decision():
    lines = [*CHAIN[:2]]
    gone = read(CHAIN).decisions[2]
    header = json.dumps({"imagebuild.approvals": 1, "campaign": "spring-kettle", "id": gone.id})
    history = parse_history("\n".join([header, *lines, ""]), file=FILE)
    assert [fault.what for fault in history.faults] == ["a damaged header: it says nothing of `id`"]
    assert gone.id not in history.chain
