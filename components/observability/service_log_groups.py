"""Log groups that AWS services make unasked, without retention and key, and that all stacks of an account share."""

from __future__ import annotations

import pulumi

from components.base.shared import Shared
from components.blocks.log_group import LogGroup

# Of training jobs, and of processing jobs (none is started here; who starts one by hand logs there).
GROUPS = {"training": "/aws/sagemaker/TrainingJobs", "processing": "/aws/sagemaker/ProcessingJobs"}
# API Gateway makes this one when it is given its role, and whoever gives it makes it first.
API_GATEWAY_GROUP = "/aws/apigateway/welcome"


class ServiceLogGroups(pulumi.ComponentResource):
    """Made beforehand by one stack of an account (`create`), which they go with: where several stacks share the account, its foundation makes them."""

    spec = ("OPS-5a",)

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:ServiceLogGroups", name, None, opts)
        if shared.platform.has("models") and shared.platform.settings.observability.service_log_groups == "create":
            for thing, group in GROUPS.items():
                LogGroup(
                    f"{name}-{thing}",
                    platform=shared.platform,
                    group_name=group,
                    key=shared.keys.logs,
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})
