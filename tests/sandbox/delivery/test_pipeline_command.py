"""`mlops pipeline` on a pipeline that runs: it shows, follows, starts, answers and retries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops.sandbox.delivery import git
from tests.sandbox.conftest import eventually
from tests.sandbox.delivery.conftest import Delivery
from tests.sandbox.delivery.test_codepipeline import BUILDSPEC, Release


class Command:
    """`mlops pipeline …` in a project whose outputs name a pipeline."""

    def __init__(self, delivery: Delivery, release: Release) -> None:
        self.project = delivery.project_folder
        (self.project / "Pulumi.yaml").write_text("name: example\nruntime: python\n")
        (self.project / "Pulumi.local.yaml").write_text("config: {}\n")
        source = {"provider": "s3", "bucket": release.bucket, "key": "source.zip"}
        outputs = {"models": {}, "cicd": {"pipeline": release.name, "source": source, "artifacts": release.bucket, "projects": []}}
        (self.project / ".mlops" / "outputs.json").write_text(json.dumps(outputs))

    def __call__(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        answer = subprocess.run(
            [sys.executable, "-m", "mlops", "pipeline", *arguments, "--json", "--project", str(self.project)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.stdout, answer.stderr
        return answer.returncode, json.loads(answer.stdout)


def test_a_failed_execution_is_told_with_its_log_and_retried(delivery: Delivery):
    release = Release(delivery)
    run = Command(delivery, release)
    code, document = run()
    assert (code, document["execution"]) == (0, None)
    release.push("second", check="echo the test is red >&2; exit 1")
    code, document = run("start", "--follow")
    execution = document["execution"]
    assert (code, execution["status"]) == (1, "failed")
    assert {stage["name"]: stage["status"] for stage in execution["stages"]} == {
        "Source": "succeeded",
        "Build": "failed",
        "Deploy": "skipped",
    }
    build = execution["stages"][1]["actions"][0]
    assert "exit status 1" in build["error"]["message"]
    assert build["build"]["phase"] == "BUILD"
    assert "the test is red" in build["build"]["log"]
    assert run("retry", "--follow")[0] == 1
    retried = [
        each
        for each in release.api.list_action_executions(pipelineName=release.name)["actionExecutionDetails"]
        if each["actionName"] == "Build"
    ]
    assert len(retried) == 2


@pytest.mark.spec("OPS-1b")
def test_the_last_commit_is_pushed_followed_and_approved(delivery: Delivery, tmp_path: Path):
    release = Release(delivery, approval=True)
    run = Command(delivery, release)
    rule = delivery.name("rule")
    delivery.client("s3").put_bucket_notification_configuration(
        Bucket=release.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {"detail-type": ["Object Created"], "detail": {"bucket": {"name": [release.bucket]}, "object": {"key": ["source.zip"]}}}
    delivery.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    role = delivery.role("events.amazonaws.com", "codepipeline:StartPipelineExecution")
    delivery.client("events").put_targets(
        Rule=rule, Targets=[{"Id": "pipeline", "Arn": delivery.arn("codepipeline", release.name), "RoleArn": role}]
    )
    git.run(tmp_path, "init", "-q", "--initial-branch=main")
    for name, text in {"answer.txt": "from a commit", "check.sh": "true", "buildspec.yml": BUILDSPEC}.items():
        (tmp_path / name).write_text(text)
    git.run(tmp_path, "add", ".")
    git.run(tmp_path, "-c", "user.name=tester", "-c", "user.email=tester@example.com", "commit", "-q", "-m", "first")
    (tmp_path / "answer.txt").write_text("never committed")
    code, document = run("push", "--folder", str(tmp_path))
    assert (code, document["execution"]["trigger"]) == (0, "CloudWatchEvent")

    def waits() -> bool:
        stages = run()[1]["execution"]["stages"]
        return any(action["approval"] for stage in stages for action in stage["actions"])

    eventually(waits, timeout=40)
    code, document = run("approve", "--reason", "looks right")
    assert (code, document["approval"]["answer"]) == (0, "approved")
    code, document = run("--follow")
    assert (code, document["execution"]["status"]) == (0, "succeeded")
    assert release.answer() == "from a commit"
    code, document = run("reject", "--reason", "too late")
    assert (code, document["error"]["code"]) == (1, "no-approval")
