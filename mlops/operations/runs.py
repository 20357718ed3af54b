"""Runs of a model's pipelines: how long, how fast, where the time went, and what became of a failed one."""

from __future__ import annotations

import json
import re
import statistics
from datetime import datetime, timedelta
from typing import Any

from mlops.errors import UserError
from mlops.operations import claims
from mlops.operations.failures import explain
from mlops.operations.ingest import FINAL, history, steps
from mlops.operations.target import Target

PIPELINES = ("data", "training", "deployment")
LINES_A_GROUP = 40
SLOWER, DOMINANT = 1.5, 0.5
CHANGES_BEFORE, MAXIMUM_CHANGES = timedelta(hours=1), 500
# Work of the pipelines themselves, and sessions: they write, but change nothing of the platform.
NO_CHANGE = ("AssumeRole", "CreateLogStream", "StartExecution", "StartCrawler", "StartJobRun", "Decrypt", "GenerateDataKey")


def machines(model: dict[str, Any]) -> dict[str, str]:
    """Pipeline → ARN of its state machine."""
    return {pipeline: model[f"{pipeline}_state_machine"] for pipeline in PIPELINES}


def runs(target: Target, name: str, model: dict[str, Any], pipeline: str, count: int) -> list[dict[str, Any]]:
    """The newest ended runs of a pipeline, the oldest first, each with its slowest step and a recommendation."""
    client = target.client("stepfunctions")
    executions = client.list_executions(stateMachineArn=machines(model)[pipeline])["executions"]
    ended = sorted((each for each in executions if each["status"] in FINAL), key=lambda each: each["startDate"])[-count:]
    found: list[dict[str, Any]] = []
    for execution in ended:
        seconds = (execution["stopDate"] - execution["startDate"]).total_seconds()
        spent = by_state(steps(target, execution["executionArn"]))
        slowest = max(spent, key=lambda state: spent[state]) if spent else ""
        rows = rows_of(target, name, execution["executionArn"]) if pipeline == "data" else None
        row = {
            "execution": execution["executionArn"],
            "status": FINAL[execution["status"]],
            "started": execution["startDate"].isoformat(),
            "seconds": round(seconds, 2),
            "rows": rows,
            "rows_per_second": round(rows / seconds, 1) if rows and seconds else None,
            "slowest_step": slowest,
            "slowest_share": round(spent[slowest] / seconds, 3) if slowest and seconds else None,
        }
        earlier = [each["seconds"] for each in found if each["status"] == "succeeded"]
        found.append({**row, "recommendation": recommendation(row, earlier)})
    return found


def by_state(entered: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds a state, over all the times it was entered."""
    spent: dict[str, float] = {}
    for step in entered:
        spent[step["name"]] = spent.get(step["name"], 0.0) + (step["seconds"] or 0.0)
    return spent


def rows_of(target: Target, name: str, execution: str) -> int | None:
    """The rows of a data run, from its own report; None when it never got that far."""
    for event in reversed(history(target, execution)):
        match = re.search(r'"run":\s*"([0-9a-f]{64})"', event.get("stateEnteredEventDetails", {}).get("input", ""))
        if match:
            bucket, key = target.outputs["buckets"]["processed"], f"{name}/reports/run={match[1]}/validation.json"
            if target.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
                return target.read_json(bucket, key)["rows"]
            return None
    return None


def recommendation(row: dict[str, Any], earlier: list[float]) -> str:
    """What to look at in this run; pure. `earlier`: seconds of the succeeded runs before it."""
    if row["status"] == "failed":
        return f"failed in {row['slowest_step'] or 'its first step'} or after: see `mlops postmortem {row['execution']}`"
    usual = statistics.median(earlier) if earlier else None
    if usual and row["seconds"] > SLOWER * usual:
        return f"{row['seconds'] / usual:.1f} times the usual {usual:.0f} s: look at {row['slowest_step']}, or give it more workers"
    if row["slowest_share"] and row["slowest_share"] > DOMINANT:
        return f"{row['slowest_step']} takes {row['slowest_share']:.0%} of the run: size that step first"
    return "evenly spread: nothing to resize"


def find_execution(target: Target, model: dict[str, Any], which: str | None) -> str:
    """An execution by its ARN or name; the newest failed one when `which` is None."""
    client, newest = target.client("stepfunctions"), None
    for machine in machines(model).values():
        for execution in client.list_executions(stateMachineArn=machine)["executions"]:
            if which in (execution["executionArn"], execution["name"]):
                return execution["executionArn"]
            if execution["status"] in ("FAILED", "TIMED_OUT", "ABORTED") and (
                newest is None or execution["startDate"] > newest["startDate"]
            ):
                newest = execution
    if which is None and newest:
        return newest["executionArn"]
    expected = "the ARN or name of an execution" if which else "a failed execution"
    raise UserError(
        "no-run", f"expected {expected} of the model's pipelines, found none{f' called {which!r}' if which else ''}", "", "see `mlops runs`"
    )


def postmortem(target: Target, execution: str) -> dict[str, Any]:
    """A run's timeline: states with times, what failed and why, claims of its work, the logs of what it called, alarms and metrics of its time."""
    description = target.client("stepfunctions").describe_execution(executionArn=execution)
    start, end = description["startDate"], description.get("stopDate") or datetime.now(description["startDate"].tzinfo)
    events = history(target, execution)
    groups = [group for prefix in log_prefixes(events) for group in groups_under(target, prefix)]
    claimed = claims.claims(target, description["stateMachineArn"], execution, events)
    told = [{"time": event["timestamp"].isoformat(), "event": event["type"], "detail": detail(event)} for event in events]
    return {
        "execution": execution,
        "status": FINAL.get(description["status"], "running"),
        "started": start.isoformat(),
        "ended": end.isoformat(),
        "input": json.loads(description["input"]),
        "error": explain(description.get("error", ""), description.get("cause", ""))
        if description["status"] not in ("SUCCEEDED", "RUNNING")
        else None,
        "states": steps(target, execution),
        "timeline": sorted([*told, *claims.moments(claimed, execution)], key=lambda entry: datetime.fromisoformat(entry["time"])),
        "claims": claimed,
        "logs": {group: log_lines(target, group, start, end) for group in groups},
        "alarms": alarm_changes(target, start, end),
        "changes": changes(target, start, end),
        "metrics": function_metrics(target, [group.rsplit("/", 1)[-1] for group in groups if group.startswith("/aws/lambda/")], start, end),
    }


def detail(event: dict[str, Any]) -> str:
    """What an event of the history is about, in a line."""
    for value in event.values():
        if isinstance(value, dict):
            error = f"{value['error']}: {value.get('cause', '')}" if "error" in value else ""
            return (error or value.get("name") or f"{value.get('resourceType', '')} {value.get('resource', '')}".strip())[:500]
    return ""


def log_prefixes(events: list[dict[str, Any]]) -> list[str]:
    """Log groups of the functions that a run called, and the folder of Glue's when it started a job."""
    text = " ".join(event.get("taskScheduledEventDetails", {}).get("parameters", "") for event in events)
    functions = {f"/aws/lambda/{name}" for name in re.findall(r":function:([A-Za-z0-9_-]+)", text)}
    return sorted(functions | ({"/aws-glue/"} if '"JobName"' in text else set()))


def groups_under(target: Target, prefix: str) -> list[str]:
    """The log group of this name, or all below it when it ends in a slash."""
    groups = [group["logGroupName"] for group in target.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]]
    return [group for group in groups if prefix.endswith("/") or group == prefix]


