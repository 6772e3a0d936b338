"""One sandbox for the tests of a module, as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandboxes import RunningSandbox, start_sandbox


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> RunningSandbox:
    shared_sandbox.reset()
    return shared_sandbox
