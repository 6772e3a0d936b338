"""Strings from every format translators use, with the places they stand in, and every mistake told."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.catalogue import parse_catalogue, parse_catalogues, strings_files
from imagebuild.errors import Problems


def read(text: str, file: str, tag: str = "de-DE"):
    problems = Problems()
    found = parse_catalogue(text, file=file, tag=tag, problems=problems)
    assert problems.found == []
    return found


def values(text: str, file: str, tag: str = "de-DE") -> dict[str, object]:
    return {key: each.value for key, each in read(text, file, tag).items()}


def spots(text: str, file: str, tag: str = "de-DE") -> dict[str, str]:
    """What the places point at, in the text itself."""
    shown = {}
    for key, each in read(text, file, tag).items():
        assert each.place.file == file
        start = each.place.column - 1
        shown[key] = f"{each.place.line}: {each.place.text[start : start + each.place.length]}"
    return shown


def mistakes(text: str, file: str, tag: str = "de-DE") -> list[tuple[str, str | None, int]]:
    problems = Problems()
    parse_catalogue(text, file=file, tag=tag, problems=problems)
    return [(each.what, each.hint, each.at.line) for each in problems.found]


YAML = """\
headline: Warme Abende
hero:
  cta: "Jetzt kaufen"
  legal.note: >-
    Solange der
    Vorrat reicht
price: 1.50
year: 2026
answer: no
flag: true
big: 0x1F
zero: Null
empty: ""
later:
also_later: ~
anchored: &a 7.10
days:
  one: ein Tag
  other: "{n} Tage"
"""


def test_yaml_texts_are_what_is_written():
    assert values(YAML, "strings/de.yaml") == {
        "headline": "Warme Abende",
        "hero.cta": "Jetzt kaufen",
        "hero.legal.note": "Solange der Vorrat reicht",
        "price": "1.50",
        "year": "2026",
        "answer": "no",
        "flag": "true",
        "big": "0x1F",
        "zero": "Null",
        "empty": "",
        "anchored": "7.10",
        "days": {"one": "ein Tag", "other": "{n} Tage"},
    }


def test_yaml_texts_know_their_places():
    found = spots(YAML, "strings/de.yml")
    assert found["hero.cta"] == '3: "Jetzt kaufen"'
    assert found["price"] == "7: 1.50"


def test_json_is_read_nested_and_flat():
    text = '\ufeff{\n  "hero": {"cta": "Kaufen", "price": 1.50},\n  "hero.legal": "x",\n\t"off": null, "on": true\n}'
    assert values(text, "de.json") == {"hero.cta": "Kaufen", "hero.price": "1.50", "hero.legal": "x", "on": "true"}
    assert spots(text, "de.json")["hero.legal"] == '3: "x"'


def test_i18next_suffixes_are_plural_forms():
    text = (
        '{"days_one": "a day", "days_other": "{n} days", "cart": {"n_other": "{n}個"}, "one_one": "x", "tel_one": "y"}'
    )
    assert values(text, "en.json", "en") == {
        "days": {"one": "a day", "other": "{n} days"},
        "cart.n": {"other": "{n}個"},
        "one_one": "x",
        "tel_one": "y",
    }


@pytest.mark.parametrize(
    ("text", "file", "what", "hint", "line"),
    [
        ("a: {b: [x]}", "s.yaml", "string `a.b` is a list, not a text", "give each text a key of its own", 1),
        ("a.b: x\na:\n  b: y\n", "s.yaml", "string `a.b` stands twice", "line 1 has it already", 3),
        ("- a\n", "s.yaml", "a catalogue is a mapping of keys to texts, not a list", "headline: Warm evenings", 1),
        ('"": x', "s.yaml", "an empty key", None, 1),
        ("a: x\na: y", "s.yaml", "duplicate key `a`", "line 1 has it already; keep one of the two", 2),
        ('{"a": "x",\n}', "s.json", "not valid JSON: illegal trailing comma before end of object", None, 1),
        (
            '{"n": "x", "n_other": "y"}',
            "s.json",
            "string `n` stands twice",
            "line 1 has it as a text without plural forms",
            1,
        ),
        ("a", "s.txt", "strings cannot be read from `s.txt`", "use .yaml, .json, .csv, .po, .xlf or .xliff", 0),
    ],
)
def test_a_mistake_in_a_tree_is_told(text, file, what, hint, line):
    found = mistakes(text, file)
    if "JSON" in what:  # the words are Python's, and differ between its versions
        assert [(each[0][:15], each[2]) for each in found] in ([("not valid JSON:", 1)], [("not valid JSON:", 2)])
    else:
        assert found == [(what, hint, line)]


@pytest.mark.parametrize("file", ["a.yaml", "a.json", "a.csv"])
def test_an_empty_catalogue_has_no_strings(file):
    assert values("{}" if file == "a.json" else "", file) == {}


CSV = (
    "\ufeffkey,note,en-US,de_DE\r\n"
    'headline,seen on top,"Warm, cosy evenings","Warme ""Abende"""\r\n'
    'legal,,"While stocks\nlast","Solange der\nVorrat reicht"\r\n'
    "\r\n"
    "cta,,Buy,\r\n"
)


