"""Whole programs as people write them: exactly these resources fail exactly these rules, and nothing else.

`expected.yaml` beside each program has the verdicts, read by a person: a rule more or less is a false alarm or a gap until somebody has
looked at it. Every program exists twice. The careless one is what tutorials lead to; the careful one is what an engineer who knows AWS
writes, so that whatever stops it is wrong.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2_grpc
from wellarchitected import RULES, Report
from wellarchitected.meta import META_RULES

from mlops import engine, policy

from .engine_requests import analyze_request, analyze_stack_request
from .examples import TODAY

PROGRAMS = Path(__file__).parent / "programs"
POLICY = Path(__file__).parents[2] / "policy"
NAMES = sorted(str(file.parent.relative_to(PROGRAMS)) for file in PROGRAMS.glob("*/*/__main__.py"))
CAREFUL = [name for name in NAMES if name.endswith("careful")]


@cache
def record(name: str) -> engine.Record:
    return engine.preview(PROGRAMS / name, "prod")


@cache
def report(name: str) -> Report:
    """The verdicts on a program as the production stack it wants to be, with the pack as it comes: no configuration."""
    return policy.evaluate(record(name), None, TODAY)


def found(name: str) -> dict[str, dict[str, list[str]]]:
    """Failures by level and what is not evaluable: rule → resources as Type/name."""
    verdicts: dict[str, dict[str, list[str]]] = {
        "mandatory": defaultdict(list),
        "advisory": defaultdict(list),
        "not_evaluable": defaultdict(list),
    }
    restated = {meta.id for meta in META_RULES}  # rules about the report, which have tests of their own
    for finding in report(name).findings:
        if finding.rule in restated:
            continue
        type_, resource = finding.urn.split("::")[2].rsplit(":", 1)[-1], re.sub(r"^default_\d.*", "default", finding.urn.split("::")[3])
        verdicts[finding.level if finding.outcome == "fail" else finding.outcome][finding.rule].append(f"{type_}/{resource}")
    return {kind: {rule: sorted(resources) for rule, resources in sorted(rules.items())} for kind, rules in verdicts.items()}


def expected(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROGRAMS / name / "expected.yaml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_exactly_the_expected_resources_fail(name: str) -> None:
    assert found(name) == expected(name)


@pytest.mark.parametrize("name", CAREFUL)
def test_nothing_stops_a_careful_program(name: str) -> None:
    assert report(name).blocking == []


@pytest.mark.parametrize("name", NAMES)
def test_no_rule_breaks_on_a_program(name: str) -> None:
    counters = report(name).counters()
    assert counters["error"] == 0
    assert counters["pass"] > 10


def test_what_is_wrong_on_purpose_is_found() -> None:
    """The worst mistakes of the careless programs, whatever else changes."""
    worst = {
        "website/careless": ("s3-no-public-acl", "s3-public-access-block", "cloudfront-https"),
        "three_tier/careless": ("database-not-public", "database-password-managed", "ec2-no-secrets-in-user-data", "sg-no-world-ingress"),
        "containers/careless": ("iam-no-broad-managed-policy", "sg-no-world-ingress", "ecs-no-public-address"),
        "events/careless": (
            "iam-no-service-wildcard",
            "lambda-no-secrets-in-environment",
            "http-api-authorised",
            "function-admits-invoker",
        ),
        "lake/careless": ("glue-connection-no-password", "glue-no-secrets-in-arguments", "s3-tls-only"),
        "training/careless": ("sagemaker-endpoint-multi-instance", "notebook-no-direct-internet", "iam-no-broad-managed-policy"),
    }
    for name, rules in worst.items():
        failing = {finding.rule for finding in report(name).findings if finding.outcome == "fail"}
        assert set(rules) <= failing, name


def test_the_pack_in_a_process_of_its_own_says_the_same() -> None:
    """As under the CLI: the engine's requests over gRPC, the levels of the stack's environment, no configuration."""
    process = subprocess.Popen(
        [sys.executable, "__main__.py"], cwd=POLICY, stdout=subprocess.PIPE, env={**os.environ, "PULUMI_STACK": "prod"}
    )
    ids, today = {rule.id for rule in RULES}, datetime.now(UTC).date()
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            pack = analyzer_pb2_grpc.AnalyzerStub(channel)
            for name in NAMES:
                stack = policy.judged(record(name).resources)
                judged = [*(pack.Analyze(analyze_request(resource)) for resource in stack), pack.AnalyzeStack(analyze_stack_request(stack))]
                said = set()
                for resource, answer in zip_longest(stack, judged):
                    for each in answer.diagnostics:
                        if each.policyName in ids and not each.message.startswith("can't run policy"):
                            said.add((each.policyName, each.urn or resource.urn))
                offline = policy.evaluate(record(name), None, today).findings
                assert said == {(each.rule, each.urn) for each in offline if each.outcome == "fail" and each.rule in ids}, name
    finally:
        process.terminate()
        process.wait(timeout=10)
