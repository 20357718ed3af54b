"""Who claimed which work: the ledger's items that an execution asked for, and all other executions that wanted the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mlops.operations.ingest import FINAL
from mlops.operations.target import Target

LOOKED_AT = 200
"""Executions of a state machine that are compared, the newest first."""


def asked(events: list[dict[str, Any]], ledger: str) -> Iterator[dict[str, Any]]:
    """Claims in an execution's history: id, time, and whether it was taken, refused or not decided."""
    by_id = {event["id"]: event for event in events}
    for event in events:
        details = event.get("taskScheduledEventDetails", {})
        if details.get("resourceType") != "dynamodb" or details.get("resource") not in ("putItem", "updateItem"):
            continue
        parameters = json.loads(details.get("parameters") or "{}")
        identifier = parameters.get("Item", parameters.get("Key", {})).get("id", {}).get("S")
        if parameters.get("TableName") != ledger or not identifier or "#" not in identifier:
            continue
        condition = "ConditionExpression" in parameters
        ended = next((each for each in _after(event, events, by_id) if each["type"] in ("TaskSucceeded", "TaskFailed")), None)
        outcome = "not decided"
        if ended is not None:
            error = ended.get("taskFailedEventDetails", {}).get("error", "")
            outcome = (
                "taken" if ended["type"] == "TaskSucceeded" else "refused" if "ConditionalCheckFailed" in error else f"failed: {error}"
            )
        yield {"id": identifier, "time": event["timestamp"], "claim": condition, "outcome": outcome}


def _after(event: dict[str, Any], events: list[dict[str, Any]], by_id: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events that follow from one."""
    follows = {event["id"]}
    for each in events:
        if each.get("previousEventId") in follows and each["id"] in by_id:
            follows.add(each["id"])
            yield each


def named(identifier: str) -> list[str]:
    """The texts of an execution's input by which it is about this work."""
    kind, *parts = identifier.split("#")
    if kind == "object":
        return [part for part in parts if part != "null"]
    return parts[-1:] if kind == "training" else parts[:1]


def same_work(target: Target, machine: str, identifier: str) -> list[dict[str, Any]]:
    """All executions of the machine that were about this work, the oldest first, with what became of each."""
    client, wanted = target.client("stepfunctions"), named(identifier)
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, PaginationConfig={"MaxItems": LOOKED_AT})
    found = []
    for execution in (each for page in pages for each in page["executions"]):
        description = client.describe_execution(executionArn=execution["executionArn"])
        if not all(_holds(json.loads(description["input"]), text) for text in wanted):
            continue
        output = json.loads(description.get("output") or "{}")
        duplicate = isinstance(output, dict) and output.get("status") == "duplicate"
        found.append(
            {
                "execution": execution["executionArn"],
                "started": description["startDate"],
                "ended": description.get("stopDate"),
                "outcome": "duplicate" if duplicate else FINAL.get(description["status"], "running"),
            }
        )
    return sorted(found, key=lambda each: each["started"])


def _holds(value: Any, text: str) -> bool:
    """Whether a text is one of the values at any depth."""
    if isinstance(value, dict):
        return any(_holds(each, text) for each in value.values())
    return any(_holds(each, text) for each in value) if isinstance(value, list) else value == text


def claims(target: Target, machine: str, execution: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each piece of work: what this execution was answered, who holds it now, and every try of it."""
    ledger, found = target.outputs["ledger_table"], {}
    for ask in asked(events, ledger):
        if ask["id"].startswith("endpoint#"):  # what is in service: no claim
            continue
        entry = found.setdefault(ask["id"], {"id": ask["id"], "outcome": "", "claimed": None})
        if ask["claim"]:
            entry |= {"outcome": ask["outcome"], "claimed": ask["time"].isoformat()}
    for entry in found.values():
        item = target.client("dynamodb").get_item(TableName=ledger, Key={"id": {"S": entry["id"]}}, ConsistentRead=True).get("Item", {})
        entry |= {"status": item.get("status", {}).get("S", "not in the ledger"), "holder": item.get("execution", {}).get("S", "")}
        entry["outcome"] = entry["outcome"] or "claimed before it started"
        tries = same_work(target, machine, entry["id"])
        entry["tries"] = [
            {**each, "started": each["started"].isoformat(), "ended": each["ended"].isoformat() if each["ended"] else None}
            for each in tries
        ]
        entry["retries"] = max(0, sum(each["outcome"] != "duplicate" for each in tries) - 1)
        entry["duplicates"] = sum(each["outcome"] == "duplicate" for each in tries)
    return list(found.values())


def moments(found: list[dict[str, Any]], execution: str) -> list[dict[str, str]]:
    """The claims as entries of a run's timeline; of other executions about the same work, their beginning and end."""
    entries = []
    for claim in found:
        if claim["claimed"]:
            entries.append({"time": claim["claimed"], "event": "LedgerClaim", "detail": f"{claim['outcome']}: {claim['id']}"})
        for each in claim["tries"]:
            if each["execution"] != execution:
                name = each["execution"].rsplit(":", 1)[-1]
                entries.append({"time": each["started"], "event": "SameWorkStarted", "detail": f"{name} wants {claim['id']}"})
                if each["ended"]:
                    entries.append({"time": each["ended"], "event": "SameWorkEnded", "detail": f"{name}: {each['outcome']}"})
    return sorted(entries, key=lambda entry: datetime.fromisoformat(entry["time"]))