def test_a_table_holds_a_locale_in_each_column():
    problems = Problems()
    found = parse_catalogues(CSV, file="all.csv", problems=problems)
    assert problems.found == []
    assert {tag: {key: each.value for key, each in catalogue.items()} for tag, catalogue in found.items()} == {
        "en-US": {"headline": "Warm, cosy evenings", "legal": "While stocks\nlast", "cta": "Buy"},
        "de-DE": {"headline": 'Warme "Abende"', "legal": "Solange der\nVorrat reicht"},
    }
    assert values(CSV, "all.csv", "de-DE") == {"headline": 'Warme "Abende"', "legal": "Solange der\nVorrat reicht"}


def test_cells_know_their_places():
    assert spots(CSV, "all.csv", "en-US") == {
        "headline": "2: Warm, cosy evenings",
        "legal": "3: While stocks",
        "cta": "7: Buy",
    }
    assert spots(CSV, "all.csv", "de-DE") == {"headline": '2: Warme ""Abende""', "legal": "4: Solange der"}


@pytest.mark.parametrize(
    "text",
    [
        "key,text\na,x\n",
        "id;value\na;x\n",
        "key\tde-DE\na\tx\n",
        "text,key\nx,a\n",
        "Key,de\r\na,x\r\n",
        "key,text\na,x,\n"[:-2],
    ],
)
def test_a_table_for_one_locale_is_read_in_its_usual_shapes(text):
    assert values(text, "strings/de-DE.csv") == {"a": "x"}


