"""The demo twice: the same metrics, drift and predictions, bit by bit?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def story() -> dict[str, Any]:
    answer = subprocess.run([sys.executable, "-m", "mlops", "demo", "--json"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {step["name"]: step["facts"] for step in json.loads(answer.stdout)["steps"]}


def results(facts: dict[str, Any]) -> dict[str, Any]:
    """What must not change from run to run: times, ids and versions of objects are left out."""
    months = [*facts["drift"]["months"], *facts["replay"]["months"]]
    return {
        "rows": [
            {key: row[key] for key in ("rows", "accepted", "quarantined", "reasons")}
            for step in ("ingest", "ingest-later")
            for row in facts[step]["files"]
        ],
        "models": {
            f"{step} {row['algorithm']} {name}": value
            for step in ("train", "retrain")
            for row in facts[step]["comparison"]
            for name, value in row["metrics"].items()
        },
        "online": [(row["id"], row["probability"], row["model_version"]) for row in facts["predict"]["predictions"]],
        "months": {
            row["month"]: {key: row[key] for key in ("rows", "rejected", "auc", "drifted", "largest_psi", "sha256")} for row in months
        },
    }


def main() -> None:
    first, second = results(story()), results(story())
    for name in first:
        print(f"  {name}: {'the same' if first[name] == second[name] else 'DIFFERENT'} ({len(first[name])} compared)")
    if first != second:
        for name in first:
            if first[name] != second[name]:
                print(f"  {name}\n    first  {first[name]}\n    second {second[name]}")
        sys.exit(1)
