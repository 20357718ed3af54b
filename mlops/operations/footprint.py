"""The carbon of what was really used: the efficiency report's figures as uses, by the same energies and grids as the estimate's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlops.estimate import carbon
from mlops.estimate.amount import FIGURES, Amount
from mlops.estimate.measure import Measured, Measurement
from mlops.estimate.use import DAYS, Use
from mlops.operations.target import Target

NOT_MEASURED = "stored data, builds and what moves between regions: the efficiency report measures what computes"
MEASURED = {"Lambda", "Glue", "SageMaker training", "SageMaker hosting"}
GONE = ("ResourceNotFoundException", "ValidationException", "ResourceNotFound")


@dataclass(frozen=True)
class Row:
    """A row of the report, and what it does not say of it: architecture or instance type. None: it is there no more."""

    service: str
    name: str
    quantity: float
    kind: str | None


def measured(target: Target, days: int | None) -> dict[str, Any]:
    """What the last days emitted, and a month like them; `days` are the setting's where None."""
    report = target.invoke(target.outputs["cost"]["efficiency_report"], {} if days is None else {"days": days})
    region: str = target.session.region_name or ""
    rows = list(_rows(target, report))
    month = document(rows, region, DAYS / report["days"])
    return {
        "days": report["days"],
        "from": report["from"],
        "to": report["to"],
        "report": report["uri"],
        "kg_co2e": document(rows, region, 1.0)["kg_co2e_month"]["expected"],
        **month,
        "left_out": [*month["left_out"], NOT_MEASURED],
        "not_measured": [{"service": row.service, "name": row.name, "reason": "is there no more"} for row in rows if row.kind is None],
        "measured_on": "the sandbox on this machine: its seconds are not AWS's" if target.stack == "local" else "AWS",
    }


def beside(found: Mapping[str, Any], estimate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Services that are measured or could be, with the measured and the estimated figures of a month in kg CO2e."""
    ours, theirs = ({row["service"]: row for row in document["services"]} for document in (found, estimate))
    return [
        {
            "service": service,
            "measured": ours[service]["expected"] if service in ours else 0.0,
            "estimated": {key: theirs[service][key] for key in FIGURES} if service in theirs else None,
        }
        for service in sorted({*ours, *(set(theirs) & MEASURED)}, key=lambda name: -(ours[name]["expected"] if name in ours else 0.0))
    ]


def document(rows: Iterable[Row], region: str, times: float) -> dict[str, Any]:
    """The `carbon` of so many times the rows' usage."""
    uses = [Measured(row.name, row.service, row.name, use) for row in rows if (use := _use(row, region, times)) is not None]
    return carbon.document(Measurement(region, uses, [], {}))


def _use(row: Row, region: str, times: float) -> Use | None:
    if row.kind is None:
        return None
    quantity = Amount.of(row.quantity * times)
    match row.service:
        case "Lambda":
            return Use("Lambda", f"lambda.gb_second.{row.kind}", f"compute, {row.kind}", "GB-second", quantity, region=region)
        case "Glue":
            return Use("Glue", "glue.dpu_hour", "Spark jobs", "DPU-hour", quantity, region=region)
        case "SageMaker training":
            item, what = f"sagemaker.training.{row.kind}", f"training on {row.kind}"
        case _:
            item, what = f"sagemaker.hosting.{row.kind}", f"endpoint on {row.kind}"
    return Use(row.service, item, what, "instance-hour", quantity, region=region)


def _rows(target: Target, report: Mapping[str, Any]) -> Iterator[Row]:
    functions, sagemaker = target.client("lambda"), target.client("sagemaker")
    for each in report["functions"]:
        found = _described(functions.get_function_configuration, FunctionName=each["name"])
        yield Row("Lambda", each["name"], each["gb_seconds"], (found.get("Architectures") or ["x86_64"])[0] if found else None)
    for each in report["glue"]:
        yield Row("Glue", each["name"], each["dpu_hours"], "dpu")
    for each in report["training"]:
        found = _described(sagemaker.describe_training_job, TrainingJobName=each["name"])
        yield Row("SageMaker training", each["name"], each["instance_hours"], found["ResourceConfig"]["InstanceType"] if found else None)
    for each in report["endpoints"]:
        _, model = target.model(each["model"])
        fleet = _fleet(sagemaker, model["endpoint"])
        if not fleet:
            yield Row("SageMaker hosting", each["model"], each["instance_hours"], None)
        for kind, count in fleet.items():
            yield Row("SageMaker hosting", each["model"], each["instance_hours"] * count / sum(fleet.values()), kind)


def _fleet(sagemaker: Any, endpoint: str) -> dict[str, int]:
    """Instance type → number of what serves; nothing where the endpoint is off."""
    found = _described(sagemaker.describe_endpoint, EndpointName=endpoint)
    if found is None:
        return {}
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])["ProductionVariants"]
    serving = {each["VariantName"]: each.get("CurrentInstanceCount", 0) for each in found.get("ProductionVariants", [])}
    fleet: dict[str, int] = {}
    for variant in variants:
        if count := serving.get(variant["VariantName"], 0):
            fleet[variant["InstanceType"]] = fleet.get(variant["InstanceType"], 0) + count
    return fleet


def _described(call: Any, **names: str) -> dict[str, Any] | None:
    """None for what is there no more."""
    try:
        return call(**names)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise
