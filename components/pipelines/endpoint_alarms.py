"""Alarms on a model's endpoint: they belong to the inference pipeline and roll a deployment back."""

from __future__ import annotations

import pulumi

from components.base.model import Model
from components.blocks.alarm import AlarmArgs, pipeline_alarm
from components.state_machines.variants import CHALLENGER, VARIANT

# SageMaker gives model latency in microseconds.
LATENCY_MICROSECONDS = 1_000_000


class EndpointAlarms(pulumi.ComponentResource):
    """`names` are what SageMaker watches while a new version takes over, `challenger_names` also when an A/B test begins or ends."""

    def __init__(self, name: str, *, model: Model, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:EndpointAlarms", name, None, opts)
        dimensions: dict[str, pulumi.Input[str]] = {"EndpointName": model.endpoint, "VariantName": VARIANT}
        common = {"namespace": "AWS/SageMaker", "dimensions": dimensions}
        alarms = [
            AlarmArgs(
                alarm_name=model.name("endpoint-errors"),
                description=f"The endpoint of {model.key} answers with 5xx, a running deployment rolls back: see docs/runbooks/api-alarm.md",
                metric="Invocation5XXErrors",
                **common,  # type: ignore[arg-type]
            ),
            AlarmArgs(
                alarm_name=model.name("endpoint-latency"),
                description=f"The model of {model.key} takes over a second (p99), a running deployment rolls back: see docs/runbooks/api-alarm.md",
                metric="ModelLatency",
                statistic="p99",
                threshold=LATENCY_MICROSECONDS,
                periods=3,
                **common,  # type: ignore[arg-type]
            ),
        ]
        challenger = AlarmArgs(
            alarm_name=model.name("endpoint-challenger-errors"),
            description=f"The challenger of {model.key}'s A/B test answers with 5xx: see docs/runbooks/ab-test.md",
            namespace="AWS/SageMaker",
            metric="Invocation5XXErrors",
            dimensions={"EndpointName": model.endpoint, "VariantName": CHALLENGER},
        )
        tested = [challenger] if model.settings.deployment.ab_test else []
        for args in (*alarms, *tested):
            short = args.alarm_name.removeprefix(f"{model.endpoint}-")
            pipeline_alarm(
                f"{name}-{short}",
                args,
                pipeline="inference",
                inventory=model.shared.platform.inventory,
                tags=model.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.names = tuple(args.alarm_name for args in alarms)
        self.challenger_names = tuple(args.alarm_name for args in tested)
        self.register_outputs({"names": list(self.names)})
