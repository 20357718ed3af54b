"""AWS Config's conformance packs (recorder, delivery channel and rules are moto's). No rule is evaluated here."""

from __future__ import annotations

import secrets
from typing import Any

from mlops.sandbox.stores import Store, now, operation


@operation("config", "PutConformancePack")
def put(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    name = p["ConformancePackName"]
    id_ = store.kind("pack").get(name, {}).get("ConformancePackId") or f"conformance-pack-{secrets.token_hex(4)}"
    arn = store.arn(f"conformance-pack/{name}/{id_}")
    detail = {"ConformancePackName": name, "ConformancePackArn": arn, "ConformancePackId": id_, "LastUpdateRequestedTime": now()}
    names = ("DeliveryS3Bucket", "DeliveryS3KeyPrefix", "ConformancePackInputParameters")
    store.kind("pack")[name] = {**detail, **{key: p[key] for key in names if key in p}}
    return {"ConformancePackArn": arn}


def _packs(store: Store, p: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = p.get("ConformancePackNames")
    return [store.get("pack", name, "NoSuchConformancePackException") for name in wanted or store.kind("pack")]


@operation("config", "DescribeConformancePacks")
def describe(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"ConformancePackDetails": _packs(store, p)}


@operation("config", "DescribeConformancePackStatus")
def status(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    def one(pack: dict[str, Any]) -> dict[str, Any]:
        kept = {key: pack[key] for key in ("ConformancePackName", "ConformancePackArn", "ConformancePackId", "LastUpdateRequestedTime")}
        return {**kept, "ConformancePackState": "CREATE_COMPLETE", "StackArn": store.arn("stack/awsconfigconforms", "cloudformation")}

    return {"ConformancePackStatusDetails": [one(pack) for pack in _packs(store, p)]}


@operation("config", "DeleteConformancePack")
def delete(store: Store, p: dict[str, Any]) -> None:
    store.get("pack", p["ConformancePackName"], "NoSuchConformancePackException")
    del store.kind("pack")[p["ConformancePackName"]]
