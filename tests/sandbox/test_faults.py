"""Faults by script and by rate, and the latency: read, matched, counted, drawn."""

from __future__ import annotations

from collections import Counter

import pytest

from imagebuild.errors import ImagebuildError
from imagebuild.sandbox.faults import FAULTS, Faults, Latency, read_faults, read_rates


def scripted(text: str) -> Faults:
    return read_faults(text, file="faults.yaml")


def test_a_rule_plays_as_often_as_it_says_after_so_many_have_passed():
    faults = scripted("- {fault: cut, times: 2, after: 3}")
    assert [faults.scripted("request", "openai", "a") for _ in range(7)] == [None] * 3 + ["cut"] * 2 + [None] * 2


def test_a_rule_plays_once_at_its_stage_its_provider_and_its_prompts():
    faults = scripted('- {fault: error-charged, provider: hinow, prompt: "*kettle*"}')
    assert faults.scripted("request", "hinow", "a kettle") is None
    assert faults.scripted("result", "openai", "a kettle") is None
    assert faults.scripted("result", "hinow", "a mug") is None
    assert faults.scripted("result", "hinow", None) is None
    assert faults.scripted("result", "hinow", "a kettle") == "error-charged"
    assert faults.scripted("result", "hinow", "a kettle") is None


def test_the_first_rule_whose_turn_it_is_plays():
    faults = scripted("- {fault: cut}\n- {fault: error}\n- {fault: quota, times: 9}")
    assert [faults.scripted("request", "kie", "") for _ in range(4)] == ["cut", "error", "quota", "quota"]


def test_faults_of_one_protocol_are_played_there_alone():
    faults = scripted("- {fault: task-failed}\n- {fault: sse-cut}")
    assert faults.scripted("result", "openai", "") is None
    assert faults.scripted("stream", "openai", "") == "sse-cut"
    assert faults.scripted("result", "apixo", "") == "task-failed"


def test_a_file_may_hold_rates_and_a_seed_too():
    faults = scripted("script: [{fault: cut}]\nrates: {rate-text: 0.25, error: 1e-3}\nseed: 9\nhinow-shape: output")
    assert [each.fault for each in faults.script] == ["cut"]
    assert (faults.rates, faults.seed, faults.hinow_shape) == ({"rate-text": 0.25, "error": 0.001}, 9, "output")


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("- {fault: cut-chargd}", "no fault `cut-chargd`", "did you mean `cut-charged`?"),
        ("- {fautl: cut}", "unknown key `fautl` in a rule", "did you mean `fault`?"),
        ("- {times: 2}", "a rule without `fault`", None),
        ("- {fault: cut, times: 0}", "`times`: 0 is not between 1", None),
        ("- cut", "a rule: a mapping is wanted", None),
        ("cut", "faults: a mapping is wanted", None),
        ("rates: {cut: 2}", "rate of `cut`: a share between 0 and 1 is wanted", None),
        ("rates: {cut: 0.6, error: 0.6}", "together they are more than 1", None),
        ("rates: {cutt: 0.6}", "no fault `cutt`", "did you mean `cut`?"),
        ("hinow-shape: round", "`hinow-shape`: `round` is none of", None),
    ],
)
def test_a_mistake_is_told_with_its_place(text, says, hint):
    with pytest.raises(ImagebuildError) as caught:
        scripted(text)
    (problem,) = caught.value.problems
    assert says in problem.what
    assert problem.at is not None
    assert problem.at.line == 1
    assert hint is None or problem.hint == hint


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ImagebuildError) as caught:
        scripted("- {fault: one}\n- {fault: cut, after: x}\n- {fault: three}")
    assert [each.at.line for each in caught.value.problems] == [1, 2, 3]


def test_rates_are_met_in_their_share_and_each_number_has_at_most_one_fault():
    faults = Faults(rates={"cut": 0.1, "error-charged": 0.3}, seed=5)
    drawn = Counter(faults.drawn(str(number)) for number in range(4000))
    assert drawn["cut"] == pytest.approx(400, rel=0.2)
    assert drawn["error-charged"] == pytest.approx(1200, rel=0.1)
    assert set(drawn) == {"cut", "error-charged", None}


def test_what_is_drawn_follows_from_the_seed_alone():
    def drawn(seed: int) -> list[str | None]:
        faults = Faults(rates={"cut": 0.5}, seed=seed)
        return [faults.drawn(str(number)) for number in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_typed_rates_stand_beside_those_of_a_file_and_win():
    assert read_rates(["cut=0.5"], {"cut": 0.1, "error": 0.2}) == {"cut": 0.5, "error": 0.2}
    for wrong in ("cut", "cut=", "cut=2", "cut=-0.1", "cut=nan"):
        with pytest.raises(ImagebuildError, match="share between 0 and 1"):
            read_rates([wrong], {})
    with pytest.raises(ImagebuildError, match="no fault"):
        read_rates(["cat=0.1"], {})
    with pytest.raises(ImagebuildError, match="more than 1"):
        read_rates(["cut=0.9"], {"error": 0.2})


def test_a_latency_is_a_number_a_range_or_lognormal():
    assert Latency.parse("60").seconds(1, "1") == 60
    between = [Latency.parse("30-240").seconds(1, str(number)) for number in range(2000)]
    assert 30 <= min(between) < 35 < 235 < max(between) <= 240
    lognormal = sorted(Latency.parse("lognormal:90:0.5").seconds(1, str(number)) for number in range(2000))
    assert lognormal[1000] == pytest.approx(90, rel=0.1)
    assert Latency.parse("30-240").seconds(1, "7") == Latency.parse("30-240").seconds(1, "7")


@pytest.mark.parametrize("text", ["", "soon", "240-30", "-5", "lognormal:90", "nan", "inf", "1-2-3"])
def test_a_latency_that_is_none_is_a_mistake(text):
    with pytest.raises(ImagebuildError, match="latency"):
        Latency.parse(text)


def test_every_fault_says_what_it_is_and_belongs_to_a_stage():
    stages = {"request", "result", "stream", "line", "batch", "callback", "file"}
    for name, fault in FAULTS.items():
        assert fault.says, name
        assert fault.stages <= stages, name
        assert fault.stages, name
