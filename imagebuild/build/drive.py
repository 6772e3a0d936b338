"""Drives a provider's flow: does what it asks for, hands back the outcome, until there is a picture."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from imagebuild.errors import ProviderError
from imagebuild.providers.base import Picture, Provider, Request, Work

__all__ = ["drive"]


async def drive(provider: Provider, request: Request, executor: Executor) -> Picture:
    """The picture of one request."""
    flow = provider.flow(request)
    try:
        asked = next(flow)
        while True:
            if not isinstance(asked, Work):
                raise ProviderError(f"provider `{provider.name}` asked for something this build cannot do")
            done = await asyncio.get_running_loop().run_in_executor(executor, asked.call)
            asked = flow.send(done)
    except StopIteration as end:
        if not isinstance(end.value, Picture):
            raise ProviderError(f"provider `{provider.name}` ended without a picture") from None
        return end.value
