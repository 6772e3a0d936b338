"""Which provider's code serves a name, and the connection it is served over.

A provider is a name in the catalogue and something that makes a `Provider` of an account. The four services, the one
inside, and every service of tasks that the catalogue describes are here; others come as plugins. One without an
address in its row asks nobody: it works here, without a connection, a journal or a key.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from imagebuild.build.run import Service
from imagebuild.build.terms import Terms
from imagebuild.core.offer import Offer, framed
from imagebuild.errors import ProviderError
from imagebuild.lazy import lazy
from imagebuild.providers.account import Account, read_account, read_dotenv, time_scale
from imagebuild.providers.base import Attachment, Provider, Request
from imagebuild.providers.batches import Batching
from imagebuild.providers.hinow import HiNow
from imagebuild.providers.openai import OpenAI
from imagebuild.providers.openai_batch import OpenAIBatch
from imagebuild.providers.proof import Proof
from imagebuild.providers.task_shape import TaskShape
from imagebuild.providers.tasks import TaskService
from imagebuild.providers.together import Together
from imagebuild.stages.plugins import catalog_for, plugins
from imagebuild.stages.project import Project
from imagebuild.store.base import Journal

if TYPE_CHECKING:
    from imagebuild.picture.proof import painter as painting
    from imagebuild.providers import callbacks as calls
    from imagebuild.providers import web
else:  # a build that asks nobody loads neither the network nor a painter
    painting = lazy("imagebuild.picture.proof.painter")
    calls = lazy("imagebuild.providers.callbacks")
    web = lazy("imagebuild.providers.web")

__all__ = ["NoKey", "Setting", "account_of", "open_provider", "service_of", "setting_of"]

REFERENCES = (
    "IMAGEBUILD_REFERENCES_URL"  # where a team has put its pictures, by digest, for services that take addresses
)


class NoKey(ProviderError):
    """There is no key for a service that wants one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where accounts are read from: the environment, and the `.env` files behind it."""

    environment: Mapping[str, str]
    dotenv: Mapping[str, str]

    def find(self, name: str) -> str:
        return self.environment.get(name, "").strip() or self.dotenv.get(name, "").strip()


def setting_of(project: Project, environment: Mapping[str, str]) -> Setting:
    return Setting(environment=environment, dotenv=read_dotenv([project.folder, project.root]))


def account_of(name: str, setting: Setting) -> Account:
    """The account a provider is asked with."""
    rows = catalog_for(name).providers
    return read_account(name, rows[name], setting.environment, setting.dotenv, others=rows)


def open_provider(
    offer: Offer, account: Account, setting: Setting, callbacks: calls.Callbacks | None = None
) -> Provider:
    """The provider of an offer, ready to make pictures."""
    name, row = offer.provider, catalog_for(offer.provider).providers[offer.provider]
    common: dict[str, Any] = {"base_url": account.base_url, "limits": account.limits, "price": offer.price}
    if name == "proof":
        return Proof(_painter())
    if name == "openai":
        return OpenAI(offer.id, partials=offer.partials, **common)
    if name == "hinow":
        route = account.options.get("route", "images")
        if route not in ("images", "chat"):
            raise ProviderError(f"`IMAGEBUILD_HINOW_ROUTE` is `{route}`", hint="write `images` or `chat`")
        return HiNow(
            offer.id, frame_of=partial(framed, offer=offer), route=cast(Literal["images", "chat"], route), **common
        )
    if name == "together":
        return Together(offer.id, reference_url=_public_address(setting), **common)
    if "protocol" not in row:
        return plugins().good[name].open(account, offer)
    shape = TaskShape.from_mapping(row["protocol"], provider=name)
    address = callbacks.address_for if callbacks is not None else None
    return TaskService(
        name, offer.id, shape, frame_of=partial(framed, offer=offer), callback=address,
        reference_url=_public_address(setting), **common,
    )  # fmt: skip


def _public_address(setting: Setting) -> Callable[[Attachment], str] | None:
    """Where a service finds a picture that it takes by its address only: by digest, where the team has put it."""
    base = setting.find(REFERENCES).rstrip("/")
    if not base:
        return None
    return lambda attachment: f"{base}/{attachment.digest}.{attachment.media_type.rpartition('/')[2]}"


def _batching(offer: Offer, account: Account) -> Batching | None:
    if offer.provider != "openai":
        return None
    return OpenAIBatch(offer.id, base_url=account.base_url, price=offer.price)


def _age(date: str) -> float:
    """How many seconds ago a date was."""
    return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(date)).total_seconds()


@asynccontextmanager
async def service_of(
    offer: Offer, setting: Setting, journal: Journal, terms: Terms, *, trace: Callable[[str], None] | None = None
) -> AsyncIterator[Service]:
    """A provider and its connection, for one build."""
    account = account_of(offer.provider, setting)
    if not account.base_url:
        yield Service(provider=open_provider(offer, account, setting))
        return
    variable = catalog_for(offer.provider).providers[offer.provider].get("key")
    if account.key is None and variable is not None:
        raise NoKey(
            f"no key for `{offer.provider}`",
            hint=f"set {variable} in the environment, or in a file `.env` beside the campaign; "
            "`imagebuild doctor` shows what every provider lacks",
        )
    scale = time_scale(setting.environment, account.base_url)
    async with AsyncExitStack() as stack:
        callbacks = None
        if "callback_url" in account.options:
            listen = account.options.get("callback_listen", "127.0.0.1:8787")
            callbacks = await stack.enter_async_context(calls.Callbacks(account.options["callback_url"], listen))
        wire = await stack.enter_async_context(
            web.WebWire(account.key, base_url=account.base_url, time_scale=scale, callbacks=callbacks, trace=trace)
        )
        provider = open_provider(offer, account, setting, callbacks)
        yield Service(
            provider=provider,
            wire=wire,
            journal=journal,
            terms=replace(terms, scale=scale, account=account.mark),
            batching=_batching(offer, account),
            age=_age,
        )


def _painter() -> Callable[[Request], bytes]:
    paint, proof_request = painting.paint, painting.ProofRequest  # loaded here, once, and not by the threads that draw

    def painted(request: Request) -> bytes:
        return paint(
            proof_request(
                operation="edit" if request.operation == "edit" else "generate",
                prompt=request.prompt,
                size=request.size,
                quality=request.quality,
                background=request.background,
                output_format=cast(Literal["png", "jpeg", "webp"], request.format),
                references=tuple(each.data for each in request.references),
                mask=request.mask.data if request.mask else None,
                take=request.take,
                variant=request.variant,
                label=request.label,
            )
        )

    return painted
