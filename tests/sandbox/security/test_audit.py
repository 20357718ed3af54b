"""The security audit finds what is really there: nothing in a stack as deployed, and every weakness that somebody put in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .test_responses import OPEN, PUBLIC, role_of, stack_group

pytestmark = [pytest.mark.sandbox, pytest.mark.spec("SEC-7d", "SEC-4d")]


def audited(stack: Any) -> dict[str, Any]:
    answer = stack.aws.invoke(f"{stack.outputs['prefix']}-security-audit", {"reason": "request"})
    assert "FunctionError" not in answer, answer["body"]
    return answer["body"]


@pytest.fixture(scope="module")
def weak(watching: Any) -> dict[str, Any]:
    """The report on a stack that somebody weakened; its responses only watch."""
    prefix, s3, kms = watching.outputs["prefix"], watching.client("s3"), watching.client("kms")
    before = audited(watching)
    s3.delete_public_access_block(Bucket=watching.outputs["buckets"]["models"])
    s3.put_bucket_policy(Bucket=watching.outputs["buckets"]["models"], Policy=json.dumps(PUBLIC))
    watching.client("ec2").authorize_security_group_ingress(
        GroupId=stack_group(watching), IpPermissions=[{**OPEN[0], "FromPort": 23, "ToPort": 23}]
    )
    kms.disable_key_rotation(KeyId=kms.describe_key(KeyId=f"alias/{prefix}-logs")["KeyMetadata"]["KeyId"])
    watching.client("cloudtrail").stop_logging(Name=f"{prefix}-trail")
    watching.client("logs").create_log_group(logGroupName=f"/aws/lambda/{prefix}-forgotten")
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    role = role_of(watching, f"{prefix}-unbounded")
    watching.client("iam").put_role_policy(RoleName=role, PolicyName="wide", PolicyDocument=json.dumps(wide))
    watching.client("iam").attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    watching.client("lambda").add_permission(
        FunctionName=f"{prefix}-quarantine-role", StatementId="all", Action="lambda:InvokeFunction", Principal="*"
    )
    found = {"before": before, **audited(watching)}
    # Without a trail no other test would see an event.
    watching.client("cloudtrail").start_logging(Name=f"{prefix}-trail")
    return found


def test_a_stack_as_deployed_has_no_finding_of_high_severity(stack: Any, weak: dict[str, Any]) -> None:
    assert [finding for finding in weak["before"]["findings"] if finding["severity"] in ("critical", "high")] == []
    assert weak["before"]["checked"]["roles"] >= 10 and weak["before"]["checked"]["buckets"] == 6


@pytest.mark.parametrize(
    ("check", "resource"),
    [
        ("bucket-public", "models"),
        ("bucket-transport", "models"),
        ("ingress-open", "sg-"),
        ("key-rotation", ":key/"),
        ("trail", "trail"),
        ("log-retention", "forgotten"),
        ("log-key", "forgotten"),
        ("role-boundary", "unbounded"),
        ("role-wildcard", "unbounded"),
        ("role-attached-policy", "unbounded"),
        ("function-public", "quarantine-role"),
    ],
)
def test_every_weakness_is_found_with_what_to_do(weak: dict[str, Any], check: str, resource: str) -> None:
    found = [finding for finding in weak["findings"] if finding["check"] == check and resource in finding["resource"]]
    assert found and found[0]["fix"]


def test_the_report_is_kept_for_people_and_for_programs(watching: Any, weak: dict[str, Any]) -> None:
    bucket, key = weak["report"].removeprefix("s3://").split("/", 1)
    stored = json.loads(watching.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert stored["findings"] == weak["findings"]
    text = watching.client("s3").get_object(Bucket=bucket, Key=key.replace(".json", ".md"))["Body"].read().decode()
    assert "| critical | bucket-public |" in text


@pytest.mark.spec("SEC-7a")
def test_findings_raise_the_alarm(watching: Any, weak: dict[str, Any], until: Any) -> None:
    alarm = f"{watching.outputs['prefix']}-security-audit-critical"

    def state() -> str:
        return watching.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]

    until(lambda: state() == "ALARM")
    assert watching.told(alarm)


def test_the_audit_needed_no_right_it_does_not_have(watching: Any, weak: dict[str, Any]) -> None:
    assert [entry for entry in watching.denied() if entry["principal"].endswith("security-audit")] == []
