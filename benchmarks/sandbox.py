"""`mlops up` of the local stack until it serves, against a bare moto server that starts and answers once.

Target: at most 25 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BARE = """
from moto.server import ThreadedMotoServer
import boto3
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b").list_buckets()
server.stop()
"""


def main() -> None:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True, capture_output=True)
    bare = time.perf_counter() - started
    started = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "mlops", "up", "--detach", "--json"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    subprocess.run([sys.executable, "-m", "mlops", "down", "--json"], cwd=ROOT, check=True, capture_output=True)
    resources = sum(json.loads(answer.stdout)["resources"].values())
    print(f"  {resources} resources deployed and served in {seconds:.1f} s (target ≤ 25 s); a bare moto server answers after {bare:.1f} s")
