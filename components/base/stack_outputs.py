"""What the stack exports: the names and ARNs that `mlops` works with, on AWS and in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.api.cdn import Cdn
from components.api.rest_api import RestApi
from components.base.shared import Shared
from components.cicd.pipeline import CicdPipeline
from components.pipelines.model_pipelines import ModelPipelines


def stack_outputs(
    shared: Shared, pipelines: Sequence[ModelPipelines], api: RestApi | None, cdn: Cdn | None, cicd: CicdPipeline | None
) -> dict[str, Any]:
    """All exports, by name; a part that the stack does not have exports nothing."""
    return {
        "prefix": shared.platform.prefix,
        "region": shared.platform.region,
        "account": shared.platform.account,
        "parts": list(shared.platform.settings.stack.parts),
        "ledger_table": shared.ledger.table_name,
        "predictions_table": shared.predictions.table_name,
        "alerts_topic": shared.notifications.topic_arn,
        "buckets": {purpose: bucket.name for purpose, bucket in shared.lake.all().items()},
        "transfer_acceleration": shared.platform.settings.performance.transfer_acceleration,
        "models": {each.model.key: each.outputs() for each in pipelines},
        **({"api": {"url": api.url, "id": api.id, "stage": api.stage_name, **({"cdn": cdn.outputs()} if cdn else {})}} if api else {}),
        **({"cicd": cicd.outputs()} if cicd else {}),
    }
