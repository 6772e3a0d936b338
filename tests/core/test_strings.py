"""Which text a key has in a locale, what a missing one means, and how templates see it."""

from __future__ import annotations

import jinja2
import jinja2.sandbox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.document import parse_yaml
from imagebuild.core.filters import filters_for
from imagebuild.core.locale import Locale
from imagebuild.core.strings import (
    Missing,
    MissingText,
    Policy,
    SkipCell,
    Strings,
    Text,
    Translator,
    UnfinishedKey,
    all_keys,
    missing_keys,
    parse_policy,
)
from imagebuild.errors import ImagebuildError, Place, Problems


def strings(policy: Policy | None = None, **catalogues: dict[str, object]) -> Strings:
    built = {
        tag.replace("_", "-"): {
            key: Text(value=value, place=Place(f"strings/{tag}.yaml", line))
            for line, (key, value) in enumerate(texts.items(), 1)
        }
        for tag, texts in catalogues.items()
    }
    return Strings(built, source="en-US", targets=["de-DE", "es-MX"], policy=policy)


def value(found) -> object:
    return found and found.text.value


def render(template: str, known: Strings, tag: str) -> tuple[str, Translator]:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters.update(filters_for(Locale(tag)))
    translator = Translator(known, tag)
    return environment.from_string(template).render(t=translator.t), translator


def test_the_nearest_catalogue_of_the_language_answers():
    known = strings(
        en_US={"a": "A"}, es={"a": "es", "b": "es b", "c": "es c"}, es_419={"a": "419", "b": "419 b"}, es_MX={"a": "mx"}
    )
    found = [known.lookup("es-MX", key) for key in "abc"]
    assert [value(each) for each in found] == ["mx", "419 b", "es c"]
    assert [each.from_tag for each in found] == ["es-MX", "es-419", "es"]
    assert not any(each.is_fallback for each in found)


def test_traditional_chinese_never_reads_simplified_texts():
    known = strings(en_US={"a": "A"}, zh={"a": "简"}, zh_Hans={"a": "简"})
    assert known.lookup("zh-TW", "a") is None
    assert value(known.lookup("zh-CN", "a")) == "简"


@pytest.mark.parametrize(("policy", "expected"), [(Missing.ERROR, None), (Missing.SKIP, None), (Missing.FALLBACK, "A")])
def test_only_the_policy_lets_the_source_stand_in(policy, expected):
    known = strings(Policy(default=policy), en={"a": "A"}, de={})
    found = known.lookup("de-DE", "a")
    assert value(found) == expected
    if found:
        assert (found.from_tag, found.is_fallback) == ("en", True)


def test_missing_keys_are_those_without_a_text_of_the_language():
    known = strings(
        Policy(default=Missing.FALLBACK), en_US={"b": "B", "a": "A", "c": "C"}, de={"a": "a"}, fr={"only": "x"}
    )
    assert all_keys(known) == ("a", "b", "c")
    assert missing_keys(known, all_keys(known), "de-DE") == ("b", "c")


def test_pseudo_locales_come_from_the_source_unless_they_have_a_catalogue():
    known = strings(
        en_US={"a": "Hi", "days": {"one": "a day", "other": "{n} days"}}, ar={"a": "مرحبا"}, en_XA={"b": "own"}
    )
    assert value(known.lookup("en-XA", "a")) == "[Ĥî one]"
    assert value(known.lookup("en-XA", "b")) == "own"
    assert value(known.lookup("ar-XB", "a")) == "\u200f\u202eHi\u202c\u200f"
    assert value(known.lookup("en-XA", "days"))["other"] == "[{n} đåýš one]"
    assert known.lookup("en-XA", "nowhere") is None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("headline", Missing.SKIP),
        ("legal.imprint", Missing.ERROR),
        ("legal.terms.short", Missing.FALLBACK),
        ("legal.terms.long", Missing.SKIP),
        ("cta", Missing.FALLBACK),
        ("ctas", Missing.SKIP),
    ],
)
def test_the_most_specific_policy_wins(key, expected):
    text = '{"*": skip, cta: fallback, "legal.*": error, "legal.terms.*": skip, "legal.terms.short": fallback}'
    problems = Problems()
    policy = parse_policy(parse_yaml(text, file="c.yaml", problems=problems), problems)
    assert not problems
    assert policy.of(key) is expected


def test_a_policy_for_all_keys_is_one_word():
    problems = Problems()
    assert (
        parse_policy(parse_yaml("fallback", file="c.yaml", problems=problems), problems).of("any") is Missing.FALLBACK
    )
    assert Policy().of("any") is Missing.ERROR
    assert not problems


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("falback", "`falback` is not `error`, `fallback` or `skip`", "did you mean `fallback`?"),
        ("{cta: 3}", "`missing` is `error`, `fallback` or `skip`, not the number `3`", "or a mapping of keys to these"),
        ("[error]", "`missing` is `error`, `fallback` or `skip`, not a list", "or a mapping of keys to these"),
    ],
)
def test_a_wrong_policy_is_told_with_its_place(text, what, hint):
    problems = Problems()
    parse_policy(parse_yaml(text, file="c.yaml", problems=problems), problems)
    assert [(each.what, each.hint, each.at.line) for each in problems.found] == [(what, hint, 1)]


