from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import shlex
import subprocess
import sys

import pytest

from imagebuild.errors import ProviderError
from imagebuild.providers.account import Account, Secret, read_account, read_dotenv, run_command, time_scale
from imagebuild.providers.base import Limits

KEY = "sk-test-0123456789"
ROW = {
    "key": "OPENAI_API_KEY",
    "base_url": "https://api.openai.com/v1",
    "limits": {"concurrency": 16, "images_per_minute": 5},
}


def account(environment=None, dotenv=None, row=ROW, **settings) -> Account:
    return read_account("openai", row, environment or {}, dotenv or {}, **settings)


def mistake(environment=None, dotenv=None, **settings) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        account(environment, dotenv, **settings)
    shown = f"{caught.value.what} {caught.value.hint} {caught.value!r} {caught.value.__context__!r}"
    assert "sk-test" not in shown
    return caught.value


# ----------------------------------------------------------------------------------------------------------- secrets


def test_a_secret_shows_as_stars_and_only_reveal_lets_it_out():
    secret = Secret(KEY)
    account = Account(name="openai", key=secret, key_from="x", base_url="", limits=Limits(1))
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>30}",
        f"{secret!r}",
        repr(account),
        repr([secret]),
    ):
        assert KEY not in shown
        assert "***" in shown
    assert secret.reveal() == KEY
    assert not isinstance(secret, str)
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_not_pickled_and_copies_are_the_same_one():
    secret = Secret(KEY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not to be pickled"):
            pickle.dumps(secret, protocol)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    values = dataclasses.asdict(Account(name="a", key=secret, key_from="", base_url="", limits=Limits(1)))
    assert values["key"] is secret


def test_a_secret_is_blotted_out_in_every_form_and_a_short_one_blots_nothing():
    secret = Secret('ab/cd+ef"gh')
    text = 'ab/cd+ef"gh, ab/cd+ef\\"gh, ab\\/cd+ef\\"gh, ab%2Fcd%2Bef%22gh, ab'
    assert secret.blotted(text) == "***, ***, ***, ***, ab"
    assert secret.blotted_bytes(text.encode()) == b"***, ***, ***, ***, ab"
    assert Secret("abcdefg").blotted("abcdefg") == "abcdefg"
    others = 'ab/cd%2Bef%22gh ab/cd+ef\\\\\\"gh ab/cd+ef&quot;gh YWIvY2QrZWYiZ2g='
    assert secret.blotted(others) == "*** *** *** ***="


@pytest.mark.parametrize(
    ("data", "length"),
    [(b"", 0), (b"nothing", 0), (b"xyz ab/cd", 5), (b"ab/cd+ef", 8), (b'ab/cd+ef"gh', 0), (b"x ab%2Fc", 6), (b"ba", 1)],
)
def test_how_much_of_a_secret_may_have_begun_at_the_end_of_a_piece(data, length):
    assert Secret('ab/cd+ef"gh').begun_at_end(data) == length


# ---------------------------------------------------------------------------------------------------------- accounts


def test_without_any_variables_the_catalogue_speaks_and_there_is_no_key():
    found = account()
    assert (found.key, found.key_from, found.base_url) == (None, "", "https://api.openai.com/v1")
    assert found.limits == Limits(concurrency=16, images_per_minute=5, requests_per_minute=None)
    assert found.options == {}
    assert read_account("proof", {"key": None}, {}, {}).limits == Limits(4)


def test_the_key_is_the_environments_then_the_files_then_the_commands():
    def never(command: list[str]) -> str:
        raise AssertionError(command)

    environment = {"OPENAI_API_KEY": f" {KEY}\n", "IMAGEBUILD_OPENAI_KEY_COMMAND": "pass show openai"}
    found = account(environment, {"OPENAI_API_KEY": "sk-other"}, run=never)
    assert (found.key.reveal(), found.key_from) == (KEY, "OPENAI_API_KEY")
    environment["OPENAI_API_KEY"] = ""
    found = account(environment, {"OPENAI_API_KEY": KEY}, run=never)
    assert (found.key.reveal(), found.key_from) == (KEY, ".env")
    asked: list[list[str]] = []

    def told(command: list[str]) -> str:
        asked.append(command)
        return f"{KEY}\nname: openai\n"

    found = account({"IMAGEBUILD_OPENAI_KEY_COMMAND": "pass show 'open ai'"}, run=told)
    assert (found.key.reveal(), found.key_from) == (KEY, "command")
    assert asked == [["pass", "show", "open ai"]]


def command_of(program: str) -> dict[str, str]:
    return {"IMAGEBUILD_OPENAI_KEY_COMMAND": shlex.join([sys.executable, "-c", program])}


def test_a_commands_first_line_is_the_key():
    assert account(command_of(f"print('{KEY}'); print('more')")).key.reveal() == KEY


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (f"import sys; print('{KEY}'); sys.exit(3)", "it ended with exit code 3"),
        ("pass", "it wrote nothing"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", "what it wrote is no text"),
    ],
)
def test_a_command_that_fails_is_named_with_its_cause_and_never_with_its_output(program, cause):
    wrong = mistake(command_of(program))
    assert wrong.what == f"no key by the command of `IMAGEBUILD_OPENAI_KEY_COMMAND`: {cause}"


