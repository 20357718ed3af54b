"""The pipelines of one model, as far as the stack's parts ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.base.model import Model
from components.pipelines.data_pipeline import DataPipeline
from components.pipelines.drift_monitoring import DriftMonitoring
from components.pipelines.inference_pipeline import InferencePipeline
from components.pipelines.model_deployment import ModelDeployment
from components.pipelines.training_pipeline import TrainingPipeline


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """What makes a model of the data and serves it (part `models`)."""

    training: TrainingPipeline
    deployment: ModelDeployment
    inference: InferencePipeline
    drift: DriftMonitoring

    @staticmethod
    def of(model: Model, training: TrainingPipeline) -> Lifecycle:
        return Lifecycle(
            training=training,
            deployment=ModelDeployment(f"{model.key}-deployment", model=model),
            inference=InferencePipeline(f"{model.key}-inference", model=model),
            drift=DriftMonitoring(f"{model.key}-drift", model=model, training_trigger=training.trigger),
        )

    def outputs(self, model: Model) -> dict[str, Any]:
        return {
            "algorithms": list(model.settings.training.algorithms),
            "metric": model.settings.gate.metric,
            "batch_prefix": f"batch/{model.key}/",
            "model_package_group": model.package_group,
            "endpoint": model.endpoint,
            "serving_image": model.shared.images.serving,
            "training_state_machine": self.training.machine.arn,
            "deployment_state_machine": self.deployment.machine.arn,
            "training_trigger": self.training.trigger.function_name,
            "batch_predict": self.inference.batch_predict.function_name,
            "detect_drift": self.drift.detect.function_name,
            "predict": self.inference.predict.function_name,
            "drift_alarm": self.drift.alarm_name,
        }


@dataclass(frozen=True, kw_only=True)
class ModelPipelines:
    """`lifecycle` is None in a stack that only prepares data."""

    model: Model
    data: DataPipeline
    lifecycle: Lifecycle | None

    @staticmethod
    def of(model: Model) -> ModelPipelines:
        """The pipelines of a model, in the order in which they need each other."""
        training = TrainingPipeline(f"{model.key}-training", model=model) if model.shared.platform.has("models") else None
        data = DataPipeline(f"{model.key}-data", model=model, training_trigger=training.trigger if training else None)
        return ModelPipelines(model=model, data=data, lifecycle=Lifecycle.of(model, training) if training else None)

    def outputs(self) -> dict[str, Any]:
        model = self.model
        return {
            "contract": model.shared.code.contracts[model.key],
            "data_prefix": f"data/{model.key}/",
            "data_state_machine": self.data.machine.arn,
            "crawler": self.data.glue.crawler.name,
            "database": self.data.glue.database.name,
            "validate_job": self.data.glue.validate.name,
            "preprocess_job": self.data.glue.preprocess.name,
            "failures_queue": model.failures.url,
            **(self.lifecycle.outputs(model) if self.lifecycle else {}),
        }
