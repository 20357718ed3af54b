"""Saved Logs Insights queries over the stack's log groups: slowest predictions, errors, one correlation id, cold starts."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.inventory import LogSource
from components.base.shared import Shared
from components.observability import queries

# Log groups of one query (API reference of PutQueryDefinition and StartQuery).
MAXIMUM_GROUPS = 50


class SavedQueries(pulumi.ComponentResource):
    """In the console under Logs Insights → Saved queries, in a folder named as the stack."""

    spec = ("OPS-5a", "OPS-3b")

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:SavedQueries", name, None, opts)
        self._name, self._prefix = name, shared.platform.prefix
        logs = shared.platform.inventory.logs
        functions = [each for each in logs if each.source]
        self._save("slowest-predictions", queries.SLOWEST_PREDICTIONS, [each for each in functions if each.source == "predict"])
        self._save("cold-starts", queries.COLD_STARTS, functions)
        self._save("one-correlation-id", queries.ONE_CORRELATION_ID, logs)
        self._save("error-counts", queries.ERROR_COUNTS, logs)
        for pipeline in sorted({each.pipeline for each in logs}):
            self._save(f"errors-{pipeline}", queries.ERRORS, [each for each in logs if each.pipeline == pipeline])
        self.register_outputs({})

    def _save(self, thing: str, text: str, logs: Sequence[LogSource]) -> None:
        parts = [logs[start : start + MAXIMUM_GROUPS] for start in range(0, len(logs), MAXIMUM_GROUPS)]
        for number, part in enumerate(parts, 1):
            suffix = f"-{number}" if len(parts) > 1 else ""
            aws.cloudwatch.QueryDefinition(
                f"{self._name}-{thing}{suffix}",
                name=f"{self._prefix}/{thing}{suffix}",
                query_string=text,
                log_group_names=[each.group.name for each in part],
                opts=pulumi.ResourceOptions(parent=self),
            )
