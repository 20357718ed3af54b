"""What the stack exports: the names and ARNs that `mlops` works with, on AWS and in the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.data_pipeline import DataPipeline
from components.drift_monitoring import DriftMonitoring
from components.inference_pipeline import InferencePipeline
from components.model import Model
from components.model_deployment import ModelDeployment
from components.rest_api import RestApi
from components.shared import Shared
from components.training_pipeline import TrainingPipeline


@dataclass(frozen=True, kw_only=True)
class ModelPipelines:
    """Everything of one model."""

    model: Model
    training: TrainingPipeline
    data: DataPipeline
    deployment: ModelDeployment
    inference: InferencePipeline
    drift: DriftMonitoring

    @staticmethod
    def of(model: Model) -> ModelPipelines:
        """The pipelines of a model, in the order in which they need each other."""
        training = TrainingPipeline(f"{model.key}-training", model=model)
        return ModelPipelines(
            model=model,
            training=training,
            data=DataPipeline(f"{model.key}-data", model=model, training_trigger=training.trigger),
            deployment=ModelDeployment(f"{model.key}-deployment", model=model),
            inference=InferencePipeline(f"{model.key}-inference", model=model),
            drift=DriftMonitoring(f"{model.key}-drift", model=model, training_trigger=training.trigger),
        )

    def machines(self) -> list[str]:
        return [part.machine.machine_name for part in (self.data, self.training, self.deployment)]

    def functions(self) -> list[str]:
        made = (
            self.training.trigger,
            self.training.select_model,
            self.deployment.plan,
            self.inference.predict,
            self.inference.store,
            self.inference.batch_predict,
            self.drift.detect,
        )
        return [function.function_name for function in made]

    def failure_queues(self) -> list[str]:
        return [name for name in (self.model.failures.queue_name, self.inference.queue.dead_letter_name) if name]

    def outputs(self) -> dict[str, Any]:
        model, shared = self.model, self.model.shared
        return {
            "contract": shared.code.contracts[model.key],
            "algorithms": list(model.settings.training.algorithms),
            "metric": model.settings.gate.metric,
            "data_prefix": f"data/{model.key}/",
            "batch_prefix": f"batch/{model.key}/",
            "model_package_group": model.package_group,
            "endpoint": model.endpoint,
            "data_state_machine": self.data.machine.arn,
            "training_state_machine": self.training.machine.arn,
            "deployment_state_machine": self.deployment.machine.arn,
            "training_trigger": self.training.trigger.function_name,
            "batch_predict": self.inference.batch_predict.function_name,
            "detect_drift": self.drift.detect.function_name,
            "predict": self.inference.predict.function_name,
            "crawler": self.data.glue.crawler.name,
            "database": self.data.glue.database.name,
            "validate_job": self.data.glue.validate.name,
            "preprocess_job": self.data.glue.preprocess.name,
            "drift_alarm": self.drift.alarm_name,
            "failures_queue": model.failures.url,
        }


def stack_outputs(shared: Shared, api: RestApi, pipelines: list[ModelPipelines]) -> dict[str, Any]:
    """All exports, by name."""
    return {
        "prefix": shared.platform.prefix,
        "region": shared.platform.region,
        "account": shared.platform.account,
        "ledger_table": shared.ledger.table_name,
        "predictions_table": shared.predictions.table_name,
        "alerts_topic": shared.notifications.topic_arn,
        "buckets": {purpose: bucket.name for purpose, bucket in shared.lake.all().items()},
        "api": {"url": api.url, "id": api.id, "stage": api.stage_name},
        "models": {each.model.key: each.outputs() for each in pipelines},
    }
