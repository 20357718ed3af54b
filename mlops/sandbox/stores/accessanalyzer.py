"""IAM Access Analyzer's analyzers. No policy is analysed here."""

from __future__ import annotations

from typing import Any

from mlops.sandbox.stores import Store, StoreError, now, operation, tagging

tagging("accessanalyzer", "resourceArn")


def _with_tags(store: Store, analyzer: dict[str, Any]) -> dict[str, Any]:
    return {**analyzer, "tags": store.tags.get(analyzer["arn"], {})}


@operation("accessanalyzer", "CreateAnalyzer")
def create(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    name = p["analyzerName"]
    if name in store.kind("analyzer"):
        raise StoreError("ConflictException", f"An analyzer {name} exists already", 409)
    arn = f"arn:aws:access-analyzer:{store.region}:{store.account}:analyzer/{name}"
    analyzer = {"arn": arn, "name": name, "type": p["type"], "createdAt": now(), "status": "ACTIVE"}
    if p.get("configuration"):
        analyzer["configuration"] = p["configuration"]
    store.kind("analyzer")[name] = analyzer
    store.tags[arn] = dict(p.get("tags") or {})
    return {"arn": arn}


@operation("accessanalyzer", "GetAnalyzer")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"analyzer": _with_tags(store, store.get("analyzer", p["analyzerName"]))}


@operation("accessanalyzer", "ListAnalyzers")
def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = store.kind("analyzer").values()
    return {"analyzers": [_with_tags(store, each) for each in found if p.get("type") in (None, each["type"])]}


@operation("accessanalyzer", "UpdateAnalyzer")
def update(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    analyzer = store.get("analyzer", p["analyzerName"])
    analyzer["configuration"] = p.get("configuration") or {}
    return {"configuration": analyzer["configuration"]}


@operation("accessanalyzer", "DeleteAnalyzer")
def delete(store: Store, p: dict[str, Any]) -> None:
    analyzer = store.get("analyzer", p["analyzerName"])
    del store.kind("analyzer")[p["analyzerName"]]
    store.tags.pop(analyzer["arn"], None)
