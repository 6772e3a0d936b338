"""Templates: what they say, what they depend on, and what they may not do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.axis import Fields, Ratio
from imagebuild.core.locale import Locale
from imagebuild.core.template import Template, TemplateFault, Templates, resolve, simple_template
from imagebuild.core.template_mistakes import NoPart
from imagebuild.core.written import SourceText
from imagebuild.errors import Place, Problems, SpecErrors
from tests.core.reading import Texts


def source_of(text, file="p.j2"):
    return SourceText(text=text, file=file, place=Place(file, 1, 1), lines=text.splitlines())


def compiled(text, files=None):
    problems = Problems()
    template = Templates(Texts(files), problems).compile(source_of(text))
    problems.check()
    assert template is not None
    return template


def mistakes(text, files=None):
    with pytest.raises(SpecErrors) as caught:
        compiled(text, files)
    return [problem.what for problem in caught.value.problems]


def by_jinja(text, files=None):
    """The same template, never by the short way."""
    problems = Problems()
    template = Templates(Texts(files), problems)._jinja(source_of(text))
    problems.check()
    assert template is not None
    return template


KETTLE = Fields({"id": "kettle", "name": "Kettle", "price": 49.5, "maker": {"name": "N", "items": 3}}, "kettle")
CONTEXT = {"product": KETTLE, "brand": "Northwind", "locale": Locale("de-DE"), "palette": ("red", "blue")}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("  plain text\n\n", "plain text"),
        ("{{ brand }} and {{brand}}", "Northwind and Northwind"),
        ("{{ product }}: {{ product.name }}, {{ product.maker.name }}", "kettle: Kettle, N"),
        ("{{ product.maker.items }}", "3"),
        ('{{ product["name"] }}', "Kettle"),
        ("{{ palette | join(', ') }}", "red, blue"),
        ("{% if product.price > 40 %}\n  dear\n{% endif %}\n", "dear"),
        ("{{ product.price | currency('EUR') }}", "49,50\u00a0€"),
        ("{{ missing | default('x') }}", "x"),
        ("{{ product.tagline | default('y') }}", "y"),
        ("{% for each in range(3) %}{{ each }}{% endfor %}", "012"),
        ("{% set a = brand %}{{ a }}", "Northwind"),
        ("{# a comment #}b", "b"),
        ("one\n{% if brand %}\ntwo\n{% endif %}\nthree", "one\ntwo\nthree"),
        ("one\n{% if not brand %}\ntwo\n{% endif %}\nthree", "one\nthree"),
        ("{% if brand %}A tag.{% endif %}\nThe headline.", "A tag.\nThe headline."),
        ("one {# a comment #}\n{# alone #}\n{# on two\n lines #}\ntwo", "one\ntwo"),
        ("{% for each in range(2) %}{{ each }}{% endfor %}\nend", "01\nend"),
        ("one  \ntwo\t\n\nthree", "one\ntwo\n\nthree"),
        ("{% if brand %}{# both #}{% endif %}  \nend", "end"),
        ("{{ locale.language }}", "de"),
        ("{{ '{{ not this }}' }}", "{{ not this }}"),
        ("{{ true }}", "True"),
    ],
)
def test_a_template_says_what_it_says(text, rendered):
    assert compiled(text).render(CONTEXT) == rendered


@pytest.mark.parametrize(
    ("text", "chains"),
    [
        ("{{ product.name }} {{ brand }}", {("product", "name"), ("brand",)}),
        ('{{ product["maker"].name | upper }}', {("product", "maker", "name")}),
        ("{% for each in palette %}{{ each.x }}{{ loop.index }}{% endfor %}", {("palette",)}),
        ("{% set a = brand %}{{ a.b }}", {("brand",)}),
        ("{{ t.hero.headline }}", {("t", "hero", "headline")}),
        ("text alone", set()),
    ],
)
def test_a_template_tells_what_it_reads(text, chains):
    assert compiled(text).chains == chains
    assert by_jinja(text).chains == chains


def test_what_an_included_file_reads_is_read_too():
    files = {
        "p.j2": "",
        "a/b.j2": "{{ x }}{% include './c.j2' %}",
        "a/c.j2": "{{ y.z }}{% include 'd.j2' %}",
        "d.j2": "!",
    }
    template = compiled("{% include 'a/b.j2' %}", files)
    assert template.chains == {("x",), ("y", "z")}
    assert set(template.files) == {"a/b.j2", "a/c.j2", "d.j2"}
    assert template.render({"x": 1, "y": {"z": 2}}) == "12!"


def test_a_name_that_is_asked_for_with_care_need_not_be_there():
    template = compiled("{% if mood is defined %}{{ mood }}{% endif %}{{ tone | default('') }}")
    assert template.optional == {"mood", "tone"}
    assert template.render({}) == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ product.nmae }}", "`product` has no `nmae`"),
        ("{{ product.nmae | upper }}", "`product` has no `nmae`"),
        ("{{ product.maker.nmae }}", "`product.maker` has no `nmae`"),
        ("{{ product.maker.nmae ~ '' }}", "`product.maker` has no `nmae`"),
        ("{{ brand.name }}", "`brand` is a text, it has no `name`"),
        ("{{ product.price.x }}", "`product.price` is a number, it has no `x`"),
        ("{{ locale.nmae }}", "`locale` has no `nmae`"),
        ("{{ nobody ~ '' }}", "`nobody` is not known in this cell"),
        ("{{ nobody }}", "`nobody` is not known in this cell"),
        ("{{ brand.upper }}", "`brand.upper` is a function"),
        ("{{ brand.upper }}!{{ 1 }}", "`brand.upper` is a function"),
        ("{{ palette + 1 }}", "template: a list and a number cannot be added"),
    ],
)
def test_a_value_that_is_not_there_is_named_as_the_template_names_it(text, what):
    for template in (compiled(text), by_jinja(text)):
        with pytest.raises(TemplateFault) as caught:
            template.render(CONTEXT)
        assert caught.value.what == what
        assert caught.value.at.line == 1


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ product.__init__.__globals__ }}",
        "{{ product | attr('__class__') }}",
        "{{ '{0.__class__}'.format(product) }}",
        "{{ '%s' | format(product.__dict__) }}",
        "{{ self._TemplateReference__context.environment }}",
        "{{ range.__self__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ product._fields }}",
        "{{ range(10 ** 9) | length }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10 ** 12 }}",
        "{{ 10 ** 12 * 'x' }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{% for a in range(1000) %}{{ 'x' * 10000 }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_a_template_reaches_nothing_outside_and_takes_no_more_than_its_share(text):
    with pytest.raises(TemplateFault):
        compiled(text).render(CONTEXT)


@pytest.mark.parametrize("text", ["{{ palette | random }}", "{{ palette | shuffle }}", "{{ 1 is wonderful }}"])
def test_a_filter_or_test_that_there_is_not_is_told_before_anything_is_rendered(text):
    assert len(mistakes(text)) == 1


def test_every_unknown_filter_is_told_at_once():
    assert mistakes("{{ a | x }}\n{{ b | y }}") == ["template: no filter `x`", "template: no filter `y`"]


def test_lipsum_is_nobodys_function():
    assert ("lipsum",) in compiled("{{ lipsum() }}").chains


def test_a_template_is_compiled_once_for_all_that_use_it():
    templates = Templates(Texts(), Problems())
    source = source_of("{{ a | upper }}")
    assert templates.compile(source) is templates.compile(source)


names = st.sampled_from(["a", "b", "_c", "größe", "x1"])
scalars = (
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "b", "items", "get", "x1"]), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "items", "x1"]), inner, max_size=3).map(lambda d: Fields(d, "id"))
        | st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=6,
)
expressions = st.builds(
    lambda head, tail, blanks: "{{" + blanks + ".".join([head, *tail]) + blanks + "}}",
    names,
    st.lists(st.sampled_from(["a", "b", "items", "x1", "upper", "real"]), max_size=2),
    st.sampled_from(["", " ", "\n", "\t ", "\r\n"]),
)
plain_text = st.text(st.sampled_from("ab {}%#\n\r\té€\u2028."), max_size=8)
simple_texts = st.lists(expressions | plain_text, max_size=6).map("".join)


def outcome(template: Template, context):
    try:
        return ("text", template.render(context))
    except TemplateFault:
        return ("fault", "")


@given(simple_texts, st.dictionaries(names, values, max_size=5))
@settings(max_examples=400, deadline=None)
def test_the_short_way_renders_exactly_as_jinja_does(text, context):
    short = simple_template(source_of(text))
    if short is None:
        return
    long = by_jinja(text)
    assert outcome(short, context) == outcome(long, context)
    assert short.chains == long.chains


@given(st.lists(expressions | st.text(st.sampled_from("ab \n\r\té."), max_size=8), max_size=6).map("".join))
def test_text_and_plain_values_go_the_short_way(text):
    assert simple_template(source_of(text)) is not None


@pytest.mark.parametrize(
    ("chain", "value"),
    [
        (("brand",), "Northwind"),
        (("product", "maker", "items"), 3),
        (("ratio", "width"), 16),
        (("locale", "tag"), "de-DE"),
    ],
)
def test_a_chain_is_looked_up_as_a_template_does(chain, value):
    assert resolve(chain, {**CONTEXT, "ratio": Ratio("16:9", Fraction(16, 9))}) == value


def test_a_chain_that_leads_nowhere_names_the_owner():
    with pytest.raises(NoPart) as caught:
        resolve(("product", "maker", "x"), CONTEXT)
    assert (caught.value.owner, caught.value.name) == ({"name": "N", "items": 3}, "x")


def loaded_after(code: str) -> set[str]:
    """Which of the heavy libraries a fresh interpreter has loaded after some code."""
    heavy = ("jinja2", "babel", "networkx", "PIL", "PIL.Image", "httpx", "polib", "defusedxml", "hypothesis")
    listing = f"import sys; print(*[name for name in {heavy!r} if type(sys.modules.get(name)).__name__ == 'module'])"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) + "\n" + listing], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")[-2].split())


def test_the_core_is_imported_without_any_heavy_library():
    assert loaded_after("import imagebuild.core.expand, imagebuild.core.plan, imagebuild.core.spec_parser") == set()


def test_a_campaign_of_plain_templates_is_planned_without_jinja(tmp_path):
    (tmp_path / "campaign.yaml").write_text(
        "imagebuild: 1\ncampaign: plain\nmodel: gpt-image-2-2026-04-21\naxes: {product: [{id: a, name: A}]}\n"
        "assets: {s: {over: product, prompt: 'A {{ product.name }}', output: '{{ product.id }}.png'}}\n"
    )
    code = """
        import os
        from imagebuild.cli.main import main
        assert main(["plan"]) == 0
    """
    here = f"import os; os.chdir({str(tmp_path)!r})\n" + textwrap.dedent(code)
    assert loaded_after(here) <= {
        "PIL"
    }  # its version is part of what a local step's key holds; that loads nothing else
