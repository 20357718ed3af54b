"""The stack's CI/CD pipeline, on AWS and in the sandbox alike: how an execution stands, and what a person can do about it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlops.errors import UserError
from mlops.operations.target import Target

LOG_LINES = 40
START_SECONDS = 60
# CodePipeline's and CodeBuild's statuses in the words of all commands.
STATUSES = {
    "InProgress": "running",
    "Stopping": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Stopped": "failed",
    "Abandoned": "failed",
    "Superseded": "skipped",
    "Cancelled": "skipped",
}


def pipeline_of(target: Target) -> dict[str, Any]:
    """What the stack exports of its pipeline; UserError when it has none."""
    found = target.outputs.get("cicd")
    if not found:
        raise UserError(
            "no-pipeline",
            "expected a stack with a CI/CD pipeline, found none in its outputs",
            f"stack {target.stack}",
            "add the part cicd: mlops:stack: parts: [data, models, cicd]",
        )
    return found


def newest(target: Target, name: str) -> str | None:
    """The newest execution, rollbacks left out; None before the first."""
    pages = target.client("codepipeline").get_paginator("list_pipeline_executions").paginate(pipelineName=name)
    summaries = (each for page in pages for each in page["pipelineExecutionSummaries"])
    return next((each["pipelineExecutionId"] for each in summaries if each.get("executionType") != "ROLLBACK"), None)


def describe(target: Target, name: str, execution: str | None) -> dict[str, Any]:
    """The document of `mlops pipeline`: the pipeline and one execution (default: the newest) with its stages, actions, reports and logs."""
    api = target.client("codepipeline")
    declared = api.get_pipeline(name=name)["pipeline"]
    shown = {"name": name, "version": declared["version"], "mode": declared.get("executionMode", "SUPERSEDED")}
    chosen = execution or newest(target, name)
    if chosen is None:
        return {"pipeline": shown, "execution": None}
    try:
        found = api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=chosen)["pipelineExecution"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineExecutionNotFoundException":
            raise
        raise UserError(
            "no-execution", f"pipeline {name} has no execution {chosen}", "--execution", "see `mlops pipeline --json`"
        ) from None
    actions = latest_actions(target, name, chosen)
    waiting = {(each["stage"], each["action"]) for each in approvals(target, name) if each["execution"] == chosen}
    stages = [_stage(target, stage, actions, waiting, found["status"]) for stage in declared["stages"]]
    return {"pipeline": shown, "execution": {**_execution(found), "rollback": _rollback(target, name, chosen), "stages": stages}}


def _execution(found: dict[str, Any]) -> dict[str, Any]:
    trigger = found.get("trigger") or {}
    return {
        "id": found["pipelineExecutionId"],
        "status": STATUSES[found["status"]],
        "state": found["status"],
        "detail": found.get("statusSummary", ""),
        "type": found.get("executionType", "STANDARD"),
        "trigger": trigger.get("triggerType", ""),
        "revisions": [
            {"artifact": each["name"], "revision": each.get("revisionId", ""), "summary": each.get("revisionSummary", "")}
            for each in found.get("artifactRevisions", [])
        ],
    }


def _rollback(target: Target, name: str, execution: str) -> dict[str, str] | None:
    """The execution that put a stage of this one back."""
    listed = target.client("codepipeline").list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    for each in listed:
        trigger = each.get("trigger") or {}
        if trigger.get("triggerType") == "AutomatedRollback" and execution in trigger.get("triggerDetail", ""):
            return {"id": each["pipelineExecutionId"], "status": STATUSES[each["status"]]}
    return None


def latest_actions(target: Target, name: str, execution: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(stage, action) → its latest try in an execution."""
    pages = target.client("codepipeline").get_paginator("list_action_executions")
    listed = [
        each
        for page in pages.paginate(pipelineName=name, filter={"pipelineExecutionId": execution})
        for each in page["actionExecutionDetails"]
    ]
    listed.sort(key=lambda each: each["startTime"])
    return {(each["stageName"], each["actionName"]): each for each in listed}


def _stage(
    target: Target,
    declared: dict[str, Any],
    actions: dict[tuple[str, str], dict[str, Any]],
    waiting: set[tuple[str, str]],
    execution_status: str,
) -> dict[str, Any]:
    running = execution_status in ("InProgress", "Stopping")
    shown = [
        _action(target, action, actions.get((declared["name"], action["name"])), (declared["name"], action["name"]) in waiting, running)
        for action in declared["actions"]
    ]
    return {"name": declared["name"], "status": stage_status([each["status"] for each in shown]), "actions": shown}


