"""A sandbox in which better and larger pictures take longer, as they do in reality; or each as long as chance has it.

    python tests/bench/service.py --seed 7 --speed 100 [--even] [--picture-bytes N]

Says where it listens in one line of JSON, and serves until it is terminated. How long an order takes follows from the
seed, its kind and its prompt alone (`tests.bench.overhead.seconds_of`), so that whoever measures can tell what an ideal
client would have needed.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import signal
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from imagebuild.core.sizes import parse_size, size_text
from imagebuild.sandbox.desk import Desk
from imagebuild.sandbox.faults import Faults, Latency
from imagebuild.sandbox.order import Order
from imagebuild.sandbox.painters import unique
from imagebuild.sandbox.server import environment, running
from tests.bench.overhead import SIZES, seconds_of

LAST = 12  # bytes of a PNG: its closing chunk


class Slow(Desk):
    """A desk at which an order takes as long as its kind says."""

    even = False

    def seconds(self, order: Order) -> float:
        return seconds_of(self.faults.seed, order.prompt, order.quality, size_text(order.size), even=self.even)

    async def wait(self, order: Order) -> None:
        await self.pause(self.seconds(order))


@lru_cache
def flat(size: tuple[int, int], at_least: int) -> bytes:
    """A picture of one colour, padded behind its pixels, where a real one has its bulk: whoever reads its headers does
    not come by. All are made before the service listens: their making is not what is measured."""
    out = io.BytesIO()
    with Image.new("RGB", size, (80, 120, 160)) as image:
        image.save(out, "PNG")
    data, padding = out.getvalue(), b"paDd" + bytes(max(0, at_least - out.tell()))
    chunk = (len(padding) - 4).to_bytes(4, "big") + padding + zlib.crc32(padding).to_bytes(4, "big")
    return data[:-LAST] + chunk + data[-LAST:]


async def serve(desk: Desk) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(desk) as base:
        print(json.dumps({"base": base, "environment": environment(base, desk)}), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=100.0)
    parser.add_argument("--even", action="store_true")
    parser.add_argument("--picture-bytes", type=int, default=0)
    options = parser.parse_args()
    for size in SIZES:
        flat(parse_size(size) or (0, 0), options.picture_bytes)
    with ThreadPoolExecutor(4) as executor:
        desk = Slow(
            unique(lambda order, _: flat(order.size, options.picture_bytes)), faults=Faults(seed=options.seed),
            latency=Latency("always", 0.0), executor=executor, speed=options.speed,
        )  # fmt: skip
        desk.even = options.even
        try:
            asyncio.run(serve(desk))
        finally:
            desk.close()


if __name__ == "__main__":
    main()
