"""What a person can say about paying: each option as it is typed, against services that stand for the real ones.

Every test ends with what the sandbox's own books say: what a real service would have billed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.key import Key
from imagebuild.store.journal import LocalJournal
from tests.cli.conftest import edit, run_imagebuild
from tests.cli.inside import Done, inside
from tests.sandboxes import RunningSandbox, start_sandbox

if sys.platform == "win32":
    pytest.skip("terminals of POSIX", allow_module_level=True)
else:
    import pty

CAMPAIGN = """\
imagebuild: 1
campaign: small
model: gpt-image-2-2026-04-21
provider: openai
allow_floating: true
budget: {build: 1 USD}
axes:
  n: [a, b, c]
assets:
  poster:
    over: [n]
    prompt: "A poster. Number {{ n }}."
    size: 1024x640  # the least there is
    quality: medium
    output: "{{ n }}.png"
"""
PRICE = 0.0287  # of one, about

Build = Callable[..., Done]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(speed=2000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.reset()
    return running


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    return write(tmp_path / "campaign")


def write(folder: Path) -> Path:
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return folder


def surroundings(sandbox: RunningSandbox) -> dict[str, str]:
    return sandbox.environment() | {"IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none"}


@pytest.fixture
def imagebuild(
    campaign: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Build:
    """`imagebuild("build", …)` in the campaign, with keys and the sandbox's addresses."""
    run = inside(monkeypatch, capsys)
    return lambda *words, **environment: run(campaign, *words, **surroundings(sandbox) | environment)


def numbers(sandbox: RunningSandbox) -> str:
    """The pictures that were billed, by their numbers, in alphabetical order: `abbc` is b twice."""
    return "".join(sorted(each["prompt"].removesuffix(".")[-1] for each in sandbox.charges()))


