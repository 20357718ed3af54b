"""The catalogue against the outside world: AWS's IAM reference, the pack as the CLI starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from policy_sentry.querying.actions import get_actions_that_support_wildcard_arns_only
from pulumi.runtime.proto import analyzer_pb2_grpc
from wellarchitected import META_RULES, RULES
from wellarchitected.rules.identity import unrestrictable

POLICY = Path(__file__).parents[2] / "policy"


def test_iam_data_agrees_with_the_service_authorization_reference() -> None:
    for service in ("glue", "xray", "cloudwatch", "logs", "ecr", "sagemaker", "s3", "states", "dynamodb"):
        expected = {action.lower() for action in get_actions_that_support_wildcard_arns_only(service)}
        assert expected == {action for action in unrestrictable() if action.split(":")[0] == service}, service


def test_pack_starts_as_the_cli_starts_it_and_serves_every_rule() -> None:
    process = subprocess.Popen([sys.executable, "__main__.py"], cwd=POLICY, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            info = analyzer_pb2_grpc.AnalyzerStub(channel).GetAnalyzerInfo(empty_pb2.Empty(), timeout=30)
        assert {policy.name for policy in info.policies} == {
            *(rule.id for rule in RULES),
            *(rule.id for rule in META_RULES if not rule.offline),
        }
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_package_imports_only_itself_the_standard_library_and_what_pulumi_policy_brings() -> None:
    found = set()
    for file in (POLICY / "wellarchitected").rglob("*.py"):
        for line in re.findall(r"^\s*(?:from|import) ([\w.]+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            if not line.startswith("."):
                found.add(line.split(".")[0])
    assert found - set(sys.stdlib_module_names) <= {"google", "pulumi", "pulumi_policy", "wellarchitected"}
