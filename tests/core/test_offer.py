"""What providers offer and what it costs, against the published figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from imagebuild.core.offer import dollars, output_tokens
from imagebuild.errors import Place, Problems
from imagebuild.providers.catalog import load_catalog
from tests.core.reading import SNAPSHOT, offer_of

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
