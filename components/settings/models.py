"""Settings of one model: contract, algorithms, gate, training, endpoint, deployment strategy, drift."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

Algorithm = Literal["hist_gradient_boosting", "lightgbm", "xgboost", "logistic_regression"]
# The end of a training job's name; a name may have 63 characters in all.
ALGORITHM_SHORT = {"hist_gradient_boosting": "hgb", "lightgbm": "lgbm", "xgboost": "xgb", "logistic_regression": "logreg"}
# Those that train.py fits on several hosts.
DISTRIBUTED_ALGORITHMS = ("lightgbm",)
# SageMaker refuses a KMS key for the volumes of types with local storage: their hardware encrypts it.
_LOCAL_STORAGE = re.compile(r"^ml\.(g4dn|g5|g6e?|p3dn|p4de?|p5e?n?|[cimr]\d[a-z]*d[a-z]*)\.")
Schedule = Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$", description="An EventBridge Scheduler expression in UTC.")]


def takes_volume_key(instance_type: str) -> bool:
    """Whether SageMaker encrypts this type's volumes with a key of ours."""
    return not _LOCAL_STORAGE.match(instance_type)


class GateSettings(Strict):
    """When a trained model may become a candidate."""

    metric: Literal["auc", "average_precision", "accuracy", "log_loss", "brier"] = "auc"
    minimum: float = Field(default=0.6, description="Worse than this is registered as Rejected (for log_loss and brier: higher).")
    improvement: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.0, description="By how much it must beat the version in service."
    )


class TrainingSettings(Strict):
    """SageMaker training. There is no Graviton and no burstable type for training."""

    algorithms: Annotated[list[Algorithm], Field(min_length=1, max_length=4)] = ["hist_gradient_boosting", "lightgbm"]
    instance_type: Annotated[str, Field(pattern=r"^ml\.(m5|m6i|m7i|c5|c6i|c7i|r5|r7i|g5|g6|p4d)\.[0-9]*x?large$")] = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=20, description="Above 1: distributed training, for algorithms that have it.")] = 1
    volume_gb: Annotated[int, Field(ge=5, le=1000)] = 30
    spot: bool = True
    maximum_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 3600
    maximum_wait_seconds: Annotated[int, Field(ge=60, le=864000)] = 7200
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 17
    train_on_data: Literal["always", "until_in_service", "never"] = "always"
    minimum_rows: Annotated[int, Field(ge=1)] = 1000
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _spot_waits_long_enough(self) -> TrainingSettings:
        if self.spot and self.maximum_wait_seconds < self.maximum_runtime_seconds:
            raise ValueError(
                f"maximum_wait_seconds: {self.maximum_wait_seconds} is less than maximum_runtime_seconds "
                f"{self.maximum_runtime_seconds}; SageMaker wants it to be at least as long with spot"
            )
        if len(self.algorithms) != len(set(self.algorithms)):
            raise ValueError("algorithms: an algorithm is listed twice")
        alone = [name for name in self.algorithms if name not in DISTRIBUTED_ALGORITHMS]
        if self.instance_count > 1 and alone:
            raise ValueError(
                f"instance_count: {self.instance_count} hosts, but {', '.join(alone)} fits on one; "
                f"allowed with several are {', '.join(DISTRIBUTED_ALGORITHMS)}"
            )
        return self


class ScalingSettings(Strict):
    """Target tracking on invocations per instance and minute."""

    minimum: Annotated[int, Field(ge=1, le=100)] = 2
    maximum: Annotated[int, Field(ge=2, le=100)] = 4
    invocations_per_instance: Annotated[int, Field(ge=1)] = 600

    @model_validator(mode="after")
    def _range_is_a_range(self) -> ScalingSettings:
        if self.maximum <= self.minimum:
            raise ValueError(f"maximum: {self.maximum} must be above minimum {self.minimum}")
        return self


class ABTestSettings(Strict):
    """A second production variant beside the version in service: the challenger, with a share of the traffic until one of both is chosen."""

    percent: Annotated[int, Field(ge=1, le=50, description="Share of the traffic that the challenger gets.")] = 20
    instance_count: Annotated[int, Field(ge=1, le=100, description="Default: as many as the version in service.")] | None = None


class DeploymentSettings(Strict):
    """The endpoint and how a new version gets onto it. With `ab_test` a version can be deployed as a challenger; strategy `ab` does so on approval."""

    strategy: Literal["all-at-once", "blue-green", "canary", "ab"] = "blue-green"
    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[0-9]*x?(large|medium)$")] = "ml.t2.medium"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    scaling: ScalingSettings | None = None
    ab_test: ABTestSettings | None = None
    canary_percent: Annotated[int, Field(ge=1, le=50)] = 50
    bake_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    termination_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    maximum_seconds: Annotated[int, Field(ge=600, le=28800)] = 3600

    @model_validator(mode="after")
    def _combination_exists_on_aws(self) -> DeploymentSettings:
        if self.scaling and self.instance_type.startswith("ml.t"):
            raise ValueError(
                f"scaling: Application Auto Scaling refuses burstable types such as {self.instance_type}; "
                "remove scaling or choose a type such as ml.m6g.large or ml.c6g.large"
            )
        if self.strategy == "canary" and self.instance_count < 2:
            raise ValueError(
                f"instance_count: a canary takes at most half of the fleet, so it needs at least 2 instances, not {self.instance_count}"
            )
        if self.strategy == "ab" and self.ab_test is None:
            raise ValueError("strategy: ab needs ab_test (percent, instance_count); set it, or choose all-at-once, blue-green or canary")
        if self.scaling and not self.scaling.minimum <= self.instance_count <= self.scaling.maximum:
            raise ValueError(
                f"instance_count: {self.instance_count} lies outside scaling.minimum {self.scaling.minimum} … scaling.maximum {self.scaling.maximum}"
            )
        if self.maximum_seconds < self.bake_seconds + self.termination_wait_seconds:
            raise ValueError("maximum_seconds: must be at least bake_seconds + termination_wait_seconds")
        return self


class DriftSettings(Strict):
    """Drift of the stored features against the training baseline (population stability index)."""

    threshold: Annotated[float, Field(gt=0.0, le=10.0)] = 0.2
    schedule: Schedule | None = None


class ModelSettings(Strict):
    """One model: a contract and what is done with its data."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,18}[a-z0-9]$", description="2 to 20 characters; part of every name.")]
    contract: Annotated[str, Field(pattern=r"^contracts/[A-Za-z0-9_-]{1,50}\.ya?ml$")]
    maximum_rejected_fraction: Annotated[float, Field(ge=0.0, le=1.0, description="Default: what the contract says.")] | None = None
    gate: GateSettings = GateSettings()
    training: TrainingSettings = TrainingSettings()
    deployment: DeploymentSettings = DeploymentSettings()
    drift: DriftSettings = DriftSettings()

    def serving_architecture(self) -> Literal["arm64", "x86_64"]:
        """The processor of the endpoint's instances: Graviton families have a g behind their generation (m6g, c7gn, r7gd)."""
        return "arm64" if re.match(r"ml\.[a-z]+\d+g[a-z]*\.", self.deployment.instance_type) else "x86_64"
