"""Drift of a model's inputs against its training baseline: metrics, an alarm, and retraining when it rings."""

from __future__ import annotations

import pulumi

from components.base.grants import (
    ENDPOINT_CONFIG_READ,
    ENDPOINT_READ,
    METRICS_PUT,
    MODEL_READ,
    allow,
    allow_anywhere,
)
from components.base.model import Model
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule


class DriftMonitoring(pulumi.ComponentResource):
    """`alarm_name` is in ALARM while features have drifted."""

    def __init__(self, name: str, *, model: Model, training_trigger: Function, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:DriftMonitoring", name, None, opts)
        self._name = name
        self._model = model
        self.detect = self._detect()
        self._trigger("summary-created", f"A finished batch of {model.key} is compared with the baseline", self._new_summary(), self.detect)
        self.alarm_name = self._alarm()
        self._trigger("drifted", f"Drift of {model.key} starts a training", self._alarm_rings(), training_trigger)
        if model.settings.drift.schedule:
            self._schedule(model.settings.drift.schedule)
        self.register_outputs({"alarm": self.alarm_name})

    def _detect(self) -> Function:
        model, shared, arns = self._model, self._model.shared, self._model.shared.platform.arns
        functions, lake = shared.platform.settings.functions, shared.lake
        args = FunctionArgs(
            handler="detect_drift",
            pipeline="inference",
            model=model.key,
            environment={
                "MODEL": model.key,
                "ENDPOINT": model.endpoint,
                "PREDICTIONS_BUCKET": lake.predictions.name,
                "MODELS_BUCKET": lake.models.name,
                "CONTRACT_URI": shared.code.contracts[model.key],
                "DRIFT_THRESHOLD": str(model.settings.drift.threshold),
                "METRIC_NAMESPACE": model.metric_namespace,
            },
            statements=[
                *lake.predictions.grant_read(f"{model.key}/"),
                *lake.predictions.grant_write(f"{model.key}/drift/"),
                *lake.models.grant_get(f"{model.key}/training/"),
                allow(ENDPOINT_READ, arns.sagemaker("endpoint", model.endpoint)),
                allow(ENDPOINT_CONFIG_READ, arns.sagemaker("endpoint-config", f"{model.endpoint}-*")),
                allow(MODEL_READ, arns.sagemaker("model", f"{model.endpoint}-*")),
                allow_anywhere(METRICS_PUT, {"StringEquals": {"cloudwatch:namespace": model.metric_namespace}}),
            ],
            timeout_seconds=functions.batch_timeout_seconds,
            memory_mb=functions.memory_mb,
            numeric=True,
            dead_letters=model.failures,
            tags=model.tags,
        )
        return Function(f"{self._name}-detect-drift", args, shared=shared, opts=pulumi.ResourceOptions(parent=self))

    def _new_summary(self) -> dict[str, object]:
        key = {"wildcard": f"{self._model.key}/batch/*/summary.json"}
        bucket = self._model.shared.lake.predictions.name
        return {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [key]}},
        }

    def _alarm_rings(self) -> dict[str, object]:
        return {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": [self.alarm_name], "state": {"value": ["ALARM"]}},
        }

    def _trigger(self, rule: str, description: str, pattern: dict[str, object], target: Function) -> None:
        EventTrigger(
            f"{self._name}-{rule}",
            platform=self._model.shared.platform,
            rule_name=self._model.name(rule),
            description=description,
            pattern=pattern,
            target=target,
            dead_letters=self._model.failures,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _alarm(self) -> str:
        model = self._model
        args = AlarmArgs(
            alarm_name=model.name("drift"),
            description=f"Features of {model.key} have drifted from the training baseline, a training is started: see docs/runbooks/drift-alarm.md",
            namespace=model.metric_namespace,
            metric="drifted_features",
            dimensions={"Model": model.key},
            statistic="Maximum",
        )
        opts = pulumi.ResourceOptions(parent=self)
        alarm(f"{self._name}-alarm", args, topic_arn=model.shared.notifications.topic_arn, tags=model.tags, opts=opts)
        return args.alarm_name

    def _schedule(self, expression: str) -> None:
        Schedule(
            f"{self._name}-schedule",
            shared=self._model.shared,
            schedule_name=self._model.name("drift-check"),
            expression=expression,
            target=self.detect,
            event={"reason": "schedule"},
            dead_letters=self._model.failures,
            opts=pulumi.ResourceOptions(parent=self),
        )