@pytest.mark.parametrize(
    ("text", "what", "hint", "line"),
    [
        (
            "schluessel,text\na,x", "the table has no column `key`",
            "the first row names the columns: `key,en-US,de-DE`", 1,
        ),
        (
            "key,note\na,x", "the table has no column with texts",
            "`key,text`, or a column a locale: `key,en-US,de-DE`", 1,
        ),
        ("key,text,txet\na,x,y", "column `txet` is neither a locale nor known", "did you mean `text`?", 1),
        ("key,de,de\na,x,y", "column `de` stands twice", None, 1),
        ("key,text\na,x\n\nb,y\na,z", "string `a` stands twice", "line 2 has it already", 5),
        ("key,text\n,x", "row without a key", None, 2),
        (
            "key,text\na,x, y", "row has 3 cells, but the table has 2 columns",
            "quote a text that holds the separator, and double the quotes within it", 2,
        ),
        (
            'key,text\na,x\nb,"y\n', "not valid CSV: unexpected end of data",
            "close the quotes of the cell, and double the quotes within it", 3,
        ),
        ("key,fr-FR\na,x", "the file has no strings in `de-DE`", "it has `fr-FR`", 1),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_is_told(text, what, hint, line):
    assert mistakes(text, "s.csv") == [(what, hint, line)]


PO_HEAD = r"""
msgid ""
msgstr ""
"Language: pl_PL\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"

""".lstrip()
PO = (
    PO_HEAD
    + """\
#. shown on top
msgid "hero.headline"
msgstr "Ciepłe "
"wieczory"

msgctxt "menu"
msgid "Open"
msgstr "Otwórz"

#, fuzzy
msgid "unsure"
msgstr "niepewne"

msgid "later"
msgstr ""

#~ msgid "old"
#~ msgstr "stare"

msgid "days"
msgid_plural "days"
msgstr[0] "{n} dzień"
msgstr[1] "{n} dni"
msgstr[2] "{n} dni (wiele)"
"""
)


def test_po_files_are_read_by_msgid_or_context():
    assert values(PO, "pl.po", "pl") == {
        "hero.headline": "Ciepłe wieczory",
        "menu.Open": "Otwórz",
        "days": {"one": "{n} dzień", "few": "{n} dni", "many": "{n} dni (wiele)", "other": "{n} dni (wiele)"},
    }
    found = read(PO, "pl.po", "pl")
    assert found["hero.headline"].note == "shown on top"
    assert {key: each.place.text for key, each in found.items()} == {
        "hero.headline": 'msgid "hero.headline"',
        "menu.Open": 'msgctxt "menu"',
        "days": 'msgid "days"',
    }


def test_a_po_file_whose_entries_all_have_contexts_of_their_own_is_keyed_by_them():
    first = 'msgctxt "hero.headline"\nmsgid "Warm evenings"\nmsgstr "Warme Abende"\n\n'
    text = first + 'msgctxt "cta"\nmsgid "Buy"\nmsgstr "Kaufen"\n'
    assert values(text, "de.po") == {"hero.headline": "Warme Abende", "cta": "Kaufen"}


@pytest.mark.parametrize(
    ("tag", "forms", "expected"),
    [
        ("de", 2, {"one": "f0", "other": "f1"}),
        ("ja", 1, {"other": "f0"}),
        ("ar", 6, {"zero": "f0", "one": "f1", "two": "f2", "few": "f3", "many": "f4", "other": "f5"}),
    ],
)
def test_plural_forms_without_a_rule_come_in_the_order_of_their_language(tag, forms, expected):
    text = 'msgid "d"\nmsgid_plural "ds"\n' + "".join(f'msgstr[{i}] "f{i}"\n' for i in range(forms))
    assert values(text, "s.po", tag) == {"d": expected}


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ('msgid "a"\nmsgstr "x"\n\nmsgid "a"\nmsgstr "y"\n', "string `a` stands twice", 4),
        ('msgid "a"\nmsgstr "x\n', "not a valid PO file: a quote is not closed, or not escaped", 2),
        ('msgid "a"\nmsgstr "say "hi""\n', "not a valid PO file: a quote is not closed, or not escaped", 2),
        ("nonsense\n", "not a valid PO file: syntax error", 1),
        ('msgid ""\nmsgstr "Language: klingonese\\n"\n', "`klingonese` is not a language tag", 1),
        (
            'msgid ""\nmsgstr "Plural-Forms: plural=(n != ;\\n"\n\nmsgid "d"\nmsgid_plural "d"\nmsgstr[0] "x"\n',
            "not a plural rule: ", 1,
        ),
        (PO_HEAD, "the file has no strings in `de-DE`", 1),
    ],
)  # fmt: skip
def test_a_mistake_in_a_po_file_is_told(text, what, line):
    found = mistakes(text, "s.po")
    assert [(each[0][: len(what)], each[2]) for each in found] == [(what, line)]


XLIFF_1 = """\
<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
  <file original="hero" source-language="en-US" target-language="de" datatype="plaintext"><body>
    <group id="g">
      <trans-unit id="1" resname="hero.headline">
        <source>Warm evenings</source>
        <target state="final">Warme Abende</target>
        <alt-trans><source>Warm nights</source><target>Warme Nächte</target></alt-trans>
        <note>on top</note>
      </trans-unit>
      <trans-unit id="cta"><source>Buy <g id="1">now</g></source>
        <target>Jetzt <g id="1">kaufen</g></target></trans-unit>
      <trans-unit id="price"><source>From <x id="1" equiv-text="{price}"/></source>
        <target>Ab <ph id="1">{price}</ph> &amp; mehr</target></trans-unit>
      <trans-unit id="spaced" xml:space="preserve"><source> a </source><target> b </target></trans-unit>
      <trans-unit id="later"><source>Later</source></trans-unit>
      <trans-unit id="blank"><source>Blank</source><target/></trans-unit>
      <trans-unit id="brand" translate="no"><source>Northwind</source></trans-unit>
    </group>
  </body></file>
</xliff>
"""


