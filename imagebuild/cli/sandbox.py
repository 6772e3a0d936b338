"""`imagebuild sandbox`: serve the providers' protocols on this machine, until Ctrl-C. Nothing costs anything."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shlex

from imagebuild.cli.terminal import say
from imagebuild.stages.sandbox import SandboxOptions, Started, serve_sandbox

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    gc.enable()
    wanted = SandboxOptions(
        host=options.host,
        port=options.port,
        speed=options.speed,
        latency=options.latency,
        faults=options.faults,
        rates=tuple(options.rate),
        seed=options.seed,
        pictures=options.pictures,
        picture_bytes=options.picture_bytes,
        ledger=options.ledger,
        env=options.env,
    )
    serve_sandbox(wanted, _as_json if options.json else _told)
    if not options.json:
        say("the sandbox has stopped")
    return 0


def _as_json(started: Started) -> None:
    variables = dict(started.environment)
    print(
        json.dumps({"base": started.base, "pid": os.getpid(), "seed": started.seed, "environment": variables}),
        flush=True,
    )


def _told(started: Started) -> None:
    for name, value in started.environment.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    say(
        f"the sandbox listens at {started.base}; what it would have charged: {started.base}/_sandbox/charges\n"
        "paste the lines above into the shell that builds: they also give its pictures a store of their own, "
        "so that none passes for a paid one; Ctrl-C stops it"
    )