def log_lines(target: Target, group: str, start: datetime, end: datetime) -> list[str]:
    """The last lines of a log group in the time of a run."""
    logs = target.client("logs")
    answer = logs.filter_log_events(
        logGroupName=group, startTime=int(start.timestamp() * 1000), endTime=int((end + timedelta(seconds=5)).timestamp() * 1000)
    )
    return [event["message"].rstrip() for event in answer["events"]][-LINES_A_GROUP:]


def alarm_changes(target: Target, start: datetime, end: datetime) -> list[dict[str, Any]]:
    items = target.client("cloudwatch").describe_alarm_history(
        HistoryItemType="StateUpdate", StartDate=start, EndDate=end + timedelta(minutes=2)
    )
    prefix = f"{target.outputs['prefix']}-"
    return [
        {"time": item["Timestamp"].isoformat(), "alarm": item["AlarmName"], "change": item["HistorySummary"]}
        for item in items["AlarmHistoryItems"]
        if item["AlarmName"].startswith(prefix)
    ]


def changes(target: Target, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Who changed what in the hour before the run and while it ran: CloudTrail's writing management events, without what the services do."""
    pages = target.client("cloudtrail").get_paginator("lookup_events")
    window = {"StartTime": start - CHANGES_BEFORE, "EndTime": end}
    only_writes = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
    found = []
    for event in pages.paginate(LookupAttributes=only_writes, **window, PaginationConfig={"MaxItems": MAXIMUM_CHANGES}).search("Events[]"):
        if event and event["EventName"] not in NO_CHANGE:
            names = [resource.get("ResourceName", "") for resource in event.get("Resources", [])]
            time, who = event["EventTime"].isoformat(), event.get("Username", "")
            found.append({"time": time, "event": event["EventName"], "who": who, "resources": names})
    return sorted(found, key=lambda change: change["time"])


def function_metrics(target: Target, functions: list[str], start: datetime, end: datetime) -> dict[str, dict[str, float]]:
    """Invocations, errors and the longest duration (milliseconds) of each function in the minutes of a run."""
    client, found = target.client("cloudwatch"), {}
    window = {"StartTime": start - timedelta(minutes=1), "EndTime": end + timedelta(minutes=1), "Period": 60}
    for function in functions:
        found[function] = {}
        for metric, statistic in (("Invocations", "Sum"), ("Errors", "Sum"), ("Duration", "Maximum")):
            points = client.get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName=metric,
                Dimensions=[{"Name": "FunctionName", "Value": function}],
                Statistics=[statistic],
                **window,
            )["Datapoints"]
            values = [point[statistic] for point in points]
            found[function][metric.lower()] = round(max(values, default=0.0) if statistic == "Maximum" else sum(values), 1)
    return found