def stage_status(statuses: list[str]) -> str:
    """A stage's status from those of its actions; pure."""
    for status in ("failed", "running"):
        if status in statuses:
            return status
    if all(status == "succeeded" for status in statuses):
        return "succeeded"
    return "running" if "succeeded" in statuses and "waiting" in statuses else statuses[0]


def _action(target: Target, declared: dict[str, Any], found: dict[str, Any] | None, waiting: bool, running: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": declared["name"], "provider": declared["actionTypeId"]["provider"]}
    if found is None:
        empty = {"seconds": None, "summary": "", "error": None, "approval": False, "build": None}
        return {**shown, "status": "waiting" if running else "skipped", **empty}
    result = (found.get("output") or {}).get("executionResult") or {}
    error = result.get("errorDetails")
    build = result.get("externalExecutionId") if declared["actionTypeId"]["provider"] == "CodeBuild" else None
    return {
        **shown,
        "status": STATUSES[found["status"]],
        "seconds": round((found["lastUpdateTime"] - found["startTime"]).total_seconds(), 1) if found["status"] != "InProgress" else None,
        "summary": result.get("externalExecutionSummary", ""),
        "error": {"code": error.get("code", ""), "message": error.get("message", "")} if error else None,
        "approval": waiting,
        "build": _build(target, build) if build else None,
    }


def _build(target: Target, id_: str) -> dict[str, Any] | None:
    """A build's phase and reports, and the end of its log when it failed."""
    api = target.client("codebuild")
    builds = api.batch_get_builds(ids=[id_])["builds"]
    if not builds:
        return None
    build = builds[0]
    reports = api.batch_get_reports(reportArns=build["reportArns"])["reports"] if build.get("reportArns") else []
    failed = build["buildStatus"] not in ("SUCCEEDED", "IN_PROGRESS")
    broken = next((phase["phaseType"] for phase in build["phases"] if phase.get("phaseStatus") not in (None, "SUCCEEDED")), "")
    return {
        "id": id_,
        "status": {"SUCCEEDED": "succeeded", "IN_PROGRESS": "running"}.get(build["buildStatus"], "failed"),
        "phase": broken or build["currentPhase"],
        "reports": [report_document(each) for each in reports],
        "log": _log(target, build.get("logs") or {}) if failed else [],
    }


def report_document(report: dict[str, Any]) -> dict[str, Any]:
    """A report's numbers; pure."""
    shown = {"name": report["name"].split(":")[0], "type": report["type"], "status": STATUSES.get(report["status"].capitalize(), "running")}
    tests, coverage = report.get("testSummary"), report.get("codeCoverageSummary")
    if tests:
        counts = tests["statusCounts"]
        shown |= {
            "total": tests["total"],
            "passed": counts.get("SUCCEEDED", 0),
            "failed": counts.get("FAILED", 0) + counts.get("ERROR", 0),
            "skipped": counts.get("SKIPPED", 0),
        }
    if coverage:
        shown |= {"line_coverage": coverage["lineCoveragePercentage"], "branch_coverage": coverage.get("branchCoveragePercentage")}
    return shown


def _log(target: Target, logs: dict[str, Any]) -> list[str]:
    if not logs.get("groupName") or not logs.get("streamName"):
        return []
    try:
        answer = target.client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], limit=LOG_LINES, startFromHead=False
        )
    except ClientError as error:
        return [f"the log cannot be read: {error}"]
    return [event["message"].rstrip("\n") for event in answer["events"]][-LOG_LINES:]


def follow(target: Target, name: str, execution: str, seconds: float) -> Iterator[dict[str, Any]]:
    """The document again whenever something has changed, until the execution has ended."""
    before = None
    while True:
        document = describe(target, name, execution)
        state = [(stage["name"], stage["status"], [a["summary"] for a in stage["actions"]]) for stage in document["execution"]["stages"]]
        if state != before:
            before = state
            yield document
        if document["execution"]["status"] != "running":
            return
        time.sleep(seconds)


def poll_seconds(target: Target) -> float:
    """How often to look: AWS limits the calls, the sandbox does not."""
    return 0.5 if target.endpoint else 5.0


# What a person can do


def start(target: Target, name: str) -> str:
    """Start an execution with the newest source; its id."""
    return target.client("codepipeline").start_pipeline_execution(name=name)["pipelineExecutionId"]