def test_a_command_that_cannot_be_run_is_named():
    name = "IMAGEBUILD_OPENAI_KEY_COMMAND"
    assert mistake({name: "no-such-program-here"}).what.endswith("no such file or directory")
    assert mistake({name: "pass 'open"}).what == f"`{name}` is no command: no closing quotation"

    def slow(command: list[str]) -> str:
        raise subprocess.TimeoutExpired(command, 60, output=KEY)

    assert mistake({name: "pass"}, run=slow).what.endswith("it did not end within 60 s")
    with pytest.raises(subprocess.CalledProcessError):
        run_command([sys.executable, "-c", "raise SystemExit(1)"])


def test_a_file_may_not_name_a_command():
    wrong = mistake(dotenv={"IMAGEBUILD_OPENAI_KEY_COMMAND": "curl evil.example.com"})
    assert wrong.what == "`IMAGEBUILD_OPENAI_KEY_COMMAND` stands in the file `.env`"


@pytest.mark.parametrize(
    "key", ["sk-test one", "sk-test\none", "Bearer sk-test", "sk-test\tone", "sk-testü", "sk-test\x00"]
)
def test_a_key_with_foreign_characters_inside_is_refused_without_being_shown(key):
    assert mistake({"OPENAI_API_KEY": key}).what.startswith("`OPENAI_API_KEY` is no key: it has white space")
    assert mistake(dotenv={"OPENAI_API_KEY": key}).what.startswith("`OPENAI_API_KEY` of the file `.env` is no key")


def test_the_base_url_is_the_variables_without_its_last_stroke():
    assert account({"OPENAI_BASE_URL": "https://eu.example.com/v1/"}).base_url == "https://eu.example.com/v1"
    for here in ("http://127.0.0.1:8080/openai/v1", "http://localhost:1/openai/", "http://[::1]:8080/v1"):
        assert account({"OPENAI_BASE_URL": here}).base_url == here.rstrip("/")


@pytest.mark.parametrize("address", ["https://api.together.ai", "https://api.together.ai/", "http://127.0.0.1:1"])
def test_a_base_url_without_a_path_gets_the_catalogues_as_the_services_own_library_wants_it(address):
    for path in ("/v1", "/api/v1", ""):
        row = ROW | {"key": "TOGETHER_API_KEY", "base_url": f"https://api.together.xyz{path}"}
        assert account({"TOGETHER_BASE_URL": address}, row=row).base_url == address.rstrip("/") + path


@pytest.mark.parametrize(
    "address",
    [
        "http://api.openai.com/v1",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "api.openai.com",
        "https://",
        "https://[",
        "https://h:port/",
        "https://user:sk-test@h/",
        "https://h/?key=sk-test",
        "https://h/#sk-test",
        "https://h /",
    ],
)
def test_a_base_url_that_is_not_safe_is_refused(address):
    wrong = mistake({"OPENAI_BASE_URL": address})
    assert wrong.what.startswith("`OPENAI_BASE_URL` ")
    assert wrong.hint


