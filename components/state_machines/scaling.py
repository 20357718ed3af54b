"""States that give an endpoint's variant auto-scaling, and take it away before an update."""

from __future__ import annotations

from components.settings.models import ScalingSettings
from components.state_machines.common import ANY_TASK_FAILURE, Common, State

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
NOT_SCALED = ["ApplicationAutoScaling.ObjectNotFoundException"]


def _target(endpoint: str, variant: str) -> State:
    return {"ServiceNamespace": "sagemaker", "ResourceId": f"endpoint/{endpoint}/variant/{variant}", "ScalableDimension": DIMENSION}


def stop_scaling_state(common: Common, endpoint: str, variant: str, *, then: str) -> State:
    """SageMaker refuses to change the instance type of a variant with a scalable target."""
    return common.task(
        "aws-sdk:applicationautoscaling:deregisterScalableTarget",
        _target(endpoint, variant),
        then=then,
        on_error="RecordFailure",
        retry=[common.retry(NOT_SCALED, 0), common.retry(ANY_TASK_FAILURE)],
        catch=[{"ErrorEquals": NOT_SCALED, "ResultPath": "$.not_scaled", "Next": then}],
    )


def scaling_states(common: Common, endpoint: str, variant: str, settings: ScalingSettings, *, then: str) -> dict[str, State]:
    """Register the variant in service, then follow its invocations per instance."""
    policy = {
        "PolicyName": f"{endpoint}-invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": float(settings.invocations_per_instance),
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 300,
            "ScaleOutCooldown": 60,
        },
    }
    retry = [common.retry(ANY_TASK_FAILURE)]
    return {
        "RegisterScalableTarget": common.task(
            "aws-sdk:applicationautoscaling:registerScalableTarget",
            {**_target(endpoint, variant), "MinCapacity": settings.minimum, "MaxCapacity": settings.maximum},
            then="PutScalingPolicy",
            on_error="RecordFailure",
            retry=retry,
        ),
        "PutScalingPolicy": common.task(
            "aws-sdk:applicationautoscaling:putScalingPolicy",
            {**_target(endpoint, variant), **policy},
            then=then,
            on_error="RecordFailure",
            retry=retry,
        ),
    }
