"""Alarms on a model that is asked unusually seldom or often: its predictions, over the API and in batches, against their own history."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.inventory import Watch
from components.base.model import Model
from components.base.shared import Shared

BAND_WIDTH = 3  # standard deviations
PERIODS = 2
PREDICTIONS = "Predictions"
OF_MODEL = "service"  # the dimension under which functions count what they predict, of all versions together


class PredictionVolume(pulumi.ComponentResource):
    """Where `volume.expected` is set, silence rings as well: no prediction is no datapoint, not a low one."""

    spec = ("SEC-7a", "OPS-3b")

    def __init__(self, name: str, *, shared: Shared, models: Sequence[Model], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:PredictionVolume", name, None, opts)
        settings = shared.platform.settings.observability.volume
        for model in models:
            metric = aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=model.metric_namespace,
                metric_name=PREDICTIONS,
                dimensions={OF_MODEL: model.key},
                period=settings.period_minutes * 60,
                stat="Sum",
            )
            alarm_name = model.name("unusual-predictions")
            made = aws.cloudwatch.MetricAlarm(
                f"{name}-{model.key}",
                name=alarm_name,
                alarm_description=f"The model {model.key} is asked unusually seldom or often: see docs/runbooks/prediction-volume.md",
                comparison_operator="LessThanLowerOrGreaterThanUpperThreshold",
                threshold_metric_id="band",
                evaluation_periods=PERIODS,
                treat_missing_data="breaching" if settings.expected else "notBreaching",
                metric_queries=[
                    aws.cloudwatch.MetricAlarmMetricQueryArgs(id="m1", return_data=True, metric=metric),
                    aws.cloudwatch.MetricAlarmMetricQueryArgs(
                        id="band", expression=f"ANOMALY_DETECTION_BAND(m1, {BAND_WIDTH})", return_data=True
                    ),
                ],
                tags=model.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            shared.platform.inventory.watches.append(Watch(alarm_name, "inference", made))
        self.register_outputs({})
