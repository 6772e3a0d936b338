"""What providers offer and what it costs, against the published figures."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.core.action import Action
from imagebuild.core.offer import Situation, dollars, output_tokens
from imagebuild.core.plan import price_of, unknown_price
from imagebuild.errors import Place, Problems, ProviderError
from imagebuild.providers.base import Limits
from imagebuild.providers.catalog import load_catalog
from tests.core.reading import SNAPSHOT, offer_of

KETTLE = Action("a", "a", "generate", (), {"prompt": "A kettle", "quality": "medium"}, (), None, (2048, 2048), "2k")
FACTORS = {"low": 16, "medium": 48, "high": 96}

# size → tokens low, medium, high, and the price of the pixels at high, as published or measured.
PUBLISHED = [
    ((1024, 640), 107, 956, 3824, "0.115"),
    ((1024, 1024), 196, 1756, 7024, "0.211"),
    ((1536, 1024), 158, 1372, 5488, "0.165"),
    ((1024, 1536), 158, 1372, 5488, "0.165"),
    ((2048, 2048), 397, 3568, 14272, "0.428"),
    ((2048, 1152), 157, 1413, 5650, "0.170"),
    ((2560, 1440), 205, 1843, 7370, "0.221"),
    ((3840, 2160), 371, 3336, 13342, "0.400"),
    ((2880, 2880), 659, 5930, 23719, "0.712"),
]


@pytest.mark.parametrize(("size", "low", "medium", "high", "price"), PUBLISHED)
def test_the_token_formula_gives_every_published_figure(size, low, medium, high, price):
    tokens = [output_tokens(FACTORS[quality], *size) for quality in ("low", "medium", "high")]
    assert tokens == [low, medium, high]
    assert (Decimal(high) * 30 / 1_000_000).quantize(Decimal("0.001")) == Decimal(price)


def test_the_catalogue_has_the_factors_of_the_formula():
    assert offer_of("openai").price.tokens == FACTORS


@pytest.mark.parametrize(
    ("quality", "size", "published"),
    [
        ("low", (1024, 1024), "0.006"), ("medium", (1024, 1024), "0.053"), ("high", (1024, 1024), "0.211"),
        ("low", (1024, 1536), "0.005"), ("medium", (1024, 1536), "0.041"), ("high", (1024, 1536), "0.165"),
    ],
)  # fmt: skip
def test_a_picture_at_openai_costs_what_their_table_says(quality, size, published):
    cost = offer_of("openai").price.estimate(quality=quality, size=size, tier=None, prompt="", references=0)
    assert cost is not None
    assert abs(cost - Decimal(published)) <= Decimal("0.0005")


def test_the_prompt_and_the_references_are_paid_for_too():
    price = offer_of("openai").price
    bare = price.estimate(quality="low", size=(1024, 1024), tier=None, prompt="", references=0)
    full = price.estimate(quality="low", size=(1024, 1024), tier=None, prompt="é" * 100, references=2)
    assert bare == Decimal("0.005880")
    assert full - bare == 50 * Decimal("0.000005") + 2 * 1536 * Decimal("0.000008")


@pytest.mark.parametrize(
    ("provider", "model", "tier", "cost"),
    [
        ("proof", SNAPSHOT, "2k", "0"),
        ("hinow", SNAPSHOT, "4k", "0.087"),
        ("together", "gpt-image-2", "1k", "0.053"),
        ("apixo", "gpt-image-2", "1k", "0.02"),
        ("kie", "gpt-image-2", "1k", "0.03"),
        ("kie", "gpt-image-2", "4k", "0.08"),
        ("hinow", "gpt-image-2", "2k", "0.087"),
    ],
)
def test_flat_prices_are_the_catalogues(provider, model, tier, cost):
    price = offer_of(provider, model, floating=True).price
    estimate = price.estimate(quality="high", size=(1024, 1024), tier=tier, prompt="x", references=1)
    assert estimate == Decimal(cost)


def test_a_price_that_is_not_known_is_never_zero():
    apixo = offer_of("apixo", "gpt-image-2", floating=True).price
    assert apixo.estimate(quality="high", size=(1024, 1024), tier="4k", prompt="x", references=0) is None
    openai = offer_of("openai").price
    assert openai.estimate(quality="max", size=(1024, 1024), tier=None, prompt="x", references=0) is None


def refused(provider, model, *, floating=False):
    problems = Problems()
    at = Place("campaign.yaml", 3, 8)
    offer = load_catalog().offer(
        provider,
        model,
        allow_floating=floating,
        problems=problems,
        model_at=at,
        provider_at=Place("campaign.yaml", 4, 11),
    )
    assert offer is None
    (problem,) = problems.found
    return str(problem.at), problem.what


def test_who_cannot_serve_a_model_is_told_where_it_is_said():
    assert refused("proof", "gpt-image-2") == (
        "campaign.yaml:3:8", "`gpt-image-2` is a floating name: what it draws changes without notice",
    )  # fmt: skip
    assert refused("proof", "dall-e-3") == ("campaign.yaml:3:8", "no model `dall-e-3`")
    assert refused("nobody", SNAPSHOT) == ("campaign.yaml:4:11", "no provider `nobody`")
    assert refused("together", SNAPSHOT) == (
        "campaign.yaml:4:11", "provider `together` serves only the floating `gpt-image-2`",
    )  # fmt: skip


def test_a_floating_name_is_known_as_floating_wherever_it_is_served():
    assert offer_of("openai").floating is False
    assert offer_of("openai", "gpt-image-2", floating=True).floating is True
    assert offer_of("together", SNAPSHOT, floating=True).floating is True
    assert offer_of("together", SNAPSHOT, floating=True).id == "openai/gpt-image-2"


def test_every_provider_and_model_of_the_catalogue_makes_an_offer():
    catalog = load_catalog()
    for provider, row in catalog.providers.items():
        for model in row["models"]:
            offer = offer_of(provider, model, floating=True)
            assert set(offer.formats) <= {"png", "jpeg", "webp"}
            assert offer.catalog_date == catalog.dated


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0.00"), ("0.0529", "$0.0529"), ("0.05", "$0.05"), ("0.21", "$0.21"), ("1234.5", "$1,234.50"),
     ("0.005", "$0.005"), ("0.000005", "$0.000005"), ("10", "$10.00"), ("0.12345", "$0.12")],
)  # fmt: skip
def test_an_amount_is_shown_with_as_many_digits_as_it_takes(amount, shown):
    assert dollars(Decimal(amount)) == shown


def test_pictures_on_the_way_are_paid_for_and_a_batch_shows_none():
    offer = offer_of("openai", situation=Situation(partials=3))
    assert offer.partials == 3
    plain = price_of(KETTLE, offer_of("openai"))
    assert plain is not None
    assert price_of(KETTLE, offer) == plain + 3 * 100 * Decimal("0.00003")
    assert price_of(KETTLE, offer, batch=True) == plain / 2
    assert offer_of("hinow", situation=Situation(partials=3)).partials == 0  # it shows none


def test_a_price_that_is_not_known_is_told_with_what_is():
    assert unknown_price(KETTLE, offer_of("openai")) is None
    assert unknown_price(KETTLE._replace(kind="local"), offer_of("apixo", floating=True)) is None
    what, hint = unknown_price(KETTLE, offer_of("apixo", floating=True))
    assert what == "the price of `a` at `apixo` is not known"
    assert hint.endswith("has `resolution: 1k` only; served by `openai`, `hinow`, `kie`, `together`")


def test_every_service_says_where_it_is_and_how_fast_it_may_be_asked():
    for name, row in load_catalog().providers.items():
        offer = offer_of(name, floating=True)
        if name != "proof":
            assert offer.base_url.startswith("https://")
            assert Limits(**offer.limits).concurrency > 0
        assert row.keys() <= ROW_WORDS, name
        for entry in row["models"].values():
            assert entry.keys() <= ROW_WORDS | {"id", "floating", "price"}, name
    assert (offer_of("openai").references_by, offer_of("apixo", floating=True).references_by) == ("bytes", "url")
    assert (offer_of("openai").batch, offer_of("hinow").batch) == (Decimal("0.5"), None)


ROW_WORDS = {
    "title", "key", "base_url", "limits", "models", "protocol", "references", "references_by", "mask", "partials",
    "batch", "backgrounds", "formats", "qualities", "quality_said", "framing", "ratios", "tiers", "missing",
    "prompt_characters",
}  # fmt: skip


def test_a_plugins_row_is_a_provider_like_the_others():
    row = {"key": "GATE_API_KEY", "mask": True, "models": {SNAPSHOT: {"id": "gpt", "price": {"flat": "0.01"}}}}
    catalog = load_catalog(extra_rows={"gate": row})
    problems = Problems()
    offer = catalog.offer("gate", SNAPSHOT, allow_floating=False, problems=problems, model_at=None, provider_at=None)
    assert offer is not None
    assert (offer.id, offer.mask, offer.price.flat, offer.qualities) == (
        "gpt", True, Decimal("0.01"), ("low", "medium", "high"),
    )  # fmt: skip
    assert "gate" not in load_catalog().providers
    hinow = catalog.offer("hinow", SNAPSHOT, allow_floating=False, problems=problems, model_at=None, provider_at=None)
    assert hinow is not None
    assert hinow.able(lambda other: other.mask) == "served by `openai`, `gate`"


@pytest.mark.parametrize(
    ("name", "row", "told"),
    [
        ("openai", {"models": {SNAPSHOT: {"id": "x"}}}, "a provider `openai`, which is there already"),
        ("gate", {}, "no row that this version can read"),
        ("gate", {"models": {}}, "no row that this version can read"),
        ("gate", {"models": {"dall-e-9": {"id": "x"}}}, "no row that this version can read"),
        ("gate", {"models": {SNAPSHOT: {}}}, "no row that this version can read"),
    ],
)
def test_a_plugins_row_that_is_wrong_is_told_with_its_name(name, row, told):
    with pytest.raises(ProviderError, match=told):
        load_catalog(extra_rows={name: row})


def test_the_reference_says_of_each_provider_what_its_row_says():
    text = (Path(__file__).parents[2] / "schemas" / "README.md").read_text("utf-8")
    table = text.partition("## Providers")[2].partition("## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    names = [cell.strip("`") for cell in rows[0][1:]]
    assert set(names) == load_catalog().providers.keys() - {"proof"}
    said = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows[2:]}
    for name in names:
        offer = offer_of(name, floating=True)
        for words, values in (
            ("`quality`", offer.qualities), ("`background`", offer.backgrounds),
            ("`format`, the first where none is said", offer.formats),
        ):  # fmt: skip
            assert said[words][name] == ", ".join(values)
        assert said["`mask`"][name] == ("yes" if offer.mask else "no")
        assert said["characters of a prompt"][name] == f"{offer.prompt_characters:,}"
        assert said["in batches"][name] == ("half the price" if offer.batch == Decimal("0.5") else "–")
        shown = f"{offer.references}" + {"bytes": ", as files", "url": ", by address"}.get(offer.references_by, "")
        assert said["pictures it is shown"][name] == shown
        assert ("pinned" in said["name of the model"][name]) == (SNAPSHOT in load_catalog().providers[name]["models"])
        assert said["sizes"][name] == ("a ratio at a tier" if offer.framing else "pixels")
        if offer.framing:
            assert said["ratios"][name].startswith(", ".join(offer.framing.ratios))
            assert (": 1:1 not" in said["ratios"][name].replace(";", ":")) == bool(offer.framing.missing)
        known = [offer.price.flat] if offer.price.flat else [*(offer.price.by_resolution or {}).values()]
        told = ", ".join(f"${price}" for price in known) if known else "by tokens"
        tiers = ", ".join(f"`{tier}`" for tier in offer.price.by_resolution or ())
        assert said["price of a picture"][name] == told + (f" at {tiers}" if tiers else "")