def push(target: Target, pipeline: dict[str, Any], folder: Path) -> str | None:
    """Bring the last commit of a git folder to the pipeline's source, which starts it; the execution's id, None when none has started yet."""
    source = pipeline["source"]
    if source["provider"] == "codeconnections":
        raise UserError(
            "push-yourself",
            f"the source is {source['repository']} at its git host, not something this command can write to",
            f"stack {target.stack}",
            f"git push to branch {source['branch']}; in the sandbox a commit to {source['branch']} in the connected folder is enough",
        )
    before = newest(target, pipeline["pipeline"])
    try:
        if source["provider"] == "s3":
            _upload(target, source, folder)
        else:
            _git(folder, "push", "-q", _address(target, source), f"HEAD:refs/heads/{source['branch']}")
    except subprocess.CalledProcessError as error:
        raise UserError(
            "git-failed",
            f"git failed in {folder}: {error.stderr.decode(errors='replace').strip()}",
            str(folder),
            "expected a git folder with at least one commit",
        ) from None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        now = newest(target, pipeline["pipeline"])
        if now != before:
            return now
        time.sleep(poll_seconds(target))
    return None


def _upload(target: Target, source: dict[str, Any], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / "source.zip"
        _git(folder, "archive", "--format=zip", f"--output={archive}", "HEAD")
        target.client("s3").upload_file(str(archive), source["bucket"], source["key"])


def _address(target: Target, source: dict[str, Any]) -> str:
    return target.client("codecommit").get_repository(repositoryName=source["repository"])["repositoryMetadata"]["cloneUrlHttp"]


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def approvals(target: Target, name: str) -> list[dict[str, str]]:
    """The approvals that wait: stage, action, token, execution."""
    states = target.client("codepipeline").get_pipeline_state(name=name)["stageStates"]
    return [
        {
            "stage": stage["stageName"],
            "action": action["actionName"],
            "token": action["latestExecution"]["token"],
            "execution": (stage.get("latestExecution") or {}).get("pipelineExecutionId", ""),
        }
        for stage in states
        for action in stage.get("actionStates", [])
        if (action.get("latestExecution") or {}).get("token") and action["latestExecution"]["status"] == "InProgress"
    ]


def answer(target: Target, name: str, approved: bool, reason: str) -> dict[str, str]:
    """Approve or reject what waits; UserError when nothing does, or several do."""
    waiting = approvals(target, name)
    if len(waiting) != 1:
        found = "none" if not waiting else ", ".join(f"{each['stage']}/{each['action']}" for each in waiting)
        raise UserError("no-approval", f"expected one approval that waits, found {found}", f"pipeline {name}", "see `mlops pipeline`", 1)
    one = waiting[0]
    target.client("codepipeline").put_approval_result(
        pipelineName=name,
        stageName=one["stage"],
        actionName=one["action"],
        token=one["token"],
        result={"status": "Approved" if approved else "Rejected", "summary": reason[:512]},
    )
    return {key: one[key] for key in ("stage", "action", "execution")}


def retry(target: Target, name: str, execution: str | None, *, everything: bool) -> str:
    """Run the failed stage of an execution again; its id."""
    document = describe(target, name, execution)["execution"]
    failed = next((stage["name"] for stage in document["stages"] if stage["status"] == "failed"), None) if document else None
    if failed is None:
        raise UserError(
            "not-failed", "expected an execution with a failed stage, found none", f"pipeline {name}", "see `mlops pipeline`", 1
        )
    mode = "ALL_ACTIONS" if everything else "FAILED_ACTIONS"
    target.client("codepipeline").retry_stage_execution(
        pipelineName=name, stageName=failed, pipelineExecutionId=document["id"], retryMode=mode
    )
    return document["id"]


def stop(target: Target, name: str, execution: str | None, reason: str, *, abandon: bool) -> str:
    """Stop an execution after the actions that run, or (abandon) without them: then their builds are stopped as well. Its id."""
    chosen = execution or newest(target, name)
    if chosen is None:
        raise UserError(
            "no-execution", "expected a running execution, found none", f"pipeline {name}", "start one: `mlops pipeline start`", 1
        )
    running = [each for each in latest_actions(target, name, chosen).values() if each["status"] == "InProgress"]
    target.client("codepipeline").stop_pipeline_execution(
        pipelineName=name, pipelineExecutionId=chosen, abandon=abandon, reason=reason[:200]
    )
    for action in running if abandon else ():
        build = ((action.get("output") or {}).get("executionResult") or {}).get("externalExecutionId")
        if action["input"]["actionTypeId"]["provider"] == "CodeBuild" and build:
            target.client("codebuild").stop_build(id=build)
    return chosen
