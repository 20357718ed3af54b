"""Cost allocation tags. AWS knows a key once it was billed; here every key is known."""

from __future__ import annotations

from typing import Any

from mlops.sandbox.stores import Store, now, operation


@operation("ce", "UpdateCostAllocationTagsStatus")
def update(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    for entry in p["CostAllocationTagsStatus"]:
        tag = {"TagKey": entry["TagKey"], "Type": "UserDefined", "Status": entry["Status"], "LastUpdatedDate": now().isoformat()}
        store.kind("tag")[entry["TagKey"]] = tag
    return {"Errors": []}


@operation("ce", "ListCostAllocationTags")
def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    wanted, status = p.get("TagKeys"), p.get("Status")
    tags = store.kind("tag").values()
    return {"CostAllocationTags": [each for each in tags if (not wanted or each["TagKey"] in wanted) and status in (None, each["Status"])]}
