"""Environments of a function that are kept ready, as many as are busy asks for."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.blocks.function import ALIAS, Function
from components.settings.performance import ProvisionedSettings


class WarmFunction(pulumi.ComponentResource):
    """Provisioned concurrency of the alias `live`, scaled by its utilisation."""

    spec = ("REL-3a",)

    def __init__(self, name: str, *, function: Function, settings: ProvisionedSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:WarmFunction", name, None, opts)
        provisioned = aws.lambda_.ProvisionedConcurrencyConfig(
            f"{name}-provisioned",
            function_name=function.function.name,
            qualifier=function.alias.name,
            provisioned_concurrent_executions=settings.minimum,
            # From here on Application Auto Scaling owns the number.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["provisionedConcurrentExecutions"]),
        )
        target = aws.appautoscaling.Target(
            f"{name}-target",
            service_namespace="lambda",
            resource_id=f"function:{function.function_name}:{ALIAS}",
            scalable_dimension="lambda:function:ProvisionedConcurrency",
            min_capacity=settings.minimum,
            max_capacity=settings.maximum,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[provisioned]),
        )
        aws.appautoscaling.Policy(
            f"{name}-utilization",
            name=f"{function.function_name}-utilization",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration={
                "target_value": settings.utilization,
                "predefined_metric_specification": {"predefined_metric_type": "LambdaProvisionedConcurrencyUtilization"},
                "scale_in_cooldown": 300,
                "scale_out_cooldown": 0,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
