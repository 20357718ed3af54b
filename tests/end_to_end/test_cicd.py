"""From an upload of the source to traffic on the new code, and back when its alarm rings: the CI/CD pipeline in the sandbox."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# What the buildspecs need of the source, beside the functions; the rest is written below.
FILES = (
    *(
        "requirements-uv.lock",
        "components/__init__.py",
        "components/base/__init__.py",
        "components/base/packaging.py",
        "components/base/package_functions.py",
    ),
    *("buildspecs/build.yml", "buildspecs/test.yml"),
)
# The real Makefile installs the whole project; this one takes the packages that are there already.
MAKEFILE = """
.venv/.ready:
	python3 -m venv --without-pip .venv
	python3 -c "import glob, sys; folder, = glob.glob('.venv/lib/*/site-packages'); open(folder + '/image.pth', 'w').write('\\n'.join(sys.path))"
	touch $@
lint: .venv/.ready
	.venv/bin/python -m compileall -q lambdas
"""
TEST = """
import sys
sys.path.insert(0, "lambdas/audit_approval")
from record import record_key

def test_one_object_a_decision():
    record = {"model_package_group": "g", "version": 1, "decided": "2026-01-01", "event": "e"}
    assert record_key("approvals/", record) == "approvals/g/version=1/2026-01-01-e.json"
"""
FAILING = TEST + "\n\ndef test_that_fails():\n    assert 1 + 1 == 3, 'arithmetic as it was'\n"
FUNCTION = "audit-approval"
ENDED = ("Succeeded", "Failed", "Stopped")

pytestmark = pytest.mark.sandbox


def release(number: int, *, broken: bool = False) -> str:
    """The function's code in a release: it answers the release's number, or raises."""
    code = (ROOT / "lambdas/audit_approval/handler.py").read_text()
    answer = 'raise RuntimeError("this release is broken")' if broken else f'return {{"release": {number}}}'
    head, line, body = code.partition("def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:\n")
    assert line
    return f'{head}{line}    if event.get("ping"):\n        {answer}\n{body}'


def source(handler: str, test: str = TEST) -> bytes:
    """A small source with all functions of the platform, as a zip."""
    files: dict[str, bytes] = {name: (ROOT / name).read_bytes() for name in FILES}
    files |= {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "lambdas").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    # The layers as the deployment built them: they are found by the hash of what goes in, and nothing has to be downloaded.
    files |= {f"build/layers/{path.name}": path.read_bytes() for path in (ROOT / "build/layers").glob("*.zip")}
    files |= {"Makefile": MAKEFILE.encode(), "tests/test_record.py": test.encode()}
    files["lambdas/audit_approval/handler.py"] = handler.encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


class Pipeline:
    """The stack's pipeline, seen through its API."""

    def __init__(self, outputs: dict[str, Any], aws: Callable[[str], Any]) -> None:
        self.prefix, self.cicd, self.aws = outputs["prefix"], outputs["cicd"], aws
        self.api, self.functions = aws("codepipeline"), aws("lambda")
        self.function = f"{self.prefix}-{FUNCTION}"

    def upload(self, content: bytes) -> tuple[str, str]:
        """Upload a source: its version and the execution that the event of it started."""
        place = self.cicd["source"]
        version = self.aws("s3").put_object(Bucket=place["bucket"], Key=place["key"], Body=content)["VersionId"]
        return version, self.wait(lambda: self._started_by(version), 20)

    def _started_by(self, version: str) -> str | None:
        listed = self.api.list_pipeline_executions(pipelineName=self.cicd["pipeline"])["pipelineExecutionSummaries"]
        for each in listed:
            if any(revision["revisionId"] == version for revision in each.get("sourceRevisions", [])):
                assert each["trigger"]["triggerType"] == "CloudWatchEvent"
                return each["pipelineExecutionId"]
        return None

    def execution(self, execution: str) -> dict[str, Any]:
        return self.api.get_pipeline_execution(pipelineName=self.cicd["pipeline"], pipelineExecutionId=execution)["pipelineExecution"]

    def finish(self, execution: str, seconds: float = 90) -> dict[str, Any]:
        return self.wait(lambda: found if (found := self.execution(execution))["status"] in ENDED else None, seconds)

    def actions(self, execution: str) -> dict[str, dict[str, Any]]:
        """Stage/action → what it did."""
        listed = self.api.list_action_executions(
            pipelineName=self.cicd["pipeline"], filter={"pipelineExecutionId": execution}, maxResults=100
        )["actionExecutionDetails"]
        return {f"{each['stageName']}/{each['actionName']}": each for each in listed}

    def live(self) -> tuple[str, dict[str, float]]:
        """The version behind the alias, and the share of another one."""
        found = self.functions.get_alias(FunctionName=self.function, Name="live")
        return found["FunctionVersion"], (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})

    def ping(self) -> dict[str, Any]:
        answer = self.functions.invoke(FunctionName=self.function, Qualifier="live", Payload=json.dumps({"ping": True}))
        return {"error": answer.get("FunctionError"), **json.load(answer["Payload"])}

    def log(self, project: str) -> str:
        events = self.aws("logs").filter_log_events(logGroupName=f"/aws/codebuild/{self.prefix}-{project}", limit=10_000)["events"]
        return "\n".join(event["message"] for event in events)

    @staticmethod
    def wait(look: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"nothing within {seconds} s")


@pytest.fixture(scope="session")
def pipeline(mlops: Any, aws: Callable[[str], Any]) -> Iterator[Pipeline]:
    yield Pipeline(mlops.up["outputs"], aws)


