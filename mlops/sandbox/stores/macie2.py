"""Macie's session of the account and where its results go. Nothing is classified here."""

from __future__ import annotations

from typing import Any

from mlops.sandbox.stores import Store, StoreError, now, operation


def _session(store: Store) -> dict[str, Any]:
    if not store.kind("session"):
        raise StoreError("AccessDeniedException", "Macie is not enabled", 403)
    return store.kind("session")["default"]


@operation("macie2", "EnableMacie")
def enable(store: Store, p: dict[str, Any]) -> None:
    if store.kind("session"):
        raise StoreError("ConflictException", "Macie has already been enabled", 409)
    store.kind("session")["default"] = {
        "createdAt": now(),
        "updatedAt": now(),
        "findingPublishingFrequency": p.get("findingPublishingFrequency", "FIFTEEN_MINUTES"),
        "serviceRole": f"arn:aws:iam::{store.account}:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie",
        "status": p.get("status", "ENABLED"),
    }


@operation("macie2", "GetMacieSession")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return _session(store)


@operation("macie2", "UpdateMacieSession")
def update(store: Store, p: dict[str, Any]) -> None:
    _session(store).update({key: p[key] for key in ("findingPublishingFrequency", "status") if key in p} | {"updatedAt": now()})


@operation("macie2", "DisableMacie")
def disable(store: Store, p: dict[str, Any]) -> None:
    _session(store)
    store.items.clear()


@operation("macie2", "PutClassificationExportConfiguration")
def export(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _session(store)
    store.kind("export")["default"] = p["configuration"]
    return {"configuration": p["configuration"]}


@operation("macie2", "GetClassificationExportConfiguration")
def exported(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _session(store)
    return {"configuration": store.kind("export").get("default", {})}