NESTED = {
    "hero.headline": "Warm",
    "hero.cta": "Buy",
    "items": "3 things",
    "used": "worn",
    "days": {"one": "day", "other": "{n} d"},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ t.hero.headline }}", "Warm"),
        ('{{ t["hero.headline"] }}', "Warm"),
        ('{{ t["hero"]["headline"] }}', "Warm"),
        ("{{ t.hero['cta'] | upper }}", "BUY"),
        ("{{ t.items }} {{ t.used }}", "3 things worn"),
        ("{{ t.days }}", "{n} d"),
        ("{{ t.days | plural(1) }} {{ t.days | plural(4) }}", "day 4 d"),
        ("{{ t.items | plural(4) }}", "3 things"),
        ("{{ t.days.one }}", "day"),
        ('{{ "yes" if "hero.cta" in t else "no" }} {{ "yes" if "x" in t.hero else "no" }}', "yes no"),
        ("{% if t.hero %}{{ t.hero.cta }}{% endif %}", "Buy"),
    ],
)
def test_templates_reach_a_text_by_attribute_or_by_item(template, expected):
    assert render(template, strings(en_US=NESTED), "en-US")[0] == expected


@pytest.mark.parametrize(
    "name", ["items", "keys", "get", "values", "used", "format", "update", "copy", "text", "t", "mro", "tag"]
)
def test_any_name_can_be_a_key(name):
    known = strings(en_US={name: "own", f"deep.{name}": "deeper"})
    assert render(f"{{{{ t.{name} }}}} {{{{ t.deep.{name} }}}}", known, "en-US")[0] == "own deeper"


def test_a_key_that_is_also_the_beginning_of_others_is_both():
    known = strings(en_US={"cta": "Buy", "cta.title": "Title", "days": {"one": "day", "other": "{n} d"}, "days.x": "x"})
    shown, _ = render("{{ t.cta }} {{ t.cta.title }} {{ t.cta | upper }} {{ t.days | plural(2) }}", known, "en-US")
    assert shown == "Buy Title BUY 2 d"


def test_what_a_template_used_is_remembered_with_its_place():
    known = strings(en_US=NESTED, en={"legal": "©"})
    _, translator = render("{{ t.hero.cta }}{{ t.legal }}{{ t.days | plural(2) }}{{ 'items' in t }}", known, "en-US")
    assert {key: (found.from_tag, found.text.place.line) for key, found in translator.used.items()} == {
        "hero.cta": ("en-US", 2),
        "legal": ("en", 1),
        "days": ("en-US", 5),
    }


def test_a_missing_text_names_the_file_to_add_it_to():
    known = strings(en_US={"a": "A", "b": "B"}, de={"b": "b"})
    with pytest.raises(MissingText) as caught:
        render("{{ t.a }}", known, "de-DE")
    assert isinstance(caught.value, ImagebuildError)
    assert (caught.value.key, caught.value.tag, caught.value.policy) == ("a", "de-DE", Missing.ERROR)
    assert caught.value.what == "no string `a` for `de-DE`"
    assert caught.value.hint == "add it to `strings/de.yaml`, or let it fall back: `missing: {a: fallback}`"


@pytest.mark.parametrize("policy", list(Missing))
def test_a_key_that_no_language_has_is_a_mistake_whatever_the_policy(policy):
    known = strings(Policy(default=policy), en_US={"headline": "A"}, de={})
    with pytest.raises(MissingText) as caught:
        render("{{ t.headlin }}", known, "de-DE")
    assert caught.value.suggestions == ("headline",)
    assert caught.value.hint == "did you mean `headline`?"


def test_a_cell_is_skipped_where_the_policy_says_so():
    known = strings(Policy(by_glob={"legal.*": Missing.SKIP}), en_US={"legal.note": "A"}, de={"b": "b"})
    with pytest.raises(SkipCell) as caught:
        render("{{ t.legal.note }}", known, "de-DE")
    assert (caught.value.key, caught.value.tag) == ("legal.note", "de-DE")


@pytest.mark.parametrize("template", ["{{ t.hero }}", "{{ t.hero | upper }}", "a {{ t['hero'] ~ '' }}"])
def test_printing_the_beginning_of_keys_says_how_they_go_on(template):
    with pytest.raises(UnfinishedKey) as caught:
        render(template, strings(en_US=NESTED), "en-US")
    assert caught.value.hint == "`hero` goes on: `hero.cta`, `hero.headline`"


def test_printing_all_strings_says_which_there_are():
    with pytest.raises(UnfinishedKey, match="`t`"):
        render("{{ t }}", strings(en_US=NESTED), "en-US")


@pytest.mark.parametrize(
    "template", ["{{ t._strings }}", "{{ t.__class__ }}", "{{ t['_translator'] }}", "{% for x in t %}{% endfor %}"]
)
def test_a_template_gets_nothing_but_texts(template):
    with pytest.raises((jinja2.TemplateError, TypeError, MissingText)):
        render(template, strings(en_US=NESTED), "en-US")


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,3}(\.[a-z]{1,3}){0,2}", fullmatch=True), st.text(min_size=1), min_size=1)
)
def test_every_key_is_found_by_its_path_and_by_its_name(texts):
    known = strings(en_US=texts)
    translator = Translator(known, "en-US")
    for key, text in texts.items():
        reached = translator.t
        for part in key.split("."):
            reached = reached[part]
        assert str(reached) == str(translator.t[key]) == text
    assert set(translator.used) == set(texts)
