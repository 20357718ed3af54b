"""GuardDuty detectors with their features and publishing destinations. Nothing is detected: the sandbox has no traffic of its own to look at."""

from __future__ import annotations

import secrets
from typing import Any

from mlops.sandbox.stores import Store, StoreError, now, operation, tagging

tagging("guardduty", "resourceArn")


def _detector(store: Store, id_: str) -> dict[str, Any]:
    return store.get("detector", id_, "BadRequestException")


def _features(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    features = {feature["Name"]: feature for feature in old}
    for feature in new:
        entry = {"Name": feature["Name"], "Status": feature["Status"], "UpdatedAt": now()}
        if feature.get("AdditionalConfiguration"):
            entry["AdditionalConfiguration"] = [{**each, "UpdatedAt": now()} for each in feature["AdditionalConfiguration"]]
        features[feature["Name"]] = entry
    return list(features.values())


@operation("guardduty", "CreateDetector")
def create(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    if store.kind("detector"):
        message = "The request is rejected because a detector already exists for the current account."
        raise StoreError("BadRequestException", message)
    id_ = secrets.token_hex(16)
    store.kind("detector")[id_] = {
        "CreatedAt": now().isoformat(),
        "UpdatedAt": now().isoformat(),
        "Status": "ENABLED" if p["Enable"] else "DISABLED",
        "ServiceRole": f"arn:aws:iam::{store.account}:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty",
        "FindingPublishingFrequency": p.get("FindingPublishingFrequency", "SIX_HOURS"),
        "Features": _features([], p.get("Features", [])),
    }
    store.tags[store.arn(f"detector/{id_}")] = dict(p.get("Tags") or {})
    return {"DetectorId": id_}


@operation("guardduty", "GetDetector")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {**_detector(store, p["DetectorId"]), "Tags": store.tags.get(store.arn(f"detector/{p['DetectorId']}"), {})}


@operation("guardduty", "ListDetectors")
def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"DetectorIds": list(store.kind("detector"))}


@operation("guardduty", "UpdateDetector")
def update(store: Store, p: dict[str, Any]) -> None:
    detector = _detector(store, p["DetectorId"])
    if "Enable" in p:
        detector["Status"] = "ENABLED" if p["Enable"] else "DISABLED"
    detector["FindingPublishingFrequency"] = p.get("FindingPublishingFrequency", detector["FindingPublishingFrequency"])
    detector["Features"] = _features(detector["Features"], p.get("Features", []))
    detector["UpdatedAt"] = now().isoformat()


@operation("guardduty", "DeleteDetector")
def delete(store: Store, p: dict[str, Any]) -> None:
    _detector(store, p["DetectorId"])
    del store.kind("detector")[p["DetectorId"]]


@operation("guardduty", "CreatePublishingDestination")
def publish(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    _detector(store, p["DetectorId"])
    id_ = secrets.token_hex(16)
    store.kind("destination")[id_] = {key: p[key] for key in ("DetectorId", "DestinationType", "DestinationProperties")}
    store.tags[store.arn(f"detector/{p['DetectorId']}/publishingDestination/{id_}")] = dict(p.get("Tags") or {})
    return {"DestinationId": id_}


@operation("guardduty", "DescribePublishingDestination")
def destination(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = store.get("destination", p["DestinationId"], "BadRequestException")
    return {**found, "DestinationId": p["DestinationId"], "Status": "PUBLISHING", "PublishingFailureStartTimestamp": 0}


@operation("guardduty", "ListPublishingDestinations")
def destinations(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = [(id_, each) for id_, each in store.kind("destination").items() if each["DetectorId"] == p["DetectorId"]]
    return {
        "Destinations": [{"DestinationId": id_, "DestinationType": each["DestinationType"], "Status": "PUBLISHING"} for id_, each in found]
    }


@operation("guardduty", "UpdatePublishingDestination")
def republish(store: Store, p: dict[str, Any]) -> None:
    found = store.get("destination", p["DestinationId"], "BadRequestException")
    found["DestinationProperties"] = p.get("DestinationProperties", found["DestinationProperties"])


@operation("guardduty", "DeletePublishingDestination")
def unpublish(store: Store, p: dict[str, Any]) -> None:
    store.get("destination", p["DestinationId"], "BadRequestException")
    del store.kind("destination")[p["DestinationId"]]
