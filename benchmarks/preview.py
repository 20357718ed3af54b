"""Offline preview of prod, policy pack included, cold, against the SDK's own time for the same program (its mocks).

Target: at most 1.5 × the SDK's own time, at most 500 MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from mlops.engine.config import load_project

ROOT = Path(__file__).parents[1]
WITH_MOCKS = """
import json, os, runpy, sys
import pulumi
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        extra = {"privateSubnetIds": ["a", "b", "c"], "publicSubnetIds": ["d"], "isolatedSubnetIds": [], "vpcId": "vpc-1", "subnets": [], "routeTables": []}
        return args.name + "_id", dict(args.inputs, arn="arn:aws:x", **(extra if args.typ == "awsx:ec2:Vpc" else {}))
    def call(self, args):
        return {"accountId": "123456789012", "name": "eu-west-1", "region": "eu-west-1", "partition": "aws", "names": ["a", "b", "c"], "id": "x", "dnsSuffix": "amazonaws.com"}
pulumi.runtime.set_mocks(Mocks(), project=sys.argv[1], stack="prod", preview=True)
pulumi.runtime.set_all_config(json.loads(sys.argv[2]))
sys.path.insert(0, os.getcwd())
import asyncio
from pulumi.runtime import run_in_stack
asyncio.new_event_loop().run_until_complete(run_in_stack(lambda: runpy.run_path("__main__.py", run_name="__main__") and None))
"""


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - started


def main() -> None:
    import json

    loaded = load_project(ROOT, "prod")
    ours = min(timed([sys.executable, "-m", "mlops", "preview", "--stack", "prod", "--json"]) for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sdk = min(timed([sys.executable, "-c", WITH_MOCKS, loaded.name, json.dumps(loaded.config)]) for _ in range(3))
    print(f"  mlops preview --stack prod: {ours:.2f} s; the SDK with mocks: {sdk:.2f} s; ratio {ours / sdk:.2f} (target ≤ 1.5)")
    print(f"  largest process: {peak:.0f} MB (target ≤ 500 MB)")