def test_xliff_1_gives_targets_for_the_target_language():
    assert values(XLIFF_1, "de.xlf", "de-DE") == {
        "hero.headline": "Warme Abende",
        "cta": "Jetzt kaufen",
        "price": "Ab {price} & mehr",
        "spaced": " b ",
        "brand": "Northwind",
    }
    headline = read(XLIFF_1, "de.xlf", "de-DE")["hero.headline"]
    assert (headline.state, headline.note) == ("final", "on top")
    assert spots(XLIFF_1, "de.xlf")["hero.headline"].startswith("7: <")


def test_xliff_gives_sources_for_the_source_language():
    found = values(XLIFF_1, "de.xliff", "en-US")
    assert found["hero.headline"] == "Warm evenings"
    assert found["price"] == "From {price}"
    assert found["later"] == "Later"
    problems = Problems()
    both = parse_catalogues(XLIFF_1, file="all.xlf", problems=problems)
    assert ({tag: len(each) for tag, each in both.items()}, problems.found) == ({"de": 5, "en-US": 7}, [])


XLIFF_2 = """\
<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en-US" trgLang="de-DE">
 <file id="f"><group id="g">
  <unit id="u1" name="hero.headline">
   <notes><note>on top</note></notes>
   <originalData><data id="d1">{brand}</data><data id="b">&lt;b&gt;</data><data id="e">&lt;/b&gt;</data></originalData>
   <segment state="final"><source>Warm.</source><target>Warm.</target></segment>
   <ignorable><source> </source><target> </target></ignorable>
   <segment state="translated"><source>By <ph id="1" dataRef="d1"/></source>
     <target>Von <ph id="1" dataRef="d1"/><cp hex="21"/></target></segment>
  </unit>
  <unit id="u2"><originalData><data id="b">&lt;b&gt;</data><data id="e">&lt;/b&gt;</data></originalData>
   <segment><source>Buy</source>
     <target>Jetzt <pc id="1" dataRefStart="b" dataRefEnd="e">kaufen</pc></target></segment></unit>
  <unit id="half"><segment><source>a</source><target>b</target></segment><segment><source>c</source></segment></unit>
 </group></file>
</xliff>
"""


def test_xliff_2_joins_the_segments_of_a_unit():
    assert values(XLIFF_2, "de.xlf") == {"hero.headline": "Warm. Von {brand}!", "u2": "Jetzt <b>kaufen</b>"}
    headline = read(XLIFF_2, "de.xlf")["hero.headline"]
    assert (headline.state, headline.note, headline.place.line) == ("translated", "on top", 6)
    assert values(XLIFF_2, "de.xlf", "en-US")["half"] == "ac"


