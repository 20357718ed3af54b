"""Offline preview of 1,000 and of 5,000 resources, against the real Pulumi CLI on the same program and pack.

Targets: at 1,000 resources at least 3 × faster than the CLI (measured where it is on PATH; its provider is a stand-in that answers at once),
5,000 resources at most 7 × the time of 1,000.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Cost, measured
from benchmarks.programs import Cli, project
from tests.engine.plugin import EchoProvider, served

SMALL, LARGE = 1_000, 5_000
ROUNDS = 3


def ours(folder: Path) -> Cost:
    command = [
        sys.executable,
        "-m",
        "mlops",
        "preview",
        "--stack",
        "dev",
        "--project",
        str(folder),
        "--config",
        str(folder / "config.json"),
    ]
    return measured([*command, "--json"], folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        small, large = project(Path(directory) / "small", SMALL), project(Path(directory) / "large", LARGE)
        runs = [ours(small) for _ in range(ROUNDS)]
        wall, work = min(run.wall for run in runs), min(run.processor for run in runs)
        print(f"  mlops preview of {SMALL:,} resources: {wall:.1f} s, processor {work:.1f} s, {max(run.memory for run in runs):.0f} MB")
        runs = [ours(large) for _ in range(ROUNDS)]
        many, much = min(run.wall for run in runs), min(run.processor for run in runs)
        print(
            f"  of {LARGE:,}: {many:.1f} s, processor {much:.1f} s, {max(run.memory for run in runs):.0f} MB: {many / wall:.1f} × the time, "
            f"{much / work:.1f} × the processor time (target ≤ 7 ×)"
        )
        if shutil.which("pulumi") is None:
            print("  not compared: the Pulumi CLI is not on PATH")
            return
        with served(EchoProvider("eu-west-1"), small) as providers:
            cli = Cli(small, providers)
            cli.init()
            theirs = [cli.preview(SMALL, *cli.pack()) for _ in range(ROUNDS)]
        other, other_work = min(run.wall for run in theirs), min(run.processor for run in theirs)
        print(
            f"  pulumi preview with the same pack: {other:.1f} s, processor {other_work:.1f} s (the stand-in provider's not counted): "
            f"{other / wall:.1f} × the time, {other_work / work:.1f} × the processor time (target ≥ 3 ×)"
        )