@pytest.fixture(scope="session")
def released(pipeline: Pipeline) -> dict[str, Any]:
    """A good source, released; what was seen of the alias meanwhile."""
    before, _ = pipeline.live()
    _, execution = pipeline.upload(source(release(2)))
    shares: list[dict[str, float]] = []

    def ended() -> dict[str, Any] | None:
        shares.append(pipeline.live()[1])
        found = pipeline.execution(execution)
        return found if found["status"] in ENDED else None

    return {"before": before, "id": execution, "execution": pipeline.wait(ended, 120), "shares": shares}


@pytest.mark.spec("P2a", "P2c", "CHK-OPS-3")
def test_a_failing_test_stops_the_release_before_deploy_with_its_log_at_hand(pipeline: Pipeline) -> None:
    before = pipeline.live()
    _, execution = pipeline.upload(source(release(1), FAILING))
    assert pipeline.finish(execution)["status"] == "Failed"
    actions = pipeline.actions(execution)
    assert actions["Test/test"]["status"] == "Failed"
    assert actions["Build/package-1"]["status"] == "Succeeded"
    assert not [name for name in actions if name.startswith("Deploy/")]
    assert pipeline.live() == before
    assert "arithmetic as it was" in pipeline.log("test")
    (report,) = reports(pipeline, "test-unit")
    assert (report["status"], report["testSummary"]["total"]) == ("FAILED", 2)
    assert report["testSummary"]["statusCounts"]["FAILED"] == 1
    alarm = f"{pipeline.prefix}-cicd-failed"
    pipeline.wait(
        lambda: pipeline.aws("cloudwatch").describe_alarms(AlarmNames=[alarm], StateValue="ALARM")["MetricAlarms"],
        10,
    )


def reports(pipeline: Pipeline, group: str) -> list[dict[str, Any]]:
    """The reports of a report group, newest first."""
    api = pipeline.aws("codebuild")
    listed = api.list_report_groups()["reportGroups"]
    (arn,) = [each for each in listed if each.endswith(f"report-group/{pipeline.prefix}-{group}")]
    found = api.list_reports_for_report_group(reportGroupArn=arn, sortOrder="DESCENDING")["reports"]
    return api.batch_get_reports(reportArns=found)["reports"] if found else []


@pytest.mark.spec("P2a", "P2b", "P2d", "REL-5b", "OPS-1b", "CHK-OPS-2", "COST-4d")
def test_a_good_source_goes_live_by_steps(pipeline: Pipeline, released: dict[str, Any]) -> None:
    assert released["execution"]["status"] == "Succeeded", released["execution"].get("statusSummary")
    version, share = pipeline.live()
    assert int(version) == int(released["before"]) + 1 and share == {}
    # 10 percent for a while, then everything.
    assert {version: 0.1} in released["shares"] and released["shares"][0] == {}
    assert pipeline.ping() == {"error": None, "release": 2}
    (newest, *_) = reports(pipeline, "test-unit")
    assert newest["status"] == "SUCCEEDED" and newest["testSummary"]["total"] == 1
    (coverage, *_) = reports(pipeline, "test-coverage")
    assert coverage["codeCoverageSummary"]["linesCovered"] > 0


@pytest.mark.spec("P2d", "OPS-2a")
def test_every_function_runs_the_code_of_the_release(pipeline: Pipeline, released: dict[str, Any]) -> None:
    deployed = {name: each for name, each in pipeline.actions(released["id"]).items() if name.startswith("Deploy/")}
    listed = pipeline.functions.get_paginator("list_functions").paginate().search("Functions[].FunctionName")
    names = {name for name in listed if name.startswith(f"{pipeline.prefix}-")}
    assert {each["input"]["configuration"]["FunctionName"] for each in deployed.values()} == names
    for each in deployed.values():
        alias = pipeline.functions.get_alias(FunctionName=each["input"]["configuration"]["FunctionName"], Name="live")
        assert alias["FunctionVersion"] == each["output"]["outputVariables"]["FunctionVersion"]


@pytest.mark.spec("P2d", "REL-5c", "REL-1a")
def test_an_alarm_during_the_shift_puts_the_old_version_back(pipeline: Pipeline, released: dict[str, Any]) -> None:
    good, _ = pipeline.live()
    _, execution = pipeline.upload(source(release(3, broken=True)))
    pipeline.wait(lambda: pipeline.live()[1], 60)
    answers: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    # One in ten reaches the new version, by chance: without a pause there are enough for the alarm to ring before the shift ends,
    # and the look at the alias comes before the rollback that follows.
    while (live := pipeline.live())[1] and time.monotonic() < deadline:
        answers.append(pipeline.ping())
    assert live == (good, {})
    assert any(answer["error"] for answer in answers) and answers[0]
    ended = pipeline.finish(execution)
    assert ended["status"] == "Failed"
    action = pipeline.actions(execution)[f"Deploy/{FUNCTION}"]
    assert action["status"] == "Failed"
    assert f"{pipeline.function}-errors" in action["output"]["executionResult"]["errorDetails"]["message"]
    assert pipeline.ping() == {"error": None, "release": 2}
    # The stage as a whole goes back to the release before.
    listed = pipeline.api.list_pipeline_executions(pipelineName=pipeline.cicd["pipeline"])["pipelineExecutionSummaries"]
    (rollback,) = [each for each in listed if each["executionType"] == "ROLLBACK"]
    assert rollback["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == released["id"]
