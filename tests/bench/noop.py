"""How long "nothing to do" takes beside ninja, and a plan after one locale's strings changed; with peak memory.

    python tests/bench/noop.py [--runs N] [--keep FOLDER] 1000 10000 100000

ninja gets a build file with the same outputs and, for each, the same inputs. Both look at every output. Figures are
medians; ratios are taken pair by pair, the two in turn. Run it with the `imagebuild` of a plain (not editable) install.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.shape import LOCALES, RATIOS


def ninja_file(folder: Path, assets: int) -> None:
    lines = ["rule make", "  command = touch $out", "  generator = 1", ""]
    for number in range(assets // (len(LOCALES) * len(RATIOS))):
        for locale in LOCALES:
            for ratio in RATIOS:
                out = f"out/{locale}/{ratio.replace(':', 'x')}/p{number:05}.png"
                inputs = f"prompts/ad.j2 strings/{locale}.yaml data/products.json campaign.yaml"
                lines.append(f"build {out}: make {inputs}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


def run(command: list[str], folder: Path, expect: str) -> tuple[float, int]:
    """Seconds and peak memory in kB of one run, which must say what is expected of it."""
    before = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or expect not in said:
        raise SystemExit(f"{command}: exit {process.returncode}, said {said[-300:]!r}")
    return seconds, used.ru_maxrss


def pair(one: list[str], other: list[str], folder: Path, runs: int, expect: tuple[str, str]) -> str:
    """Medians of both, and of their ratio."""
    run(one, folder, expect[0]), run(other, folder, expect[1])
    rows = [(run(one, folder, expect[0]), run(other, folder, expect[1])) for _ in range(runs)]
    mine = statistics.median(each[0][0] for each in rows)
    ninjas = statistics.median(each[1][0] for each in rows)
    ratio = statistics.median(each[0][0] / each[1][0] for each in rows)
    memory = max(each[0][1] for each in rows) / 1024
    return f"{mine * 1000:8.0f} ms  ninja {ninjas * 1000:7.0f} ms  ratio {ratio:5.2f}  peak {memory:5.0f} MB"


def measure(folder: Path, assets: int, runs: int, program: list[str]) -> None:
    if not (folder / "campaign.yaml").exists():
        subprocess.run(
            [sys.executable, str(Path(__file__).parent / "campaigns.py"), str(folder), str(assets)], check=True
        )
    ninja_file(folder, assets)
    run(["ninja"], folder, "")  # once each: ninja by time, imagebuild by content, now agree that all is in place
    run([*program, "build"], folder, "Nothing to do")
    print(
        f"{assets:>7} no-op build      ",
        pair([*program, "build"], ["ninja"], folder, runs, ("Nothing to do", "no work to do")),
        flush=True,
    )
    strings = folder / "strings/de-DE.yaml"
    written = strings.read_text()
    strings.write_text(written.replace("headline: ", "headline: New "))
    share = assets // len(LOCALES)
    print(
        f"{assets:>7} one locale: plan ",
        pair([*program, "plan"], ["ninja", "-n"], folder, runs, (f"{share} to make", f"[{share}/{share}]")),
        flush=True,
    )
    os.environ["IMAGEBUILD_NO_MEMORY"] = "1"
    print(
        f"{assets:>7} without memory   ",
        pair([*program, "plan"], ["ninja", "-n"], folder, min(runs, 3), (f"{share} to make", f"[{share}/{share}]")),
        flush=True,
    )
    del os.environ["IMAGEBUILD_NO_MEMORY"]
    strings.write_text(written)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keep", help="a folder for the campaigns, to use again")
    options = parser.parse_args()
    program = [shutil.which("imagebuild") or "imagebuild"]
    home = Path(options.keep or tempfile.mkdtemp(prefix="imagebuild-bench-"))
    for assets in options.sizes:
        folder = home / f"c{assets}"
        home.mkdir(parents=True, exist_ok=True)
        measure(folder, assets, options.runs, program)
    if not options.keep:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
