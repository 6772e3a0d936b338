"""Runs the sandbox: gathers what it needs, gives it its painter, and serves until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from imagebuild.picture.proof.painter import ProofRequest, paint
from imagebuild.sandbox.desk import Desk
from imagebuild.sandbox.faults import Faults, Latency, SandboxError, read_faults, read_rates
from imagebuild.sandbox.order import Order, Painter
from imagebuild.sandbox.painters import plain_painter, unique
from imagebuild.sandbox.server import environment, running
from imagebuild.stages.stopping import told_to_stop

__all__ = ["SandboxOptions", "Started", "serve_sandbox"]

_PAINTERS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How a sandbox is to behave. Its time runs `speed` times as fast as a real service's."""

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 100.0
    latency: str = "30-240"
    faults: str | None = None
    rates: tuple[str, ...] = ()
    seed: int = 0
    pictures: str = "proof"  # or plain
    picture_bytes: int = 0
    ledger: str | None = None
    env: str | None = None


class Started(NamedTuple):
    """Where it answers, and the variables that point clients there, and builds to a store for its pictures."""

    base: str
    environment: Mapping[str, str]
    seed: int


def serve_sandbox(options: SandboxOptions, started: Callable[[Started], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `started` is called once it listens."""
    if not options.speed > 0:
        raise SandboxError(f"speed `{options.speed:g}`: more than 0 is wanted", hint="`--speed 100`: 100 times as fast")
    faults, latency = _faults(options), Latency.parse(options.latency)
    with ThreadPoolExecutor(_PAINTERS_AT_ONCE) as executor, _ledger_file(options.ledger), _fresh_store() as store:
        desk = Desk(
            _painter(options), faults=faults, latency=latency, executor=executor, speed=options.speed,
            ledger=options.ledger,
        )  # fmt: skip
        try:
            asyncio.run(_serve(desk, options, store, started))
        finally:
            desk.close()


async def _serve(desk: Desk, options: SandboxOptions, store: str, started: Callable[[Started], None]) -> None:
    stop = asyncio.Event()
    with told_to_stop(stop):
        async with running(desk, host=options.host, port=options.port) as base:
            variables = {**environment(base, desk), "IMAGEBUILD_STORE": store}
            if options.env is not None:
                _write_variables(options.env, variables)
            started(Started(base, variables, desk.faults.seed))
            await stop.wait()


@contextmanager
def _fresh_store() -> Iterator[str]:
    """A folder of its own for what is built against this sandbox: an address is no part of a key, so that in a real
    store its pictures would pass for paid ones. Stays where something was built, to be looked at."""
    folder = tempfile.mkdtemp(prefix="imagebuild-sandbox-")
    try:
        yield folder
    finally:
        with suppress(OSError):  # it is not empty
            os.rmdir(folder)


@contextmanager
def _ledger_file(path: str | None) -> Iterator[None]:
    """Says it early, and in its own words, when the ledger's file cannot be written."""
    if path is not None:
        try:
            with open(path, "ab"):
                pass
        except OSError as bad:
            raise SandboxError(f"cannot write the ledger `{path}`: {bad.strerror}") from None
    yield


def _faults(options: SandboxOptions) -> Faults:
    faults = Faults(seed=options.seed)
    if options.faults is not None:
        try:
            with open(options.faults, encoding="utf-8") as file:
                text = file.read()
        except OSError as bad:
            raise SandboxError(f"cannot read the faults `{options.faults}`: {bad.strerror}") from None
        except UnicodeDecodeError:
            raise SandboxError(f"cannot read the faults `{options.faults}`: not UTF-8") from None
        faults = read_faults(text, file=options.faults, seed=options.seed)
    faults.rates = read_rates(options.rates, faults.rates)
    return faults


def _painter(options: SandboxOptions) -> Painter:
    if options.pictures == "plain":
        return plain_painter(at_least=options.picture_bytes)
    return unique(_paint_proof, at_least=options.picture_bytes)


def _paint_proof(order: Order, caption: str) -> bytes:
    return paint(
        ProofRequest(
            operation="edit" if order.operation == "edit" else "generate",
            prompt=order.prompt,
            size=order.size,
            quality=order.quality,
            background=order.background,
            output_format=cast(Literal["png", "jpeg", "webp"], order.format),
            references=order.references,
            mask=order.mask,
            label=caption,
        )
    )


def _write_variables(path: str, variables: Mapping[str, str]) -> None:
    """Whole or not at all: whoever waits for the file may read it as soon as it is there."""
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(lines)
        os.replace(path + ".new", path)
    except OSError as bad:
        raise SandboxError(f"cannot write the variables `{path}`: {bad.strerror}") from None
