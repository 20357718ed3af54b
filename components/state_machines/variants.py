"""States of an A/B test: a challenger beside the version in service, and back to one variant.

Adding or removing a variant changes the endpoint's variant names, and then SageMaker shifts traffic all at once only.
"""

from __future__ import annotations

from typing import Any

from components.settings.models import DeploymentSettings, takes_volume_key
from components.state_machines.common import SAGEMAKER_TRANSIENT, Common, State

VARIANT, CHALLENGER = "primary", "challenger"
# A request goes to the instance with the fewest in work: one that is slow for a while gets no more of them.
ROUTING = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}


def challenger_states(
    common: Common, *, endpoint: str, settings: DeploymentSettings, key_arn: Any, tags: list[dict[str, str]], all_at_once: State
) -> dict[str, State]:
    """IsTest → CreateTestConfig (two variants with their shares) → the endpoint is updated by UpdateVariants."""
    test = settings.ab_test
    assert test is not None
    variants = [
        {
            "VariantName": name,
            "ModelName.$": model,
            "InstanceType": settings.instance_type,
            "InitialInstanceCount": count,
            "InitialVariantWeight": float(weight),
            "RoutingConfig": ROUTING,
        }
        for name, model, count, weight in (
            (VARIANT, "$.plan.answer.serving_model_name", settings.instance_count, 100 - test.percent),
            (CHALLENGER, "$.plan.answer.model_name", test.instance_count or settings.instance_count, test.percent),
        )
    ]
    return {
        "IsTest": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.plan.answer.test", "BooleanEquals": True, "Next": "CreateTestConfig"}],
            "Default": "CreateEndpointConfig",
        },
        "CreateTestConfig": common.task(
            "aws-sdk:sagemaker:createEndpointConfig",
            {
                "EndpointConfigName.$": "$.plan.answer.endpoint_config_name",
                **({"KmsKeyId": key_arn} if takes_volume_key(settings.instance_type) else {}),
                "ProductionVariants": variants,
                "Tags": tags,
            },
            then="EndpointExists",
            on_error="RecordFailure",
            retry=[common.retry(SAGEMAKER_TRANSIENT)],
        ),
        "UpdateVariants": common.task(
            "aws-sdk:sagemaker:updateEndpoint",
            {
                "EndpointName": endpoint,
                "EndpointConfigName.$": "$.plan.answer.endpoint_config_name",
                # Scaled counts stay; the shares are the configuration's.
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
                "DeploymentConfig": all_at_once,
            },
            then="WaitForEndpoint",
            on_error="RecordFailure",
            retry=[common.retry(SAGEMAKER_TRANSIENT)],
        ),
    }


def choose_update() -> dict[str, State]:
    """Whether an update changes the variants: at a test's beginning, at its end, and when another challenger takes over."""
    return {
        "ChangesVariants": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.plan.answer.changes_variants", "BooleanEquals": True, "Next": "UpdateVariants"}],
            "Default": "UpdateEndpoint",
        }
    }