def test_a_file_that_came_with_a_campaign_cannot_send_the_persons_own_key_elsewhere():
    elsewhere = {"OPENAI_BASE_URL": "https://evil.example.com/v1"}
    wrong = mistake({"OPENAI_API_KEY": KEY}, elsewhere)
    assert wrong.what == "`OPENAI_BASE_URL` of the file `.env` would send your own key to `evil.example.com`"
    mistake(command_of(f"print('{KEY}')"), elsewhere)
    assert account({}, elsewhere | {"OPENAI_API_KEY": KEY}).base_url == "https://evil.example.com/v1"
    assert account({"OPENAI_API_KEY": KEY}, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v2"}).base_url.endswith("/v2")
    both = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://eu.example.com/v2"}
    assert account(both, elsewhere).base_url == "https://eu.example.com/v2"


def test_limits_and_options_are_read_from_the_environment_before_the_file():
    found = account(
        {
            "IMAGEBUILD_OPENAI_CONCURRENCY": "32",
            "IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none",
            "IMAGEBUILD_OPENAI_REQUESTS_PER_MINUTE": "12.5",
            "IMAGEBUILD_OPENAI_PARTIALS": "2",
            "IMAGEBUILD_OPENAI_CALLBACK_LISTEN": "0.0.0.0:80",
            "IMAGEBUILD_PROVIDER": "proof",
        },
        {
            "IMAGEBUILD_OPENAI_PARTIALS": "3",
            "IMAGEBUILD_OPENAI_ROUTE": "chat",
            "IMAGEBUILD_OPENAI_CALLBACK_URL": "https://builds.example.com/calls",
        },
    )
    assert found.limits == Limits(concurrency=32, images_per_minute=None, requests_per_minute=12.5)
    assert found.options == {
        "partials": "2",
        "route": "chat",
        "callback_url": "https://builds.example.com/calls",
        "callback_listen": "0.0.0.0:80",
    }


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "2.5"),
        ("CONCURRENCY", "many"),
        ("IMAGES_PER_MINUTE", "0"),
        ("IMAGES_PER_MINUTE", "-1"),
        ("REQUESTS_PER_MINUTE", "nan"),
        ("REQUESTS_PER_MINUTE", "inf"),
        ("PARTIALS", "4"),
        ("CALLBACK_URL", "http://builds.example.com"),
        ("CALLBACK_LISTEN", "8787"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(word, value):
    wrong = mistake({f"IMAGEBUILD_OPENAI_{word}": value})
    assert wrong.what.startswith(f"`IMAGEBUILD_OPENAI_{word}` is ")
    assert wrong.hint.startswith("write ")


def test_an_unknown_variable_of_the_provider_is_an_error_with_a_suggestion():
    for place in ({"environment": {"IMAGEBUILD_OPENAI_PARTIAL": "1"}}, {"dotenv": {"IMAGEBUILD_OPENAI_PARTIAL": "1"}}):
        wrong = mistake(**place)
        assert wrong.what == "unknown variable `IMAGEBUILD_OPENAI_PARTIAL`"
        assert wrong.hint == "did you mean `IMAGEBUILD_OPENAI_PARTIALS`?"


def test_the_variables_of_a_provider_whose_name_is_longer_are_its_own():
    environment = {"IMAGEBUILD_OPENAI_EU_CONCURRENCY": "3"}
    assert mistake(environment).what.startswith("unknown variable")
    assert account(environment, others=["openai", "openai-eu", "proof"]).limits.concurrency == 16
    assert read_account("openai-eu", ROW, environment, {}, others=["openai"]).limits.concurrency == 3


# ------------------------------------------------------------------------------------------------- files and the scale


def test_files_are_read_nearest_first_without_touching_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("WHO", "environment")
    near, far = tmp_path / "campaign", tmp_path
    near.mkdir()
    (near / ".env").write_bytes(b"\xef\xbb\xbfA=near\n# comment\nexport B='with space'\nNAME\nC=${WHO}\n")
    (far / ".env").write_text("A=far\nD=far\n")
    found = read_dotenv([str(near), str(far), str(near)])
    assert found == {"A": "near", "B": "with space", "C": "${WHO}", "D": "far"}
    assert read_dotenv([str(tmp_path / "nowhere")]) == {}
    (tmp_path / "folder" / ".env").mkdir(parents=True)
    assert read_dotenv([str(tmp_path / "folder")]) == {}


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(ProviderError, match=r"cannot read `.*\.env`: it is not UTF-8"):
        read_dotenv([str(tmp_path)])


def test_the_scale_of_waits_is_one_unless_it_is_set():
    assert time_scale({}) == time_scale({"IMAGEBUILD_TIME_SCALE": " "}) == 1.0
    assert time_scale({"IMAGEBUILD_TIME_SCALE": "0.01"}) == 0.01


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1", "http://localhost/v1", "http://[::1]:9/v1", ""])
def test_waits_are_made_short_only_for_a_service_on_this_machine(url):
    assert time_scale({"IMAGEBUILD_TIME_SCALE": "0.01"}, url) == 0.01
    assert time_scale({"IMAGEBUILD_TIME_SCALE": "1"}, "https://api.openai.com/v1") == 1.0
    with pytest.raises(ProviderError, match=r"`api\.openai\.com` is no sandbox") as caught:
        time_scale({"IMAGEBUILD_TIME_SCALE": "0.01"}, "https://api.openai.com/v1")
    assert (caught.value.hint or "").startswith("unset it")


def test_an_account_has_a_mark_of_its_key_and_address_that_tells_neither():
    one = account({"OPENAI_API_KEY": KEY})
    assert re.fullmatch("[0-9a-f]{12}", one.mark)
    assert one.mark == account({}, {"OPENAI_API_KEY": KEY}).mark  # wherever the key is from
    others = [
        account({"OPENAI_API_KEY": KEY + "0"}),
        account({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://gateway.example.com/v1"}),
    ]
    assert len({one.mark, *(each.mark for each in others)}) == 3
    assert account({}).mark == ""


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "nan", "inf", "fast"])
def test_a_scale_that_makes_no_sense_is_refused(value):
    with pytest.raises(ProviderError, match="IMAGEBUILD_TIME_SCALE"):
        time_scale({"IMAGEBUILD_TIME_SCALE": value})
