"""The dashboards `<prefix>-cost` and `<prefix>-sustainability`."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.model import Model
from components.base.shared import Shared
from components.observability.usage_widgets import Used, cost_body, sustainability_body
from components.settings.green_regions import grids


class UsageDashboards(pulumi.ComponentResource):
    """Each by its setting. `models` are those that have an endpoint."""

    spec = ("COST-3a", "COST-3d", "SUS-1a", "SUS-1c")

    def __init__(self, name: str, *, shared: Shared, models: Sequence[Model], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:UsageDashboards", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings
        used = _used(shared, models)
        bodies = {}
        if settings.observability.cost_dashboard:
            bodies["cost"] = cost_body(used)
        if settings.observability.sustainability_dashboard:
            maximum = settings.sustainability.maximum_grams_per_kwh
            bodies["sustainability"] = sustainability_body(used, grids().get(platform.region), maximum)
        for thing, body in bodies.items():
            aws.cloudwatch.Dashboard(
                f"{name}-{thing}",
                dashboard_name=platform.name(thing),
                dashboard_body=json_text(body),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _used(shared: Shared, models: Sequence[Model]) -> Used:
    platform = shared.platform
    functions: dict[str, list[tuple[str, int]]] = {}
    for function in platform.inventory.functions:
        if function.memory_mb:
            functions.setdefault(function.pipeline, []).append((function.name, function.memory_mb))
    data = [model.name for model in platform.settings.models] if platform.has("data") else []
    return Used(
        prefix=platform.prefix,
        region=platform.region,
        endpoints={model.key: model.endpoint for model in models},
        functions=functions,
        glue_jobs=[platform.name(script, model) for model in data for script in ("validate", "preprocess")],
        efficiency=platform.settings.performance.efficiency.target if platform.settings.performance.efficiency.enabled else None,
        buckets=[bucket.name for bucket in shared.lake.all().values()],
    )
