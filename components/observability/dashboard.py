"""The dashboard's widgets (pure): pipelines, functions, queues, API, endpoints and drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.state_machines.variants import CHALLENGER, VARIANT

Metric = list[str]
WIDTH, HEIGHT = 12, 6


def dashboard_body(
    region: str,
    namespace: str,
    machines: Sequence[str],
    functions: Sequence[str],
    queues: Sequence[str],
    endpoints: Mapping[str, str],
    api: str | None,
) -> dict[str, Any]:
    """`machines` are ARNs, as their metrics name them; `endpoints` maps a model to its endpoint. Two widgets a row."""
    widgets = [
        ("Executions that failed", "Sum", [["AWS/States", "ExecutionsFailed", "StateMachineArn", machine] for machine in machines]),
        ("Duration of executions", "p90", [["AWS/States", "ExecutionTime", "StateMachineArn", machine] for machine in machines]),
        ("Function errors", "Sum", [["AWS/Lambda", "Errors", "FunctionName", f] for f in functions]),
        ("Function duration", "p99", [["AWS/Lambda", "Duration", "FunctionName", f] for f in functions]),
        ("Messages waiting", "Maximum", [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q] for q in queues]),
    ]
    if api:
        widgets.append(
            ("API requests and errors", "Sum", [["AWS/ApiGateway", m, "ApiName", api] for m in ("Count", "4XXError", "5XXError")])
        )
    # A widget without a metric is refused.
    widgets = [widget for widget in widgets if widget[2]]
    for model, endpoint in endpoints.items():
        counts, times = ("Invocations", "Invocation5XXErrors"), ("ModelLatency", "OverheadLatency")

        def of_variants(names: Sequence[str], endpoint: str = endpoint) -> list[Metric]:
            # The challenger's lines begin with an A/B test.
            return [
                ["AWS/SageMaker", name, "EndpointName", endpoint, "VariantName", each] for each in (VARIANT, CHALLENGER) for name in names
            ]

        widgets += [
            (f"{model}: endpoint", "Sum", of_variants(counts)),
            (f"{model}: latency (µs)", "p99", of_variants(times)),
            (f"{model}: drifted features", "Maximum", [[namespace, "drifted_features", "Model", model]]),
        ]
    return {"widgets": [_widget(number, region, *widget) for number, widget in enumerate(widgets)]}


def _widget(number: int, region: str, title: str, statistic: str, metrics: list[Metric]) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": WIDTH * (number % 2),
        "y": HEIGHT * (number // 2),
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {"title": title, "region": region, "stat": statistic, "period": 300, "metrics": metrics},
    }
