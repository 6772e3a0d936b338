"""Is every provider ready, and this project too? Who has a key, from where, how fast it may be asked, what it can do,
and whether it answers; whether the store can be written to, and what is open in its journal.

Spends nothing and changes nothing: what is asked of a service is what costs nothing there. One that is set up wrongly,
or a plugin that is broken, is a finding as any other.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from imagebuild.build.drive import Hooks, drive
from imagebuild.core.offer import Catalog, Offer, dollars
from imagebuild.errors import ImagebuildError, Problems, reason_of
from imagebuild.lazy import lazy
from imagebuild.providers.account import Account, Secret, time_scale
from imagebuild.providers.base import Cut, Limits, NotSent, Provider
from imagebuild.providers.failures import Health
from imagebuild.stages.ledger import lines_of
from imagebuild.stages.plugins import full_catalog, plugins
from imagebuild.stages.project import Project
from imagebuild.stages.read import read_spec
from imagebuild.stages.services import REFERENCES, Setting, account_of, open_provider
from imagebuild.store.journal import LocalJournal

if TYPE_CHECKING:
    from imagebuild.providers import web
else:  # not for `--offline`
    web = lazy("imagebuild.providers.web")

__all__ = ["STATES", "Finding", "Premises", "examine", "known_names", "look_around"]

SIZE = (1024, 1024)  # of the example that a price is told for
CONNECT, SILENCE = 10.0, 20.0  # seconds
ASKED_AT_ONCE = 16

STATES: Final[Mapping[str, str]] = {
    "ready": "it works on this machine, or it answers and accepts the key",
    "answers": "it answers; whether it accepts the key shows only when something is paid for",
    "not-asked": "there is what it takes to ask it, and it was not asked",
    "no-key": "no key is set for it",
    "says-no": "it was asked, and would make no picture now",
    "unreachable": "it was asked, and nothing came back",
    "wrong-setting": "a variable, or `.env`, says something of it that cannot be",
    "broken": "the plugin that brings it cannot be used",
}
CAN_BE_ASKED: Final = frozenset({"ready", "answers", "not-asked"})


class Finding(NamedTuple):
    """What there is to say of a provider. `key_from`: a variable, `.env`, or `command`; empty without a key. `words`:
    what it said, or what is wrong; `hint`: what to do about it."""

    name: str
    title: str
    state: str  # of STATES
    key_from: str = ""
    base_url: str = ""
    limits: Limits | None = None
    can: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    words: str = ""
    hint: str = ""

    @property
    def ready(self) -> bool:
        """Whether a build can begin, as far as can be told without paying."""
        return self.state in CAN_BE_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """This project. `campaign`: its file, None where there is none; `campaign_problem`: the first of its mistakes;
    `provider`: the one it is made by, as the environment, or it, says; `store_problem`: why nothing can be kept there;
    `open`: how many attempts, by what the ledger says of them."""

    campaign: str | None
    campaign_problem: str
    provider: str | None
    store: str
    has_store: bool
    store_problem: str
    open: Mapping[str, int]
    journal_problem: str


# ------------------------------------------------------------------------------------------------------ the providers


def known_names() -> list[str]:
    """Every provider there is, broken plugins too."""
    return list(dict.fromkeys((*full_catalog().providers, *plugins().broken)))


def examine(setting: Setting, *, only: str | None = None, online: bool = True) -> list[Finding]:
    """Every provider, or one. `online`: those that have what it takes are asked, all at once."""
    catalog = full_catalog()
    seen = [_examined(name, catalog, setting) for name in catalog.providers if only in (None, name)]
    if online and any(each.provider is not None for each in seen):
        scale = time_scale(setting.environment)
        found = asyncio.run(_ask_all(seen, scale))
    else:
        found = [each.finding for each in seen]
    broken = plugins().broken.items()
    return found + [_broken(Finding(name, "a plugin", ""), bad) for name, bad in broken if only in (None, name)]


class _Seen(NamedTuple):
    """What can be told from here; and, where it may be asked, whom, with what."""

    finding: Finding
    provider: Provider | None = None
    account: Account | None = None


def _broken(finding: Finding, bad: Exception, key: Secret | None = None) -> Finding:
    """`key`: whatever the plugin does with it, it is not shown."""
    if isinstance(bad, ImagebuildError):
        return finding._replace(state="broken", words=bad.what, hint=bad.hint or "")
    words = " ".join(f"{type(bad).__name__}: {bad}".split())
    words = key.blotted(words) if key is not None else words
    return finding._replace(state="broken", words=f"the plugin failed: {words}", hint="ask whoever wrote it")


def _examined(name: str, catalog: Catalog, setting: Setting) -> _Seen:
    row = catalog.providers[name]
    offer = _offer(name, catalog)
    can, lacks = _abilities(offer, setting)
    found = Finding(name, str(row.get("title", name)), "not-asked", base_url=offer.base_url, can=can, lacks=lacks)
    try:
        account = account_of(name, setting)
    except ImagebuildError as bad:
        return _Seen(found._replace(state="wrong-setting", words=bad.what, hint=bad.hint or ""))
    found = found._replace(key_from=account.key_from, base_url=account.base_url, limits=account.limits)
    try:
        provider = open_provider(offer, account, setting)
    except ImagebuildError as bad:
        return _Seen(found._replace(state="wrong-setting", words=bad.what, hint=bad.hint or ""))
    except Exception as bad:
        if name not in plugins().good:
            raise
        return _Seen(_broken(found, bad, account.key))
    if not account.base_url:
        return _Seen(found._replace(state="ready", limits=provider.limits))
    if account.key is None and row.get("key") is not None:
        return _Seen(found._replace(state="no-key", hint=_key_hint(name, row["key"])))
    try:
        time_scale(setting.environment, account.base_url)
    except ImagebuildError as bad:
        return _Seen(found._replace(state="wrong-setting", words=bad.what, hint=bad.hint or ""))
    return _Seen(found, provider, account)


def _key_hint(name: str, variable: str) -> str:
    command = f"IMAGEBUILD_{name}_KEY_COMMAND".upper().replace("-", "_")
    return f"set {variable}, in the environment or in `.env`; or {command} to a command that prints the key"


def _offer(name: str, catalog: Catalog) -> Offer:
    """Its way of serving the first model that it serves: a row without any is none."""
    offers = (
        catalog.offer(name, model, allow_floating=True, problems=Problems(), model_at=None, provider_at=None)
        for model in catalog.models
    )
    return next(offer for offer in offers if offer is not None)


def _abilities(offer: Offer, setting: Setting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What it can do, and what it cannot or what that would take."""
    can: list[str] = []
    lacks: list[str] = []

    def tell(able: bool, what: str, instead: str = "") -> None:
        (can if able else lacks).append(what + ("" if able else instead))

    price = offer.price.estimate(quality="medium", size=SIZE, tier="1k", prompt="x" * 400, references=0, partials=0)
    if price is None:
        lacks.append("a known price")
    else:
        sample = f"a medium picture of {SIZE[0]}x{SIZE[1]} for about {dollars(price)}"
        can.append(sample if price else "any picture for nothing")
    tell(not offer.floating, "the pinned snapshot", " (it has the floating name)")
    tell(offer.framing is None, "exact pixels", " (it is told a ratio and a tier)")
    if offer.references_by == "url" and not setting.find(REFERENCES):
        lacks.append(f"reference pictures (set {REFERENCES} to where they can be fetched by their digests)")
    elif offer.references:
        can.append(f"{offer.references} reference pictures")
    tell(offer.mask, "masks")
    tell(offer.quality_said, "a choice of quality")
    tell(offer.batch is not None, "batches" + (f" at {offer.batch:%} of the price" if offer.batch is not None else ""))
    can.append(", ".join(offer.formats))
    return tuple(can), tuple(lacks)


