"""The programs that benchmarks preview, and the Pulumi CLI with a home and a backend of its own that downloads nothing."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, measured
from tests.engine.cli import environment

ROOT = Path(__file__).parents[1]
KINDS = 5


def program(count: int) -> str:
    """A program that registers `count` resources (a multiple of five) joined as real ones are."""
    return f"""
import pulumi
import pulumi_aws as aws

for number in range({count // KINDS}):
    key = aws.kms.Key(f"key-{{number}}", enable_key_rotation=True, tags={{"owner": "bench"}})
    topic = aws.sns.Topic(f"topic-{{number}}", kms_master_key_id=key.arn)
    bucket = aws.s3.Bucket(f"bucket-{{number}}", force_destroy=True)
    aws.s3.BucketVersioning(f"versioning-{{number}}", bucket=bucket.id, versioning_configuration={{"status": "Enabled"}})
    aws.lambda_.Function(f"function-{{number}}", runtime="python3.12", handler="a.b", role="arn:aws:iam::123456789012:role/f",
                         s3_bucket=bucket.id, s3_key="code.zip", environment={{"variables": {{"TOPIC": topic.arn}}}})
"""


def project(folder: Path, count: int) -> Path:
    """A project with that program, its stack dev, and a configuration of the pack in which nothing ends the preview."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "bench", "runtime": "python"}))
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (folder / "__main__.py").write_text(program(count))
    (folder / "config.json").write_text('{"all": "advisory"}')
    return folder


@dataclass(frozen=True)
class Cli:
    """The Pulumi CLI for one project, attached to a provider that is served already."""

    folder: Path
    providers: str

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.folder) | {"PULUMI_DEBUG_PROVIDERS": self.providers}

    def init(self) -> None:
        """Make the stack dev."""
        subprocess.run(["pulumi", "stack", "init", "dev"], cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def preview(self, count: int, *options: str) -> Cost:
        """A preview that shows `count` resources and the stack."""
        command = ["pulumi", "preview", "--stack", "dev", "--non-interactive", *options]
        cost = measured(command, self.folder, self.environment)
        if f"{count + 1} to create" not in cost.output.decode():
            raise RuntimeError(f"pulumi preview did not show {count} resources: {cost.output[-800:].decode()}")
        return cost

    def pack(self) -> tuple[str, ...]:
        """The options with which the CLI judges by our pack."""
        return ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", str(self.folder / "config.json"))
