"""The purse: estimates are reserved before, true costs settled after, and the limit holds in between."""

from __future__ import annotations

from decimal import Decimal

import pytest

from imagebuild.build.budget import Purse
from imagebuild.core.spec import Budget


def dollars(amount: str) -> Decimal:
    return Decimal(amount)


def test_without_a_limit_everything_may_be_reserved():
    assert Purse(Budget(), dollars("1000")).reserve(dollars("1000000"))


def test_reservations_add_up_to_the_limit_and_no_further():
    purse = Purse(Budget(build=dollars("0.10")), dollars("0"))
    assert [purse.reserve(dollars("0.04")) for _ in range(3)] == [True, True, False]
    assert purse.reserve(dollars("0.02"))
    assert not purse.reserve(dollars("0.000001"))


def test_a_refused_reservation_takes_nothing():
    purse = Purse(Budget(build=dollars("0.10")), dollars("0"))
    assert not purse.reserve(dollars("0.11"))
    assert purse.reserve(dollars("0.10"))


def test_settling_puts_the_true_cost_in_the_estimates_place():
    purse = Purse(Budget(build=dollars("0.10")), dollars("0"))
    purse.reserve(dollars("0.10"))
    purse.settle(dollars("0.10"), dollars("0.03"))
    assert (purse.spent, purse.reserved) == (dollars("0.03"), 0)
    assert not purse.reserve(dollars("0.08"))
    assert purse.reserve(dollars("0.07"))


def test_a_cost_above_its_estimate_counts_in_full():
    purse = Purse(Budget(build=dollars("0.10")), dollars("0"))
    purse.reserve(dollars("0.05"))
    purse.settle(dollars("0.05"), dollars("0.12"))
    assert purse.spent == dollars("0.12")
    assert not purse.reserve(dollars("0.01"))


def test_what_costs_nothing_is_always_allowed():
    purse = Purse(Budget(build=dollars("0")), dollars("0"))
    assert purse.reserve(dollars("0"))
    assert not purse.reserve(dollars("0.01"))


@pytest.mark.parametrize(
    ("budget", "spent", "limit", "name"),
    [
        (Budget(build=Decimal(10), campaign=Decimal(100)), "0", "10", "budget.build"),
        (Budget(build=Decimal(10), campaign=Decimal(100)), "95", "5", "budget.campaign"),
        (Budget(campaign=Decimal(100)), "30", "70", "budget.campaign"),
    ],
)
def test_the_tighter_limit_counts_and_is_named(budget, spent, limit, name):
    purse = Purse(budget, dollars(spent))
    assert purse.name == name
    assert not purse.reserve(dollars(limit) + dollars("0.01"))
    assert purse.reserve(dollars(limit))


def test_a_campaign_that_is_over_its_budget_already_may_spend_nothing():
    purse = Purse(Budget(campaign=dollars("100")), dollars("101"))
    assert not purse.reserve(dollars("0.01"))