def test_targets_without_a_stated_language_are_the_files():
    text = XLIFF_2.replace(' trgLang="de-DE"', "")
    assert values(text, "fr-FR.xlf", "fr-FR")["u2"] == "Jetzt <b>kaufen</b>"
    problems = Problems()
    parse_catalogues(text, file="all.xlf", problems=problems)
    assert [each.what for each in problems.found] == ["the file does not say what language it is in"]


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><xliff version="1.2"><file>&b;</file></xliff>'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xliff version="1.2"></xliff>'


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (BOMB, "a document type or an entity of its own", 1),
        (OUTSIDE, "a document type or an entity of its own", 1),
        ('<xliff version="1.2">\n<body></xliff>', "not valid XML: mismatched tag", 2),
        ("", "not valid XML: no element found", 1),
        ("<resources/>", "the root element is `resources`, not `xliff`", 1),
        ('<xliff version="3.1"/>', "XLIFF version `3.1`", 1),
        ('<xliff version="2.0"/>', "the file does not say what its source language is", 1),
        (
            '<xliff version="1.2">\n<file target-language="de"/></xliff>',
            "the file does not say what its source language is",
            2,
        ),
        ('<xliff version="2.0" srcLang="english"/>', "`english` is not a language tag", 1),
        (XLIFF_1.replace('"de"', '"fr"'), "the file has no strings in `de-DE`", 1),
        (XLIFF_2.replace('"u2"', '""'), "a unit without an id", 11),
        (XLIFF_1.replace('"spaced"', '"cta"'), "string `cta` stands twice", 15),
    ],
)
def test_a_mistake_in_an_xliff_file_is_told(text, what, line):
    found = mistakes(text, "s.xlf")
    assert [(each[0], each[2]) for each in found][:1] == [(what, line)]
    assert len({each[0] for each in found}) == 1


def test_a_tree_with_several_locales_has_them_at_the_top():
    problems = Problems()
    found = parse_catalogues("en_us: {a: A}\nde-DE:\n  a: x\nfr:\n", file="all.yaml", problems=problems)
    assert {tag: {key: each.value for key, each in texts.items()} for tag, texts in found.items()} == {
        "en-US": {"a": "A"}, "de-DE": {"a": "x"}, "fr": {},
    }  # fmt: skip
    assert problems.found == []


def test_a_tree_of_one_locale_is_not_taken_for_several():
    problems = Problems()
    parse_catalogues("headline: Warm\nde: {a: x}\nDE: {a: y}\n", file="all.yaml", problems=problems)
    assert [(each.what, each.at.line) for each in problems.found] == [
        ("a file with several locales has them at the top, but `headline` is none", 1),
        ("`de` stands twice in the file", 3),
    ]


@pytest.mark.parametrize(
    ("pattern", "tags", "files"),
    [
        ("s/{locale}.yaml", ["en-US"], [("en-US", "s/en-US.yaml"), ("en", "s/en.yaml")]),
        (
            "{posix}.po",
            ["es-MX", "es-ES"],
            [("es-MX", "es_MX.po"), ("es-419", "es_419.po"), ("es", "es.po"), ("es-ES", "es_ES.po")],
        ),
        ("s/{language}.json", ["de-DE", "de-AT", "zh-TW", "zh-CN"], [("de", "s/de.json"), ("zh", "s/zh.json")]),
        (
            "{language}/{locale}",
            ["zh-TW"],
            [("zh-TW", "zh/zh-TW"), ("zh-Hant-TW", "zh/zh-Hant-TW"), ("zh-Hant", "zh/zh-Hant")],
        ),
        ("strings.csv", ["en-US", "de-DE"], [(None, "strings.csv")]),
    ],
)
def test_a_pattern_names_the_files_of_the_locales_and_their_parents(pattern, tags, files):
    assert sorted(map(str, strings_files(pattern, tags))) == sorted(map(str, files))


@pytest.mark.parametrize("file", ["a.yaml", "a.json", "a.csv", "a.po", "a.xlf"])
@given(text=st.text(max_size=60) | st.text(alphabet='<>/"{}[],:;\n\tmsgidtr key=&!|-', max_size=60))
@settings(deadline=None)
def test_no_text_whatever_makes_a_reader_fail(file, text):
    problems = Problems()
    parse_catalogue(text, file=file, tag="de-DE", problems=problems)
    parse_catalogues(text, file=file, problems=problems)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.text(min_size=1).filter(lambda text: bool(text.strip()))
    )
)
def test_a_table_gives_back_what_a_spreadsheet_wrote(texts):
    texts = {key: text.replace("\r", "").replace("\0", "") or "x" for key, text in texts.items()}
    written = io.StringIO()
    csv.writer(written).writerows([("key", "text"), *texts.items()])
    expected = {key: text for key, text in texts.items() if text.strip()}
    assert values(written.getvalue(), "de.csv") == expected
