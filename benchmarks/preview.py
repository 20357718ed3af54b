"""Offline preview of prod, policy pack included, cold, against what the SDK alone takes for the same program (its own mocks, no engine).

Target: at most 1.5 × the SDK's own time, at most 500 MB. Both are whole new processes from their start on, by turns; on a
busy machine the processor time tells more than the wall clock.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import measured
from mlops import engine
from mlops.engine.values import to_plain_json

ROOT = Path(__file__).parents[1]
STACK = "prod"
ROUNDS = 3


def task() -> dict[str, Any]:
    """The program and its configuration for `sdk_alone`, with the answers to its calls as our preview gives them."""
    project = engine.load_project(ROOT, STACK)
    record = engine.preview(ROOT, STACK)
    return {
        "project": project.name,
        "stack": STACK,
        "program": str(project.program),
        "config": project.config,
        "secret_keys": project.secret_keys,
        "answers": {call.token: to_plain_json(call.result) for call in record.invokes if call.result is not None},
        "components": {resource.name: _ids(resource.outputs) for resource in record.resources if resource.remote},
    }


def _ids(outputs: dict[str, Any]) -> dict[str, Any]:
    """Made-up ids, as many as are asked for: a mocked component makes no children that would have them."""
    single = {name: name for name in outputs if name.endswith("Id")}
    return {**single, **{name: [f"{name}-{zone}" for zone in "abc"] for name in outputs if name.endswith("Ids")}}


def main() -> None:
    described = json.dumps(task())
    previewing = [sys.executable, "-m", "mlops", "preview", "--stack", STACK, "--json"]
    mocked = [sys.executable, str(ROOT / "benchmarks" / "sdk_alone.py")]
    pairs = [(measured(previewing, ROOT), measured(mocked, ROOT, given=described)) for _ in range(ROUNDS + 1)][1:]
    ours, alone = (min(each[which].wall for each in pairs) for which in (0, 1))
    work, alone_work = (min(each[which].processor for each in pairs) for which in (0, 1))
    ratios = sorted(each[0].wall / each[1].wall for each in pairs)
    document = json.loads(pairs[-1][0].output)
    print(
        f"  mlops preview --stack {STACK}, {len(document['resources'])} resources: {ours:.2f} s, the SDK alone {alone:.2f} s (without the awsx "
        f"component's children): {ours / alone:.2f} × (target ≤ 1.5); of the {ROUNDS} pairs {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )
    print(f"  processor time: {work:.2f} s against {alone_work:.2f} s: {work / alone_work:.2f} ×")
    print(f"  all processes together: {max(each[0].memory for each in pairs):.0f} MB at most (target ≤ 500 MB)")
