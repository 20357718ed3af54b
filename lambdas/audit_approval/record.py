"""The audit record of a decision about a model version: who, when, why."""

from __future__ import annotations

from typing import Any

DECISIONS = ("Approved", "Rejected")


def audit_record(event: dict[str, Any], package: dict[str, Any]) -> dict[str, Any] | None:
    """The record, or None when the event is no decision; `package` is DescribeModelPackage's answer.

    Who decided is what SageMaker itself recorded; who only created a version decided nothing.
    """
    detail = event["detail"]
    status = detail["ModelApprovalStatus"]
    if status not in DECISIONS:
        return None
    modified_by = package.get("LastModifiedBy") or package.get("CreatedBy") or {}
    identity = modified_by.get("IamIdentity", {})
    return {
        "schema": 1,
        "event": event["id"],
        "decided": event["time"],
        "decision": status,
        "who": identity.get("Arn") or modified_by.get("UserProfileArn") or detail.get("LastModifiedBy") or "not recorded by SageMaker",
        "why": package.get("ApprovalDescription", ""),
        "model_package_arn": package["ModelPackageArn"],
        "model_package_group": package["ModelPackageGroupName"],
        "version": package["ModelPackageVersion"],
        "metadata": package.get("CustomerMetadataProperties", {}),
    }


def record_key(prefix: str, record: dict[str, Any]) -> str:
    """One object a decision; the same event always has the same key."""
    return f"{prefix.strip('/')}/{record['model_package_group']}/version={record['version']}/{record['decided']}-{record['event']}.json"
