"""Widgets of the cost and the sustainability dashboard (pure): each metric is one that AWS publishes or a function of the stack writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.settings.green_regions import Grid

Widget = dict[str, Any]
WIDTH, HEIGHT = 12, 6
HOUR, DAY = 3600, 86_400
# AWS publishes estimated charges in one region only, every six hours.
BILLING_REGION, BILLING_PERIOD = "us-east-1", 6 * HOUR
VARIANT = "primary"
# The classes into which the buckets' lifecycles move objects (StorageType in "Amazon S3 metrics and dimensions", S3 user guide).
STORAGE_TYPES = {
    "StandardStorage": "standard",
    "IntelligentTieringFAStorage": "intelligent tiering, frequent",
    "IntelligentTieringIAStorage": "intelligent tiering, infrequent",
    "IntelligentTieringAIAStorage": "intelligent tiering, archive instant",
    "IntelligentTieringAAStorage": "intelligent tiering, archive",
    "IntelligentTieringDAAStorage": "intelligent tiering, deep archive",
    "GlacierInstantRetrievalStorage": "glacier instant retrieval",
}


@dataclass(frozen=True)
class Used:
    """What a stack has that costs and emits. `endpoints` maps a model to its endpoint, `functions` a pipeline to (name, memory in MB) pairs.

    `efficiency` is the target of the efficiency report, None without one.
    """

    prefix: str
    region: str
    endpoints: Mapping[str, str]
    functions: Mapping[str, Sequence[tuple[str, int]]]
    glue_jobs: Sequence[str]
    buckets: Sequence[str]
    efficiency: float | None = None

    @property
    def models(self) -> str:
        """The namespace of what models do."""
        return f"{self.prefix}/models"

    @property
    def cost(self) -> str:
        """The namespace of the cost report and the clean-up."""
        return f"{self.prefix}/cost"

    @property
    def efficient(self) -> str:
        """The namespace of the efficiency report."""
        return f"{self.prefix}/efficiency"


def cost_body(used: Used) -> dict[str, Any]:
    """What is billed, what a prediction costs, what could be saved."""
    names = list(used.endpoints)

    def by_model(*metrics: str) -> list[Any]:
        return [[used.cost, metric, "Model", model] for model in names for metric in metrics]

    by_service = _search("AWS/Billing", ("Currency", "ServiceName"), "EstimatedCharges", "Maximum", BILLING_PERIOD)
    by_version = _search(used.cost, ("Model", "ModelVersion"), "CostPerPrediction", "Average", DAY)
    widgets = [
        _graph("Estimated charges of the account (month to date, $)", [["AWS/Billing", "EstimatedCharges", "Currency", "USD"]], "Maximum",
               BILLING_PERIOD, BILLING_REGION),
        _graph("Estimated charges by service ($)", [by_service], "Maximum", BILLING_PERIOD, BILLING_REGION),
    ]  # fmt: skip
    if names:
        widgets += [
            _graph("Billed by model, last month ($)", by_model("BilledCost", "HostingListPrice"), "Maximum", DAY, used.region),
            _graph("A prediction, last month ($)", by_model("BilledCostPerPrediction", "HostingListPricePerPrediction"), "Maximum", DAY, used.region),
            _graph("A prediction by model version, by list price ($)", [by_version], "Average", DAY, used.region),
            _graph("Predictions", [[used.models, "Predictions", "service", model] for model in names], "Sum", DAY, used.region),
        ]  # fmt: skip
    if names and used.efficiency is not None:
        per_dollar = _search(used.efficient, ("Model", "Algorithm"), "GainPerDollar", "Maximum", DAY)
        widgets.append(_graph("Training: metric gained over the baseline per dollar", [per_dollar], "Maximum", DAY, used.region))
    widgets += [
        _graph("Compute of functions (GB-seconds)", gigabyte_seconds(used), "Sum", DAY, used.region),
        _graph("Clean-up: findings and what they cost a month ($)", [[used.cost, metric, "service", "clean-up"] for metric in
               ("CleanUpFindings", "IdleEndpoints", "CleanUpSaving")], "Maximum", DAY, used.region),
    ]  # fmt: skip
    return _placed(widgets)


def sustainability_body(used: Used, grid: Grid | None, maximum_grams: float) -> dict[str, Any]:
    """How clean the region's electricity is, what runs, how well it is used, what is stored."""
    names = used.endpoints.items()
    widgets = [_text(_grid(used.region, grid, maximum_grams))]
    widgets.append(_graph("Compute of functions (GB-seconds)", gigabyte_seconds(used), "Sum", DAY, used.region))
    if used.efficiency is not None:
        widgets.append(_utilization(used, used.efficiency))
    if used.endpoints:
        on = [[namespace, metric, "EndpointName", endpoint, "VariantName", VARIANT] for _, endpoint in names for namespace, metric in
              (("/aws/sagemaker/Endpoints", "CPUUtilization"), ("/aws/sagemaker/Endpoints", "MemoryUtilization"))]  # fmt: skip
        widgets += [
            _graph("Endpoints: utilisation (%, of one processor)", on, "Average", HOUR, used.region),
            _graph("Endpoints: instance hours a day", [[used.cost, "InstanceHours", "Model", model] for model, _ in names], "Maximum", DAY, used.region),
            _graph("Predictions an instance hour", predictions_an_instance_hour(used), "Sum", DAY, used.region),
            _graph("Training: seconds trained, billed and saved by spot instances", [[used.models, metric, "Model", model] for model, _ in names for
                   metric in ("TrainingSeconds", "BillableSeconds", "SpotSavedSeconds")], "Sum", DAY, used.region),
        ]  # fmt: skip
    if used.glue_jobs:
        of_job = [
            ["Glue", "glue.driver.aggregate.elapsedTime", "JobName", job, "JobRunId", "ALL", "Type", "count"] for job in used.glue_jobs
        ]
        widgets.append(_graph("Glue jobs: time (ms)", of_job, "Sum", DAY, used.region))
    widgets += [
        _graph("Stored bytes by storage class", stored(used), "Average", DAY, used.region),
        _graph("Idle endpoints", [[used.cost, "IdleEndpoints", "service", "clean-up"]], "Maximum", DAY, used.region),
    ]
    return _placed(widgets)


