"""What the pack adds to a real `pulumi preview` of 200 resources: the same program with and without it, by turns.

Target: at most 25 %. Needs the Pulumi CLI on PATH; the provider is a stand-in that answers at once, so the preview itself is as fast as one can be.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.engine.plugin import EchoProvider, served

ROOT = Path(__file__).parents[1]
COUNT = 200
ROUNDS = 5
PROGRAM = f"""
import pulumi_aws as aws

for index in range({COUNT // 5}):
    key = aws.kms.Key(f"key-{{index}}", enable_key_rotation=True, tags={{"owner": "bench"}})
    topic = aws.sns.Topic(f"topic-{{index}}", kms_master_key_id=key.arn)
    bucket = aws.s3.Bucket(f"bucket-{{index}}", force_destroy=True)
    aws.s3.BucketVersioning(f"versioning-{{index}}", bucket=bucket.id, versioning_configuration={{"status": "Enabled"}})
    aws.lambda_.Function(f"function-{{index}}", runtime="python3.12", handler="a.b", role="arn:aws:iam::123456789012:role/f",
                         s3_bucket=bucket.id, s3_key="code.zip", environment={{"variables": {{"TOPIC": topic.arn}}}})
"""
EMPTY_PACK = """
from pulumi_policy import PolicyPack, ResourceValidationPolicy

PolicyPack("empty", [ResourceValidationPolicy("nothing", "Nothing.", lambda arguments, report: None)])
"""


def environment(folder: Path, providers: str) -> dict[str, str]:
    """A CLI with a home and a backend of its own, which downloads nothing."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": providers,
    }


def timed(folder: Path, environment: dict[str, str], *options: str) -> float:
    """Wall seconds of a preview."""
    command = ["pulumi", "preview", "--stack", "dev", "--non-interactive", *options]
    started = time.perf_counter()
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600)
    seconds = time.perf_counter() - started
    if answer.returncode or f"{COUNT + 1} to create" not in answer.stdout:
        raise RuntimeError(f"pulumi preview ended with {answer.returncode}: {answer.stdout[-800:]}{answer.stderr[-800:]}")
    return seconds


def main() -> None:
    if shutil.which("pulumi") is None:
        print("  not measured: the Pulumi CLI is not on PATH")
        return
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": "bench", "runtime": "python"}))
        (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
        (folder / "__main__.py").write_text(PROGRAM)
        with served(EchoProvider("eu-west-1"), folder) as providers:
            variables = environment(folder, providers)
            subprocess.run(["pulumi", "stack", "init", "dev"], cwd=folder, env=variables, check=True, capture_output=True)
            # A mandatory finding ends the preview, and what then remains of it is not what is to be measured.
            (folder / "config.json").write_text('{"all": "advisory"}')
            pack = ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", str(folder / "config.json"))
            empty = ("--policy-pack", str(_empty_pack(folder / "empty")))
            rounds = [[timed(folder, variables, *options) for options in ((), empty, pack)] for _ in range(ROUNDS)]
    bare, floor, judged = (min(times) for times in zip(*rounds, strict=True))
    print(f"  pulumi preview of {COUNT} resources: {bare:.2f} s, with the pack {judged:.2f} s: {judged / bare - 1:+.0%} (target ≤ +25 %)")
    print(f"  with a pack of one policy that does nothing: {floor:.2f} s, {floor / bare - 1:+.0%}: what any pack in Python adds")


def _empty_pack(folder: Path) -> Path:
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("name: empty\nversion: 0.0.1\nruntime: python\n")
    (folder / "__main__.py").write_text(EMPTY_PACK)
    return folder