# --------------------------------------------------------------------------------------------------------- asking them


async def _ask_all(seen: list[_Seen], scale: float) -> list[Finding]:
    with ThreadPoolExecutor(ASKED_AT_ONCE) as executor:
        return list(await asyncio.gather(*(_ask(each, scale, executor) for each in seen)))


async def _ask(seen: _Seen, scale: float, executor: Executor) -> Finding:
    """Ask what costs nothing."""
    found, account = seen.finding, seen.account
    check: Any = getattr(seen.provider, "check", None)
    if account is None or check is None:
        return found
    patience = web.Patience(connect=CONNECT, silence=SILENCE)
    try:
        async with web.WebWire(account.key, base_url=account.base_url, time_scale=scale, patience=patience) as wire:
            health = await drive(check(), wire=wire, executor=executor, hooks=Hooks(leaving=_nothing, note=_nothing))
    except (NotSent, Cut) as bad:
        return found._replace(
            state="unreachable", words=bad.what, hint="see that this machine is online, and the address right"
        )
    except ImagebuildError as bad:
        return found._replace(state="says-no", words=bad.what, hint=bad.hint or "")
    except Exception as bad:
        if found.name not in plugins().good:
            raise
        return _broken(found, bad, account.key)
    if not isinstance(health, Health):
        return _broken(found, TypeError("its check gives no `Health`"))
    states = {True: "ready", None: "answers", False: "says-no"}
    return found._replace(state=states[health.ok], words=health.words)


async def _nothing(*_: object) -> None:
    return


# --------------------------------------------------------------------------------------------------------- the project


def look_around(project: Project, environment: Mapping[str, str]) -> Premises:
    """What of this project decides whether a build can begin. Changes nothing."""
    campaign = project.spec if os.path.isfile(project.spec) else None
    provider = environment.get("IMAGEBUILD_PROVIDER") or None
    problem = ""
    if campaign is not None:
        try:
            spec = read_spec(project, provider=provider)
            provider = provider or spec.campaign.provider or "proof"
            spec.problems.check()
        except ImagebuildError as bad:
            problem = bad.problems[0].what
    opened: Mapping[str, int] = {}
    damage = ""
    try:
        lines = lines_of(LocalJournal(project.store))
        opened = Counter(line.state for line in lines if line.open is not None and line.state != "paid")
    except ImagebuildError as bad:
        damage = bad.what
    return Premises(
        campaign=campaign, campaign_problem=problem, provider=provider, store=project.store,
        has_store=os.path.isdir(project.store), store_problem=_unwritable(project.store), open=opened,
        journal_problem=damage,
    )  # fmt: skip


def _unwritable(folder: str) -> str:
    """Why nothing can be written into a folder, which is made if need be; empty when it can. Leaves nothing behind."""
    at = folder
    while not os.path.lexists(at) and os.path.dirname(at) != at:
        at = os.path.dirname(at)
    try:
        with tempfile.TemporaryFile(dir=at):
            return ""
    except OSError as bad:
        return reason_of(bad)
