"""Is every provider ready? Who has a key, from where, how fast it may be asked, what it can do, and whether it answers.

Spends nothing: what is asked of a service is what costs nothing there.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import NamedTuple

from imagebuild.build.drive import Hooks, drive
from imagebuild.core.offer import Catalog, Offer, dollars
from imagebuild.errors import ImagebuildError, Problems
from imagebuild.providers.account import Account, time_scale
from imagebuild.providers.failures import Health
from imagebuild.providers.web import Patience, WebWire
from imagebuild.stages.plugins import full_catalog
from imagebuild.stages.services import REFERENCES, Setting, account_of, open_provider

__all__ = ["Finding", "examine"]

SIZE = (1024, 1024)  # of the example that a price is told for
PATIENCE = Patience(connect=10.0, silence=20.0)


class Finding(NamedTuple):
    """What there is to say of a provider. `ready`: a build can begin, as far as can be told without paying."""

    name: str
    title: str
    ready: bool
    state: str  # ready · no key · refused · not checked · …
    key: str  # where it comes from, or what to do about it
    base_url: str
    limits: str
    can: tuple[str, ...]
    lacks: tuple[str, ...]
    words: str = ""  # the service's own, or what went wrong


def examine(setting: Setting, *, only: str | None = None, online: bool = True) -> list[Finding]:
    """Every provider of the catalogue, or one."""
    catalog = full_catalog()
    names = [name for name in catalog.providers if only in (None, name)]
    return [_examined(name, catalog, setting, online) for name in names]


def _examined(name: str, catalog: Catalog, setting: Setting, online: bool) -> Finding:
    row = catalog.providers[name]
    offer = _offer(name, catalog)
    title = str(row.get("title", name))
    can, lacks = _abilities(offer, setting) if offer is not None else ((), ())
    if row.get("key") is None:
        return Finding(name, title, True, "ready", "needs none", "", "one a core", can, lacks)
    try:
        account = account_of(name, setting)
    except ImagebuildError as bad:
        hint = f"; {bad.hint}" if bad.hint else ""
        return Finding(name, title, False, "set up wrongly", "", "", "", can, lacks, bad.what + hint)
    limits = _limits(account)
    if account.key is None:
        todo = f"set {row['key']} (in the environment, or in `.env`)"
        return Finding(name, title, False, "no key", todo, account.base_url, limits, can, lacks)
    key = f"from {account.key_from}" if account.key_from != "command" else "by the key command"
    if not online or offer is None:
        return Finding(name, title, True, "not checked", key, account.base_url, limits, can, lacks)
    health = asyncio.run(_check(offer, account, setting))
    state = "ready" if health.ok else "not ready"
    return Finding(name, title, health.ok, state, key, account.base_url, limits, can, lacks, health.words)


def _offer(name: str, catalog: Catalog) -> Offer | None:
    model = next(iter(catalog.models))
    return catalog.offer(name, model, allow_floating=True, problems=Problems(), model_at=None, provider_at=None)


def _abilities(offer: Offer, setting: Setting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What it can do, and what it cannot or what that would take."""
    can: list[str] = []
    lacks: list[str] = []
    (lacks if offer.floating else can).append("only the floating name" if offer.floating else "the pinned snapshot")
    price = offer.price.estimate(quality="medium", size=SIZE, tier="1k", prompt="x" * 400, references=0, partials=0)
    if price is None:
        lacks.append("a known price")
    elif price != Decimal(0):
        can.append(f"about {dollars(price)} for a medium picture of {SIZE[0]}x{SIZE[1]}")
    (can if offer.framing is None else lacks).append(
        "exact pixels" if offer.framing is None else "exact pixels (a ratio and a tier)"
    )
    if offer.references_by == "url" and not setting.find(REFERENCES):
        lacks.append(f"references (set {REFERENCES} to where your pictures can be fetched by their digests)")
    elif offer.references:
        can.append(f"{offer.references} references")
    (can if offer.mask else lacks).append("masks")
    (can if offer.quality_said else lacks).append("a choice of quality")
    (can if offer.batch is not None else lacks).append(
        f"batches at {offer.batch:%} of the price" if offer.batch is not None else "batches"
    )
    can.append(" ".join(offer.formats))
    return tuple(can), tuple(lacks)


def _limits(account: Account) -> str:
    limits = account.limits
    parts = [f"{limits.concurrency} at once"]
    if limits.images_per_minute:
        parts.append(f"{limits.images_per_minute:g} images a minute")
    if limits.requests_per_minute:
        parts.append(f"{limits.requests_per_minute:g} requests a minute")
    return ", ".join(parts)


async def _check(offer: Offer, account: Account, setting: Setting) -> Health:
    """Ask what costs nothing."""

    async def nothing(*_: object) -> None:
        return

    provider = open_provider(offer, account, setting)
    check = getattr(provider, "check", None)
    if check is None:
        return Health(True, "it has no check that costs nothing")
    scale = time_scale(setting.environment)
    wire = WebWire(account.key, base_url=account.base_url, time_scale=scale, patience=PATIENCE)
    with ThreadPoolExecutor(1) as executor:
        async with wire:
            try:
                found = await drive(check(), wire=wire, executor=executor, hooks=Hooks(leaving=nothing, note=nothing))
            except ImagebuildError as bad:
                return Health(False, bad.what)
    return found if isinstance(found, Health) else Health(False, "its check said nothing")
