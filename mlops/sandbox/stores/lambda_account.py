"""Lambda's limits of the account: the quota of concurrent executions, and what functions have not reserved of it. The sandbox does not enforce it."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from mlops.sandbox.stores import Store, operation, servicequotas
from mlops.sandbox.stores import store as store_of

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CODE_STORAGE = 75 * 2**30
UNZIPPED, ZIPPED = 250 * 2**20, 50 * 2**20


@operation("lambda", "GetAccountSettings")
def settings(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    total = int(servicequotas.applied(store_of(servicequotas.SERVICE, store.region), "lambda", "Concurrent executions"))
    functions = list(get_backend("lambda")[store.account][store.region].list_functions())
    reserved = sum(int(each.reserved_concurrency or 0) for each in functions)
    return {
        "AccountLimit": {
            "TotalCodeSize": CODE_STORAGE,
            "CodeSizeUnzipped": UNZIPPED,
            "CodeSizeZipped": ZIPPED,
            "ConcurrentExecutions": total,
            "UnreservedConcurrentExecutions": total - reserved,
        },
        "AccountUsage": {"TotalCodeSize": sum(int(each.code_size or 0) for each in functions), "FunctionCount": len(functions)},
    }
