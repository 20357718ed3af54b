"""Examples of what makes things faster: acceleration, archive tiers, provisioned concurrency and its scaling."""

from __future__ import annotations

from typing import Any

from tests.sandbox.provider.example import TAGS, Ref

SCALED = {
    "serviceNamespace": "lambda",
    "resourceId": "function:example-predict:live",
    "scalableDimension": "lambda:function:ProvisionedConcurrency",
}
PERFORMANCE: list[tuple[str, str, dict[str, Any]]] = [
    (
        "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration",
        "acceleration",
        {"bucket": Ref("bucket"), "status": "Enabled"},
    ),
    (
        "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration",
        "archive",
        {
            "bucket": Ref("bucket"),
            "name": "validated",
            "filter": {"prefix": "flights/validated/", "tags": {"kind": "rows"}},
            "tierings": [{"accessTier": "ARCHIVE_ACCESS", "days": 180}, {"accessTier": "DEEP_ARCHIVE_ACCESS", "days": 365}],
        },
    ),
    (
        "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
        "warm",
        {"functionName": Ref("function", "name"), "qualifier": Ref("live", "name"), "provisionedConcurrentExecutions": 1},
    ),
    ("aws:appautoscaling/target:Target", "scaled", {**SCALED, "minCapacity": 1, "maxCapacity": 5, "tags": TAGS}),
    (
        "aws:appautoscaling/policy:Policy",
        "utilization",
        {
            "name": "example-utilization",
            "policyType": "TargetTrackingScaling",
            **SCALED,
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 0.7,
                "predefinedMetricSpecification": {"predefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
                "scaleInCooldown": 300,
                "scaleOutCooldown": 0,
            },
        },
    ),
]
