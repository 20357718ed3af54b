"""Offline preview of prod, policy pack included, cold, against what the program's own process takes in it (the SDK at work).

Target: at most 1.5 × the SDK's own time, at most 500 MB.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def timed() -> tuple[float, float]:
    """Wall seconds of the whole command, and of the program in it."""
    started = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "mlops", "preview", "--stack", "prod", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return time.perf_counter() - started, json.loads(answer.stdout)["seconds"]["program"]


def main() -> None:
    whole, program = min(timed() for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"  mlops preview --stack prod: {whole:.2f} s, the program under the SDK {program:.2f} s of it; ratio {whole / program:.2f} (target ≤ 1.5)"
    )
    print(f"  largest process: {peak:.0f} MB (target ≤ 500 MB)")
