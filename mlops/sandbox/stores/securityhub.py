"""Security Hub: whether it is on, and the standards that are subscribed to. No check runs here; imported findings are moto's."""

from __future__ import annotations

from typing import Any

from mlops.sandbox.stores import Store, StoreError, now, operation


def _hub(store: Store) -> dict[str, Any]:
    return store.get("hub", "default", "InvalidAccessException")


@operation("securityhub", "EnableSecurityHub")
def enable(store: Store, p: dict[str, Any]) -> None:
    if store.kind("hub"):
        raise StoreError("ResourceConflictException", "Account is already subscribed to Security Hub", 409)
    store.kind("hub")["default"] = {
        "HubArn": store.arn("hub/default"),
        "SubscribedAt": now().isoformat(),
        "AutoEnableControls": True,
        "ControlFindingGenerator": p.get("ControlFindingGenerator", "SECURITY_CONTROL"),
    }
    if p.get("EnableDefaultStandards", True):
        for standard in ("standards/aws-foundational-security-best-practices/v/1.0.0", "standards/cis-aws-foundations-benchmark/v/1.2.0"):
            _subscribe(store, f"arn:aws:securityhub:{store.region}::{standard}")


@operation("securityhub", "DescribeHub")
def describe(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return _hub(store)


@operation("securityhub", "UpdateSecurityHubConfiguration")
def configure(store: Store, p: dict[str, Any]) -> None:
    _hub(store).update({key: p[key] for key in ("AutoEnableControls", "ControlFindingGenerator") if key in p})


@operation("securityhub", "DisableSecurityHub")
def disable(store: Store, p: dict[str, Any]) -> None:
    _hub(store)
    store.kind("hub").clear()
    store.kind("standard").clear()


def _subscribe(store: Store, standard: str) -> dict[str, Any]:
    arn = store.arn(f"subscription/{standard.split('standards/', 1)[1]}" if "standards/" in standard else standard.split(":::", 1)[-1])
    found = {"StandardsSubscriptionArn": arn, "StandardsArn": standard, "StandardsInput": {}, "StandardsStatus": "READY"}
    store.kind("standard")[arn] = found
    return found


@operation("securityhub", "BatchEnableStandards")
def subscribe(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _hub(store)
    return {"StandardsSubscriptions": [_subscribe(store, each["StandardsArn"]) for each in p["StandardsSubscriptionRequests"]]}


@operation("securityhub", "BatchDisableStandards")
def unsubscribe(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _hub(store)
    gone = [store.get("standard", arn) for arn in p["StandardsSubscriptionArns"]]
    for each in gone:
        del store.kind("standard")[each["StandardsSubscriptionArn"]]
    return {"StandardsSubscriptions": [{**each, "StandardsStatus": "DELETING"} for each in gone]}


@operation("securityhub", "GetEnabledStandards")
def subscriptions(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _hub(store)
    wanted = p.get("StandardsSubscriptionArns")
    return {"StandardsSubscriptions": [each for arn, each in store.kind("standard").items() if not wanted or arn in wanted]}
