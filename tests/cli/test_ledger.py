"""`imagebuild ledger`: what it says of a journal that builds filled, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from imagebuild.stages.ledger import STATES
from imagebuild.store.journal import LocalJournal
from tests.cli.conftest import Run, tree
from tests.store.journal_contract import a_payment, an_attempt

SCHEMA = Path(__file__).parents[2] / "schemas" / "ledger.schema.json"


@pytest.fixture
def journal(fresh: Path) -> LocalJournal:
    return LocalJournal(str(fresh / ".imagebuild" / "store"))


@pytest.fixture
def spent(fresh: Path, journal: LocalJournal) -> Path:
    """A campaign with a payment in every state."""
    for number in range(25):
        day = f"2026-10-{number + 1:02}T09:30:00Z"
        journal.pay(a_payment(number, at=day, billed=Decimal("0.0400"), request_id=f"req_{number}"))
    for number, state in enumerate(["uncertain", "refused", "flawed", "lost"], start=30):
        billed = Decimal("0.0500") if state == "flawed" else None
        journal.pay(a_payment(number, state, billed=billed, words="=HYPERLINK(1)", address="poster[locale=ar-EG]"))
        journal.open(an_attempt(number, state=state))
    journal.pay(a_payment(40, "cleared", provider="apixo", extra={"settled_at": "2026-11-30T00:00:00Z"}))
    journal.open(an_attempt(41, state="task"))
    journal.open(an_attempt(42))
    Path(journal.reply_file(an_attempt(42).key)).write_bytes(b"reply")
    return fresh


def test_where_nothing_was_paid_it_says_so_and_makes_nothing(fresh: Path, imagebuild: Run) -> None:
    before = tree(fresh)
    done = imagebuild(fresh, "ledger")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing was ever paid here\n", "")
    assert json.loads(imagebuild(fresh, "ledger", "--json").stdout)["payments"] == []
    assert imagebuild(fresh, "ledger", "--csv").stdout.count("\n") == 1
    assert tree(fresh) == before


def test_a_folder_without_a_campaign_will_do(tmp_path: Path, imagebuild: Run) -> None:
    assert imagebuild(tmp_path, "ledger").stdout == "nothing was ever paid here\n"


def test_the_last_lines_then_the_months_then_what_is_not_certain(spent: Path, imagebuild: Run) -> None:
    done = imagebuild(spent, "ledger")
    assert done.returncode == 0
    assert done.stdout == (Path(__file__).parent / "ledger.txt").read_text(encoding="utf-8")


def test_all_shows_every_line(spent: Path, imagebuild: Run) -> None:
    shown = imagebuild(spent, "ledger", "--all").stdout
    assert shown.count("req_") == 25
    assert "earlier ones" not in shown


def test_totals_by_provider_are_a_table_of_their_own(spent: Path, imagebuild: Run) -> None:
    lines = imagebuild(spent, "ledger", "--by", "provider").stdout.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["provider", "payments", "billed", "estimated", "not", "known"],
        ["apixo", "1", "$0.00", "$0.00", "·"],
        ["openai", "31", "$1.05", "$1.30", "$0.21"],
        ["in", "all", "32", "$1.05", "$1.30", "$0.21"],
    ]


def test_filters_pick(spent: Path, imagebuild: Run) -> None:
    picked = ["--month", "2026-11", "--provider", "openai", "--campaign", "spring", "--asset", "poster"]
    found = json.loads(imagebuild(spent, "ledger", "--json", *picked, "--state", "lost").stdout)
    assert [line["id"] for line in found["payments"]] == [an_attempt(33).id]
    assert imagebuild(spent, "ledger", "--month", "2020-01").stdout == "nothing of that was paid here\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--provider", "opnai"], "error: nothing was paid for provider `opnai`\n  hint: did you mean `openai`?\n"),
        (["--month", "11"], "error: `11` is no month\n  hint: as in `--month 2026-11`\n"),
        (["--not-billed"], "error: an id, `--not-billed` and `--billed` go with `settle`"),
        (["settle"], "error: `settle` wants an id"),
        (["settle", "1234567"], "error: `settle` wants an id"),
        (["settle", "1234567", "--billed", "much"], "error: `much` is no amount"),
        (["settle", "1234567", "--billed", "0.00"], "error: nothing billed is `--not-billed`"),
        (["settle", "00000001ff", "--not-billed"], "error: no payment has the id `00000001ff`\n  hint: did you mean"),
        (["settle", "0000000000", "--not-billed"], "error: `0000000000` is paid: made, and in the store\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_changes_nothing(
    spent: Path, imagebuild: Run, words: list[str], says: str
) -> None:
    before = {name: data for name, data in tree(spent).items() if "claims" not in name}
    done = imagebuild(spent, "ledger", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(says)
    assert {name: data for name, data in tree(spent).items() if "claims" not in name} == before


def test_settling_says_what_it_did(spent: Path, journal: LocalJournal, imagebuild: Run) -> None:
    cleared = imagebuild(spent, "ledger", "settle", an_attempt(30).id, "--not-billed")
    assert cleared.returncode == 0
    assert cleared.stdout == (
        f"poster[locale=ar-EG] ({an_attempt(30).id}): not billed; the next build may ask for it again\n"
    )
    assert journal.attempt(an_attempt(30).key) is None
    lost = imagebuild(spent, "ledger", "settle", "0000000021", "--billed", "$0.04 USD")
    assert "$0.04 billed, and lost" in lost.stdout
    refused = imagebuild(spent, "ledger", "settle", "000000001f", "--billed", "0.03")
    assert "$0.03 billed; it stays refused" in refused.stdout
    found = {line["id"]: line for line in json.loads(imagebuild(spent, "ledger", "--json").stdout)["payments"]}
    assert found[an_attempt(30).id]["state"] == "cleared"
    assert (found[an_attempt(33).id]["state"], found[an_attempt(33).id]["billed"]) == ("lost", "0.04")
    assert found[an_attempt(30).id]["settled_at"].endswith("Z")


# ------------------------------------------------------------------------------------------------------ for programs


def test_json_is_what_its_schema_says(spent: Path, fresh: Path, imagebuild: Run) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    found = json.loads(imagebuild(spent, "ledger", "--json", "--by", "asset").stdout)
    assert [error.message for error in validator.iter_errors(found)] == []
    assert [line["state"] for line in found["payments"]].count("paid") == 25
    assert {row["name"] for row in found["totals"]} == {"hero", "poster"}
    for wrong in ({"price": "1"}, {"payments": [{"id": "x"}]}, {"by": "week"}, {"total": {}}, {"totals": [{}]}):
        assert list(validator.iter_errors({**found, **wrong})), wrong


def test_the_schema_knows_the_states_of_the_code() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    listed = schema["$defs"]["payment"]["properties"]["state"]["oneOf"]
    assert {each["const"]: each["description"] for each in listed} == dict(STATES)


def test_csv_has_every_line_and_no_formula(spent: Path, imagebuild: Run) -> None:
    found = list(csv.DictReader(io.StringIO(imagebuild(spent, "ledger", "--csv").stdout)))
    listed = json.loads(imagebuild(spent, "ledger", "--json").stdout)["payments"]
    assert [line["id"] for line in found] == [line["id"] for line in listed]
    assert len(found) == 32
    assert set(found[0]) == set(listed[0])
    lost = next(line for line in found if line["state"] == "lost")
    assert (lost["words"], lost["billed"], lost["counted"]) == ("'=HYPERLINK(1)", "", "0.0420")


def test_csv_of_totals(spent: Path, imagebuild: Run) -> None:
    shown = imagebuild(spent, "ledger", "--csv", "--by", "month").stdout
    assert (
        shown
        == "month,payments,billed,estimated,not_known\n2026-10,25,1.0000,1.0500,0\n2026-11,7,0.0500,0.2520,0.2100\n"
    )


def test_a_damaged_ledger_is_told_with_its_place(spent: Path, imagebuild: Run) -> None:
    path = spent / ".imagebuild" / "store" / "ledger" / "2026-10.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.0400", b"0.0001", 1))
    done = imagebuild(spent, "ledger")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"line 1 of the ledger `{path}` is damaged" in done.stderr
