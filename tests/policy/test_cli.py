"""The pack under the real Pulumi CLI: the same violations as the offline evaluation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wellarchitected import RULES, Resource, crossguard_config, evaluate
from wellarchitected.meta import META_RULES

from mlops import engine
from mlops.policy import evaluate as judge
from tests.engine import generated
from tests.engine.cli import environment as cli_environment
from tests.engine.conftest import platform  # noqa: F401 - a fixture
from tests.engine.recording import copied
from tests.engine.standin import served_for_previews
from tests.unit.check.states import deployment, failing, state
from tests.unit.engine import awkward

POLICY = Path(__file__).parents[2] / "policy"
BUCKET = "aws:s3/bucket:Bucket"
# A component with a bucket's type token: the engine has it analysed like a bucket, and needs no provider plugin.
PROGRAM = """
import pulumi

class Declared(pulumi.ComponentResource):
    def __init__(self, type_, name, properties):
        super().__init__(type_, name, properties)
        self.register_outputs(properties)

Declared("aws:s3/bucket:Bucket", "data", {"acl": "public-read", "tags": {}})
"""

pytestmark = [pytest.mark.engine, pytest.mark.skipif(shutil.which("pulumi") is None, reason="pulumi is not on PATH")]

ABOUT_THE_REPORT = {(meta.id, "shop-prod") for meta in META_RULES}


def preview(directory: Path, config: dict[str, Any]) -> tuple[int, set[tuple[str, str]]]:
    """Exit code and (level, rule) of every violation the CLI prints."""
    (directory / "Pulumi.yaml").write_text(json.dumps({"name": "tiny", "runtime": {"name": "python"}}))
    (directory / "__main__.py").write_text(PROGRAM)
    (directory / "config.json").write_text(json.dumps(crossguard_config(config, "dev", RULES)))
    environment = cli_environment(directory)
    subprocess.run(["pulumi", "stack", "init", "dev"], cwd=directory, env=environment, check=True, capture_output=True)
    command = [
        "pulumi",
        "preview",
        "--stack",
        "dev",
        "--non-interactive",
        "--policy-pack",
        str(POLICY),
        "--policy-pack-config",
        "config.json",
    ]
    result = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    found = set(re.findall(r"\[(mandatory|advisory)\]\s+(?:\[severity: \w+\]\s+)?([\w-]+)\s+\(", result.stdout))
    return result.returncode, found


@pytest.mark.parametrize("exempt", [False, True])
def test_cli_reports_what_evaluate_reports(tmp_path: Path, exempt: bool) -> None:
    exemption = {
        "rule": "s3-no-public-acl",
        "urn": "*::data",
        "reason": "public data",
        "owner": "lake",
        "expires": (datetime.now(UTC).date() + timedelta(days=30)).isoformat(),
    }
    config = {"exemptions": [exemption] if exempt else [], "rules": {"s3-lifecycle": "advisory"}}
    code, found = preview(tmp_path, config)
    urn = f"urn:pulumi:dev::tiny::{BUCKET}::data"
    bucket = Resource(urn, BUCKET, "data", {"acl": "public-read", "tags": {}})
    report = evaluate([bucket], stack="dev", config=config, today=datetime.now(UTC).date())
    assert found == {(finding.level, finding.rule) for finding in report.findings if finding.outcome == "fail"}, report.findings
    assert (code == 0) == (not report.blocking)
    assert (("mandatory", "s3-no-public-acl") in found) == (not exempt)


def assert_judged_alike(project: Path, stack: str, config: dict[str, Any], scratch: Path) -> None:
    """The CLI says of a preview what `mlops preview` says: the same violations of the same resources, at the same level."""
    report = judge(engine.preview(project, stack), config, datetime.now(UTC).date())
    (scratch / "config.json").write_text(json.dumps(crossguard_config(config, stack, RULES)))
    with served_for_previews(project) as providers:
        environment = cli_environment(scratch) | {"PULUMI_DEBUG_PROVIDERS": providers}
        subprocess.run(["pulumi", "stack", "init", stack], cwd=project, env=environment, check=True, capture_output=True)
        pack = ["--policy-pack", str(POLICY), "--policy-pack-config", str(scratch / "config.json")]
        command = ["pulumi", "preview", "--stack", stack, "--non-interactive", *pack]
        result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    shown = r"\[(mandatory|advisory)\]\s+(?:\[severity: \w+\]\s+)?([\w-]+)\s+\(\S+ ([^)]+)\)"
    found = set(re.findall(shown, result.stdout))
    failing = {(finding.level, finding.rule, finding.urn.split("::", 3)[3]) for finding in report.findings if finding.outcome == "fail"}
    # The CLI itself says which rules it could not run.
    offline = {meta.id for meta in META_RULES if meta.offline}
    unknown = {finding.rule for finding in report.findings if finding.outcome == "not_evaluable"} - offline
    failing = {each for each in failing if each[1] not in offline}
    assert found >= failing, f"{failing - found}\n{result.stdout[-2000:]}{result.stderr[-500:]}"
    assert {rule for _, rule, _ in found - failing} == unknown, found - failing
    assert {level for level, _, _ in found - failing} <= {"advisory"}


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_cli_and_offline_preview_judge_the_platform_alike(tmp_path: Path, platform: Path, stack: str) -> None:  # noqa: F811
    assert_judged_alike(platform, stack, json.loads((platform / "policy-config.json").read_text()), tmp_path)


@pytest.mark.parametrize("name", [name for name in awkward.NAMES if name not in awkward.FAILING])
def test_cli_and_offline_preview_judge_awkward_programs_alike(tmp_path: Path, name: str) -> None:
    assert_judged_alike(copied(name, tmp_path), "dev", {}, tmp_path)


@pytest.mark.parametrize("seed", [1, 2])
def test_cli_and_offline_preview_judge_generated_programs_alike(tmp_path: Path, seed: int) -> None:
    assert_judged_alike(generated.project(seed, tmp_path), "dev", {}, tmp_path)


def deployed() -> dict[str, Any]:
    """The export of a careless stack: buckets with and without what belongs to them, functions, a queue, a table, a role with all rights."""
    bucket = state(BUCKET, "data", {"acl": "public-read", "bucket": "data-1"})
    versions = state(
        "aws:s3/bucketVersioning:BucketVersioning", "data", {"bucket": "data-1", "versioningConfiguration": {"status": "Suspended"}},
        dependencies=[bucket["urn"]], propertyDependencies={"bucket": [bucket["urn"]]},
    )  # fmt: skip
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    return deployment(
        bucket,
        versions,
        state(BUCKET, "logs", {"bucket": "logs-1", "tags": {"Owner": "lake"}}),
        state("aws:kms/key:Key", "key", {"enableKeyRotation": False, "deletionWindowInDays": 7}),
        state(
            "aws:lambda/function:Function", "score", {"runtime": "python3.7", "handler": "a.b", "role": "arn:aws:iam::123456789012:role/r"}
        ),
        state("aws:sqs/queue:Queue", "work", {"visibilityTimeoutSeconds": 30}),
        state("aws:dynamodb/table:Table", "runs", {"billingMode": "PROVISIONED", "hashKey": "id", "readCapacity": 5}),
        state("aws:iam/rolePolicy:RolePolicy", "all", {"role": "r", "policy": json.dumps(everything)}),
    )


def test_cli_finds_in_an_export_what_check_finds(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(deployed()))
    command = ["pulumi", "policy", "analyze", "--file", str(file), "--policy-pack", str(POLICY), "--json"]
    answer = subprocess.run(command, cwd=tmp_path, env=cli_environment(tmp_path), capture_output=True, text=True, check=False)
    events = [json.loads(line)["policyEvent"] for line in answer.stdout.splitlines() if "policyEvent" in line]
    found = {(event["policyName"], event["resourceUrn"].rsplit("::", 1)[-1]) for event in events}
    assert answer.returncode == 1, answer.stderr
    assert found - ABOUT_THE_REPORT == failing(deployed()) and len(found) > 30
