"""The canary as a stack registers it: off unless asked for, with rights to nothing but its calls and its reports, and an alarm."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from components.settings.source import SettingsError
from mlops import engine

from .test_costs import changed_stack
from .test_program import of_type
from .test_settings import parsed, section

INPUT = {"flight_id": "20130701-US-1431-EWR", "carrier": "US", "distance": 529, "wind_gust": None}
CANARY = {"inputs": {"flights": INPUT}}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    """Prod with a canary."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "canaries").symlink_to(Path(__file__).parents[3] / "canaries")
    return changed_stack(folder, "prod", lambda config: config["mlops:health"].update(canary=CANARY))


def named(record: engine.Record, name: str) -> dict[str, Any]:
    (found,) = [resource.inputs for resource in record.resources if resource.name == name]
    return found


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_no_stack_has_a_canary_unless_it_asks_for_one(stack: str) -> None:
    assert not of_type(stack, "aws:synthetics/canary:Canary")


@pytest.mark.spec("REL-7", "REL-6d")
def test_the_canary_runs_the_script_with_encrypted_settings_and_reports(record: engine.Record) -> None:
    canary = named(record, "health-canary-canary")
    assert canary["runtimeVersion"] == "syn-python-selenium-14.0" and canary["handler"] == "canary.handler"
    assert canary["artifactS3Location"] == "s3://mlops-prod-predictions-123456789012/_canary"
    assert canary["artifactConfig"]["s3Encryption"]["encryptionMode"] == "SSE_KMS"
    assert json.loads(canary["runConfig"]["environmentVariables"]["INPUTS"]) == {"flights": INPUT}
    with zipfile.ZipFile(canary["zipFile"]) as archive:
        assert archive.namelist() == ["python/canary.py", "python/checks.py"]


@pytest.mark.spec("SEC-1a")
def test_its_role_calls_predictions_and_writes_reports_and_reads_nothing(record: engine.Record) -> None:
    statements = json.loads(named(record, "health-canary-policy")["policy"])["Statement"]
    rights = {action: statement["Resource"] for statement in statements for action in statement["Action"]}
    assert rights["s3:PutObject"] == ["arn:aws:s3:::mlops-prod-predictions-123456789012/_canary/*"]
    assert not {"s3:GetObject", "s3:ListBucket", "dynamodb:GetItem", "lambda:InvokeFunction"} & set(rights)
    assert [action for action, resources in rights.items() if resources == ["*"]] == [
        "s3:ListAllMyBuckets",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        "cloudwatch:PutMetricData",
    ]


@pytest.mark.spec("REL-7")
def test_two_failed_runs_or_silence_ring_with_a_runbook(record: engine.Record) -> None:
    alarm = named(record, "health-canary-alarm")
    assert (alarm["metricName"], alarm["threshold"], alarm["comparisonOperator"]) == ("SuccessPercent", 100, "LessThanThreshold")
    assert (alarm["evaluationPeriods"], alarm["period"], alarm["treatMissingData"]) == (2, 600, "breaching")
    assert alarm["dimensions"] == {"CanaryName": "mlops-prod-api-canary"} and "health-alarm.md" in alarm["alarmDescription"]


@pytest.mark.parametrize(
    ("stack", "values", "says"),
    [
        ("local", CANARY, "the sandbox runs no Synthetics canaries"),
        ("prod", {"inputs": {"planes": {}}}, "no model of the stack"),
        ("prod", {"inputs": {}}, "at least 1 item"),
        ("prod", {**CANARY, "runtime": "syn-nodejs-puppeteer-9.1"}, "pattern"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(stack: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed(stack, section("health", canary=values))
    assert "mlops:health" in caught.value.where and says in f"{caught.value} {caught.value.hint}"
