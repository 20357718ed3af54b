"""Deployments as `pulumi stack export` writes them."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

from mlops.check import Stack, read
from mlops.policy import verdicts

SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
PROGRAM = "urn:pulumi:prod::shop"
ROOT_TYPE = "pulumi:pulumi:Stack"
ROOT = f"{PROGRAM}::{ROOT_TYPE}::shop-prod"
BUCKET = "aws:s3/bucket:Bucket"
TODAY = date(2026, 11, 26)


def state(type_: str = BUCKET, name: str = "data", inputs: Any = None, **more: Any) -> dict[str, Any]:
    """A custom resource below the stack."""
    made = {"urn": f"{PROGRAM}::{type_}::{name}", "custom": True, "id": f"{name}-1", "type": type_, "parent": ROOT, "inputs": inputs or {}}
    return {**made, "outputs": inputs or {}, **more}


def deployment(*resources: Any, **more: Any) -> dict[str, Any]:
    root = {"urn": ROOT, "custom": False, "type": ROOT_TYPE}
    manifest = {"time": "2026-11-26T03:00:00Z", "magic": "", "version": "v3.272.0"}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": [root, *resources], **more}}


def read_document(document: Any) -> Stack:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read(io.BytesIO(text), "export.json")


def failing(document: Any, config: dict[str, Any] | None = None) -> set[tuple[str, str]]:
    """(rule, name of the resource) of everything that fails in a file."""
    stack = read_document(document)
    report = verdicts(stack.resources, stack.name, config, TODAY, mend=False)
    assert not [finding for finding in report.findings if finding.outcome == "error"]
    return {(finding.rule, finding.urn.rsplit("::", 1)[-1]) for finding in report.findings if finding.outcome == "fail"}