def _utilization(used: Used, target: float) -> Widget:
    """Useful of billed seconds, a line a service, and the target."""
    services = ["serverless", "lambda", *(["glue"] if used.glue_jobs else []), *(["training"] if used.endpoints else [])]
    lines = [[used.efficient, "Utilization", "Service", service] for service in services]
    widget = _graph("Useful of billed seconds (%)", lines, "Minimum", DAY, used.region)
    widget["properties"]["annotations"] = {"horizontal": [{"label": "target", "value": target * 100}]}
    return widget


def gigabyte_seconds(used: Used) -> list[Any]:
    """Duration × memory, summed up by pipeline: functions of one memory size are summed first, so that the expression stays short."""
    found: list[Any] = []
    for pipeline, functions in sorted(used.functions.items()):
        sizes = sorted({memory for _, memory in functions})
        for number, (function, memory) in enumerate(functions):
            found.append(["AWS/Lambda", "Duration", "FunctionName", function, {"id": f"{pipeline}_{memory}_{number}", "visible": False}])
        terms = " + ".join(f'SUM(METRICS("{pipeline}_{memory}_")) * {memory / 1024:g}' for memory in sizes)
        found.append([{"expression": f"({terms}) / 1000", "label": pipeline, "id": f"total_{pipeline}"}])
    return found


def predictions_an_instance_hour(used: Used) -> list[Any]:
    found: list[Any] = []
    for number, model in enumerate(used.endpoints):
        found.append([used.models, "Predictions", "service", model, {"id": f"p{number}", "visible": False}])
        found.append([used.cost, "InstanceHours", "Model", model, {"id": f"h{number}", "visible": False, "stat": "Maximum"}])
        found.append([{"expression": f"IF(h{number} > 0, p{number} / h{number})", "label": model, "id": f"e{number}"}])
    return found


def stored(used: Used) -> list[Any]:
    """Bytes of all buckets together, a line a storage class."""
    found: list[Any] = []
    for number, (storage, label) in enumerate(STORAGE_TYPES.items()):
        for bucket_number, bucket in enumerate(used.buckets):
            hidden = {"id": f"s{number}_{bucket_number}", "visible": False}
            found.append(["AWS/S3", "BucketSizeBytes", "BucketName", bucket, "StorageType", storage, hidden])
        found.append([{"expression": f'SUM(METRICS("s{number}_"))', "label": label, "id": f"class{number}"}])
    return found


def _grid(region: str, grid: Grid | None, maximum_grams: float) -> str:
    if grid is None:
        return f"# {region}\nIts grid's carbon intensity is not known here."
    verdict = "within" if grid.grams_per_kwh <= maximum_grams else "**above**"
    return (
        f"# {grid.grams_per_kwh:.0f} g CO2e/kWh\n{region}: grid of {grid.grid}, {grid.year}, location-based; {verdict} the limit of "
        f"{maximum_grams:.0f} g (`mlops:sustainability`).\n\n`mlops carbon` estimates what the stack emits; the clean-up lists what runs idle."
    )


def _search(namespace: str, dimensions: Sequence[str], metric: str, statistic: str, period: int) -> list[Any]:
    """Metrics of all values of the dimensions; CloudWatch finds what had data in the last two weeks."""
    schema = ",".join((f'"{namespace}"' if "-" in namespace else namespace, *dimensions))
    return [{"expression": f"SEARCH('{{{schema}}} MetricName=\"{metric}\"', '{statistic}', {period})", "id": "all"}]


def _graph(title: str, metrics: Iterable[Any], statistic: str, period: int, region: str) -> Widget:
    properties = {"title": title, "region": region, "stat": statistic, "period": period, "view": "timeSeries", "metrics": list(metrics)}
    return {"type": "metric", "properties": properties}


def _text(markdown: str) -> Widget:
    return {"type": "text", "properties": {"markdown": markdown}}


def _placed(widgets: Sequence[Widget]) -> dict[str, Any]:
    """Two a row."""
    places = [{"x": WIDTH * (number % 2), "y": HEIGHT * (number // 2), "width": WIDTH, "height": HEIGHT} for number in range(len(widgets))]
    return {"widgets": [{**place, **widget} for place, widget in zip(places, widgets, strict=True)]}