def end_of(done: Done | subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last event of `build --json`."""
    end: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert end["exit"] == done.returncode
    return end


def outputs(campaign: Path) -> set[str]:
    return {path.name for path in (campaign / "out").glob("*")}


def states(imagebuild: Build) -> Counter[str]:
    return Counter(each["state"] for each in json.loads(imagebuild("ledger", "--json").stdout)["payments"])


# --------------------------------------------------------------------------------------------------- unknown outcomes


@pytest.fixture(scope="module")
def half_built(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign, built once, with b's outcome not known."""
    folder = write(tmp_path_factory.mktemp("once") / "campaign")
    running.reset()
    running.set_faults({"fault": "cut-charged", "prompt": "*b.*"})
    done = run_imagebuild(folder, "build", "--json", **surroundings(running))
    assert (end_of(done)["uncertain"], end_of(done)["made"], done.returncode) == (1, 2, 1)
    assert numbers(running) == "abc"
    return folder


@pytest.fixture
def uncertain(half_built: Path, campaign: Path, imagebuild: Build) -> Build:
    """The command line, where b's outcome is not known. The sandbox's books begin anew."""
    ignored = shutil.ignore_patterns("memory")  # it speaks of where it was made
    shutil.copytree(half_built, campaign, copy_function=shutil.copy2, ignore=ignored, dirs_exist_ok=True)
    return imagebuild


@pytest.mark.parametrize("words", [(), ("--on-uncertain", "skip")])
def test_what_nobody_knows_the_outcome_of_is_not_asked_for_again_by_itself(uncertain, sandbox, campaign, words):
    done = uncertain("build", "--json", *words)
    assert (done.returncode, end_of(done)["uncertain"]) == (1, 1)
    assert "error:" not in done.stderr
    assert numbers(sandbox) == ""
    assert outputs(campaign) == {"a.png", "c.png"}


def test_retry_asks_again_and_the_ledger_has_both(uncertain, sandbox, campaign):
    plan = json.loads(uncertain("plan", "--json", "--on-uncertain", "retry").stdout)
    assert float(plan["price"]) == pytest.approx(PRICE, rel=0.01)
    done = uncertain("build", "--json", "--on-uncertain", "retry")
    assert (done.returncode, end_of(done)["made"]) == (0, 1)
    assert numbers(sandbox) == "b"
    assert states(uncertain) == {"paid": 3, "uncertain": 1}
    assert outputs(campaign) == {"a.png", "b.png", "c.png"}


def asked_at_a_terminal(campaign: Path, sandbox: RunningSandbox, answer: str) -> tuple[int, str, str]:
    """`build --on-uncertain ask` with a terminal as its input, and an answer typed."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **surroundings(sandbox), "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "imagebuild", "build", "--on-uncertain", "ask"], cwd=campaign, env=environment,
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, answer.encode())
        said, errors = process.communicate(timeout=60)
        os.close(ours)
    return process.returncode, said, errors


@pytest.mark.parametrize(("answer", "code", "billed"), [("y\n", 0, "b"), ("n\n", 1, ""), ("\x04", 1, "")])
def test_ask_shows_what_it_is_about_and_does_as_it_is_told(uncertain, sandbox, campaign, answer, code, billed):
    returned, said, errors = asked_at_a_terminal(campaign, sandbox, answer)
    assert "? uncertain poster × 1: its request left" in errors
    assert "ask again for 1 picture, for $0.0287, which may be paid twice? [y/N] " in errors
    assert returned == code
    assert said.startswith("Done: made 1 · reused 2 " if code == 0 else "Not done: made 0 · reused 2 ")
    assert numbers(sandbox) == billed


def test_ask_without_a_terminal_is_an_error_when_there_is_something_to_ask(uncertain, sandbox):
    done = uncertain("build", "--on-uncertain", "ask")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: `--on-uncertain ask` needs a terminal: the outcome of 1 request is not known\n"
        "  hint: say `--on-uncertain retry` (it may pay twice) or `--on-uncertain skip`\n"
    )
    assert numbers(sandbox) == ""


def test_ask_with_nothing_to_ask_builds(imagebuild, sandbox):
    assert imagebuild("build", "--on-uncertain", "ask").returncode == 0
    assert numbers(sandbox) == "abc"


# ----------------------------------------------------------------------------------------------- refused, and flawed


def test_what_was_refused_is_remembered_until_it_is_asked_for_again_by_name(imagebuild, sandbox, campaign):
    sandbox.set_faults({"fault": "moderation-input", "prompt": "*b.*"})
    assert end_of(imagebuild("build", "--json"))["refused"] == 1
    asked = len(sandbox.requests("/images/generations"))
    again = imagebuild("build", "--json")
    assert (again.returncode, end_of(again)["refused"]) == (1, 1)
    assert len(sandbox.requests("/images/generations")) == asked
    done = imagebuild("build", "--retry-refused")
    assert done.returncode == 0
    assert (numbers(sandbox), outputs(campaign)) == ("abc", {"a.png", "b.png", "c.png"})


def test_what_one_service_refused_another_is_asked_for(imagebuild, sandbox, campaign):
    edit(campaign, "campaign.yaml", "size: 1024x640", "size: 1024x1024")  # every service can make that
    sandbox.set_faults({"fault": "moderation-input", "prompt": "*b.*", "provider": "openai"})
    imagebuild("build", "--quiet")
    plan = imagebuild("plan", "--provider", "hinow")
    assert "note: `openai` refused `poster[n=b]`: `hinow` is asked now" in plan.stdout
    done = imagebuild("build", "--provider", "hinow")
    assert (done.returncode, "made 1" in done.stdout) == (0, True), done.stderr
    assert [each["provider"] for each in sandbox.charges()] == ["openai", "openai", "hinow"]


def test_a_flawed_picture_is_taken_as_it_is_when_somebody_says_so_and_not_paid_again(imagebuild, sandbox, campaign):
    sandbox.set_faults({"fault": "wrong-size", "prompt": "*b.*"})
    first = imagebuild("build", "--json")
    assert (first.returncode, end_of(first)["flawed"]) == (1, 1)
    assert outputs(campaign) == {"a.png", "c.png"}
    assert end_of(imagebuild("build", "--json"))["flawed"] == 1
    plan = json.loads(imagebuild("plan", "--json", "--accept-flawed").stdout)
    assert plan["price"] == "0"
    done = imagebuild("build", "--accept-flawed")
    assert done.returncode == 0, done.stderr
    assert "spent $0.00" in done.stdout
    assert (numbers(sandbox), outputs(campaign)) == ("abc", {"a.png", "b.png", "c.png"})
    assert imagebuild("build").stdout == "Nothing to do: all 3 in place.\n"


# ------------------------------------------------------------------------------------------------------------- budget


def test_over_budget_nothing_is_sent_and_within_it_as_far_as_it_goes(imagebuild, sandbox, campaign):
    edit(campaign, "campaign.yaml", "1 USD", "0.08 USD")
    refused = imagebuild("build")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "error: the plan costs $0.0861, over budget: this build may cost 0.08 USD (`budget.build`)\n"
        "  hint: raise the budget, select fewer assets, or `--within-budget`: the dearest first, as far as it goes\n"
    )
    assert sandbox.requests() == []
    larger = 'output: "{{ n }}.png"\n  z: {prompt: "The largest z.", size: 1536x1024, output: z.png}'
    edit(campaign, "campaign.yaml", 'output: "{{ n }}.png"', larger)
    done = imagebuild("build", "--within-budget", "--json")
    end = end_of(done)
    assert (done.returncode, end["made"], end["left"]) == (2, 2, 2)
    assert len(numbers(sandbox)) == 2
    assert float(end["spent"]) <= 0.08
    assert imagebuild("build", "--within-budget", "--quiet").returncode == 0
    assert numbers(sandbox) == "abcz"


# ------------------------------------------------------------------------------------------------------------ batches


def until_collected(imagebuild: Build, *words: str) -> Done:
    """Build until no batch is under way any more, as somebody would who comes back now and then."""
    deadline = time.monotonic() + 60
    while True:
        done = imagebuild("build", "--json", *words)
        if not end_of(done)["left"]:
            return done
        assert time.monotonic() < deadline, done.stdout
        time.sleep(0.2)


def test_a_batch_is_handed_in_at_half_the_price_and_a_later_build_collects_it(imagebuild, sandbox, campaign):
    plan = json.loads(imagebuild("plan", "--batch", "--json").stdout)
    assert (plan["batch"], float(plan["price"])) == (True, pytest.approx(1.5 * PRICE, rel=0.01))
    handed_in = imagebuild("build", "--batch", "--json")
    end = end_of(handed_in)
    assert (handed_in.returncode, end["submitted"], end["left"], end["made"]) == (2, 3, 3, 0)
    done = until_collected(imagebuild)
    assert (done.returncode, end_of(done)["collected"]) == (0, 3)
    assert (numbers(sandbox), {each["batch"] for each in sandbox.charges()}) == ("abc", {True})
    assert outputs(campaign) == {"a.png", "b.png", "c.png"}
    payments = json.loads(imagebuild("ledger", "--json").stdout)
    assert states(imagebuild) == {"paid": 3}
    assert float(payments["total"]["billed"]) == pytest.approx(1.5 * PRICE, rel=0.01)
    assert len(sandbox.requests("/batches")) == 1


def test_what_a_batch_expired_without_is_asked_for_anew_and_the_rest_is_kept(imagebuild, sandbox):
    sandbox.set_faults({"fault": "batch-expire"})
    assert imagebuild("build", "--batch", "--quiet").returncode == 2
    until_collected(imagebuild)
    assert imagebuild("build", "--quiet").returncode == 0
    assert numbers(sandbox) == "abc"
    assert sorted(each["batch"] for each in sandbox.charges()) == [False, True, True]


def test_a_batch_that_fails_as_a_whole_costs_nothing_and_is_told(imagebuild, sandbox):
    sandbox.set_faults({"fault": "batch-fail"})
    assert imagebuild("build", "--batch", "--quiet").returncode == 2
    deadline = time.monotonic() + 60
    while "Enqueued token limit reached" not in (told := imagebuild("build", "--quiet")).stderr:
        assert told.returncode == 2
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert numbers(sandbox) == ""
    assert imagebuild("build").returncode == 0
    assert numbers(sandbox) == "abc"


def test_a_service_without_batches_is_an_error_of_the_plan_with_who_has_them(imagebuild, sandbox):
    for words in (("plan",), ("build",), ("why", "poster")):
        done = imagebuild(*words, "--batch", "--provider", "together")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "error: `together` has no batches\n  hint: served by `openai`\n"
    assert sandbox.requests() == []


# --------------------------------------------------------------------------------------------------------- saved plans


def test_a_saved_plan_carries_what_may_be_paid_again(uncertain, sandbox):
    uncertain("plan", "--on-uncertain", "retry", "--out", "plan.json")
    assert uncertain("build").returncode == 1
    assert numbers(sandbox) == ""
    done = uncertain("build", "--plan", "plan.json")
    assert done.returncode == 0, done.stderr
    assert numbers(sandbox) == "b"


def test_a_saved_plan_is_of_the_provider_it_was_made_for(imagebuild, sandbox):
    imagebuild("plan", "--out", "plan.json", IMAGEBUILD_PROVIDER="together")
    assert imagebuild("build", "--plan", "plan.json", IMAGEBUILD_PROVIDER="hinow").returncode == 0
    assert {each["provider"] for each in sandbox.charges()} == {"together"}


@pytest.fixture(scope="module")
def saved(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], str]:
    """Plans that were saved with these options."""
    folder = write(tmp_path_factory.mktemp("saved") / "campaign")
    found = {}
    for words in ((), ("--on-uncertain", "retry")):
        assert run_imagebuild(folder, "plan", *words, "--out", "plan.json", **surroundings(running)).returncode == 0
        found[words] = (folder / "plan.json").read_text(encoding="utf-8")
    return found


@pytest.mark.parametrize(
    ("saved_with", "given", "says", "hint"),
    [
        ([], ["--on-uncertain", "retry"], "the plan was saved without `--on-uncertain retry`", "--on-uncertain retry"),
        (
            ["--on-uncertain", "retry"], ["--on-uncertain", "skip"],
            "the plan was saved with `--on-uncertain retry`", "--on-uncertain skip",
        ),
        ([], ["--on-uncertain", "ask"], "`--plan` asks nothing", "leave out `--on-uncertain ask`"),
        ([], ["--retry-refused"], "the plan was saved without `--retry-refused`", "--retry-refused"),
        ([], ["--accept-flawed"], "the plan was saved without `--accept-flawed`", "--accept-flawed"),
        ([], ["--batch"], "the plan was saved without `--batch`", "--batch"),
        ([], ["n=a"], "`--plan` says already what to build", "leave out the selection"),
        ([], ["--exclude", "n=a"], "`--plan` says already what to build", "leave out the selection"),
        ([], ["--provider", "proof"], "`--plan` says already what to build", "and `--provider`"),
    ],
)  # fmt: skip
def test_an_option_that_says_otherwise_than_the_saved_plan_is_refused(
    imagebuild, sandbox, campaign, saved, saved_with, given, says, hint
):
    (campaign / "plan.json").write_text(saved[tuple(saved_with)], encoding="utf-8")
    done = imagebuild("build", "--plan", "plan.json", *given)
    assert (done.returncode, done.stdout) == (1, "")
    what, _, more = done.stderr.partition("\n  hint: ")
    assert what == f"error: {says}"
    assert hint in more
    assert sandbox.requests() == []


def test_an_option_that_says_the_same_as_the_saved_plan_is_fine(imagebuild, sandbox):
    words = ["--on-uncertain", "retry", "--retry-refused", "--accept-flawed"]
    imagebuild("plan", *words, "--out", "plan.json")
    assert imagebuild("build", "--plan", "plan.json", *words).returncode == 0
    imagebuild("plan", "--out", "plan.json")
    assert imagebuild("build", "--plan", "plan.json", "--on-uncertain", "skip").returncode == 0
    assert numbers(sandbox) == "abc"


def test_a_plan_that_a_paid_build_has_overtaken_is_stale_and_pays_nothing(imagebuild, sandbox):
    imagebuild("plan", "--out", "plan.json")
    imagebuild("build", "n=a", "--quiet")
    done = imagebuild("build", "--plan", "plan.json")
    assert done.returncode == 1
    assert "error: the plan `plan.json` is stale: one step differs, `poster[n=a]` (was `make`" in done.stderr
    assert numbers(sandbox) == "a"


# -------------------------------------------------------------------------------------------- exit codes and the rest


def test_the_detailed_exit_code_counts_what_is_open_as_work(uncertain, sandbox):
    assert uncertain("plan", "--detailed-exitcode").returncode == 2
    assert uncertain("plan", "--detailed-exitcode", "n=a").returncode == 0
    assert uncertain("plan", "--detailed-exitcode", "--provider", "nobody").returncode == 1
    assert uncertain("build", "--on-uncertain", "retry", "--quiet").returncode == 0
    assert uncertain("plan", "--detailed-exitcode").returncode == 0


def test_the_provider_is_the_options_then_the_environments_then_the_campaigns(imagebuild, sandbox):
    def planned(*words: str, **environment: str) -> str:
        return str(json.loads(imagebuild("plan", "--json", *words, **environment).stdout)["provider"])

    assert planned() == "openai"
    assert planned(IMAGEBUILD_PROVIDER="together") == "together"
    assert planned("--provider", "proof", IMAGEBUILD_PROVIDER="together") == "proof"
    assert imagebuild("build", "n=a", IMAGEBUILD_PROVIDER="together").returncode == 0
    assert [each["provider"] for each in sandbox.charges()] == ["together"]


KEYLESS = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


def begin(campaign: Path, state: str, **task: Any) -> None:
    """Leave the attempt at b as a build that was killed would: sent, or under way at the service."""
    journal = LocalJournal(str(campaign / ".imagebuild" / "store"))
    (attempt,) = journal.attempts()
    journal.open(attempt._replace(state=state, task=task, words=""))


@pytest.mark.parametrize("state", ["sent", "task", "uncertain"])
def test_frozen_needs_no_key_and_no_network_whatever_is_open(uncertain, sandbox, campaign, state):
    if state != "uncertain":
        begin(campaign, state, label="x")
    (campaign / "out" / "a.png").unlink()
    asked = len(sandbox.requests())
    done = uncertain("build", "--frozen", "n=a", **KEYLESS)
    assert (done.returncode, "restored 1" in done.stdout) == (0, True), done.stderr
    assert uncertain("build", "--frozen", "n=a", **KEYLESS).returncode == 0
    missing = uncertain("build", "--frozen", **KEYLESS)
    assert missing.returncode == 1
    assert "`--frozen`: 1 picture is neither in place nor in the store" in missing.stderr
    assert "poster[n=b] → out/b.png" in missing.stderr
    assert len(sandbox.requests()) == asked


def test_without_a_key_what_is_at_hand_is_put_in_place_and_what_is_owed_is_told(uncertain, campaign):
    begin(campaign, "task", label="x")
    (campaign / "out" / "a.png").unlink()
    done = uncertain("build", "n=a", **KEYLESS)
    assert (done.returncode, "restored 1" in done.stdout) == (0, True), done.stderr
    assert "what is under way at `openai` was not fetched: there is no key for it" in done.stderr
    unasked = uncertain("build", **KEYLESS)
    assert "error: no key for `openai`" in unasked.stderr  # for b, it would have to be asked


def test_what_is_owed_is_still_asked_for_after_a_build_that_asked_nobody(imagebuild, sandbox, campaign):
    """A picture that the campaign no longer asks for, paid for and under way: remembering that all is in place would
    leave it at the service for ever."""
    assert imagebuild("build", "--quiet", "--exclude", "n=b").returncode == 0
    assert imagebuild("build", "--quiet", "--batch", "n=b").returncode == 2
    edit(campaign, "campaign.yaml", "n: [a, b, c]", "n: [a, c]")
    for _ in range(2):
        assert imagebuild("build", "--frozen", **KEYLESS).stdout == "Nothing to do: all 2 in place.\n"
    deadline = time.monotonic() + 60
    while "kept 1 that the campaign no longer asks for" not in (done := imagebuild("build")).stdout:
        assert done.returncode == 0, done.stderr
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert numbers(sandbox) == "abc"
    assert imagebuild("build").stdout == "Nothing to do: all 2 in place.\n"


def test_two_projects_that_share_a_store_and_want_the_same_pictures_pay_once(tmp_path):
    """Both are begun at the same moment; what takes a second and a half at the service is in both their plans."""
    folders = [write(tmp_path / name) for name in ("one", "other")]
    with start_sandbox(speed=20, latency="30") as sandbox:
        environment = {**os.environ, **surroundings(sandbox), "IMAGEBUILD_STORE": str(tmp_path / "store")}
        builds = [
            subprocess.Popen(
                [sys.executable, "-m", "imagebuild", "build", "--json"], cwd=folder, env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for folder in folders
        ]  # fmt: skip
        ends = []
        for build in builds:
            said, errors = build.communicate(timeout=120)
            assert build.returncode == 0, errors
            ends.append(json.loads(said.splitlines()[-1]))
        assert numbers(sandbox) == "abc"
    assert sum(end["made"] for end in ends) == 3
    assert sum(end["reused"] + end["restored"] for end in ends) == 3  # restored, where all was over when it began
    assert [outputs(folder) for folder in folders] == [{"a.png", "b.png", "c.png"}] * 2
    journal = LocalJournal(str(tmp_path / "store"))
    assert [payment.state for payment in journal.payments()] == ["paid"] * 3
    assert list(journal.attempts()) == []
    assert {Key(payment.key) for payment in journal.payments()} == {
        json.loads(line)["key"]
        for line in (folders[0] / "imagebuild.lock").read_text("utf-8").splitlines()
        if '"key"' in line
    }
