"""Provisioned concurrency of functions, kept with the function: no environment is started before a call needs one, and the status says so."""

from __future__ import annotations

from typing import Any

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.backends import get_backend

from mlops.sandbox.stores import Store, StoreError, now, operation

REASON = "the sandbox starts no environments in advance"


def _kept(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    name = p["FunctionName"].split(":function:")[-1].split(":")[0]
    backend = get_backend("lambda")[store.account][store.region]
    try:
        function = backend.get_function(name)
        qualified = backend.get_function(name, p["Qualifier"]) if "Qualifier" in p else None
    except (UnknownFunctionException, UnknownAliasException) as error:
        raise StoreError("ResourceNotFoundException", str(error), 404) from None
    if qualified is not None and str(qualified.version) == "$LATEST":
        raise StoreError(
            "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    if not hasattr(function, "provisioned_concurrency"):
        function.provisioned_concurrency = {}  # type: ignore[attr-defined]
    return function.provisioned_concurrency  # type: ignore[attr-defined]


@operation("lambda", "PutProvisionedConcurrencyConfig")
def put(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    kept = _kept(store, p)
    kept[p["Qualifier"]] = {
        "RequestedProvisionedConcurrentExecutions": p["ProvisionedConcurrentExecutions"],
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "FAILED",
        "StatusReason": REASON,
        "LastModified": now().isoformat(),
    }
    return kept[p["Qualifier"]]


@operation("lambda", "GetProvisionedConcurrencyConfig")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = _kept(store, p).get(p["Qualifier"])
    if found is None:
        raise StoreError("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", 404)
    return found


@operation("lambda", "DeleteProvisionedConcurrencyConfig")
def delete(store: Store, p: dict[str, Any]) -> None:
    get(store, p)
    del _kept(store, p)[p["Qualifier"]]
