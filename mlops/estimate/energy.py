"""The energy of a unit of an item, in kWh, by a published method; data/energy.json has the coefficients with source and date."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mlops.estimate.use import HOURS

FOLDER = Path(__file__).with_name("data")
GB_A_TB = 1000
# One DPU of Glue: https://docs.aws.amazon.com/glue/latest/dg/add-job.html
DPU_VCPUS = 4
# Machines of CodeBuild: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
BUILD_VCPUS = {"small": 2, "medium": 4, "large": 8}


@cache
def coefficients() -> dict[str, Any]:
    """The method's coefficients."""
    return json.loads((FOLDER / "energy.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Instance:
    """What an instance type has."""

    vcpus: int
    processor: str
    gpus: int
    gpu: str


@cache
def instances() -> dict[str, Instance]:
    """Type → what it has, of the types with a price."""
    with (FOLDER / "instances.csv").open(encoding="utf-8", newline="") as file:
        return {row["type"]: Instance(int(row["vcpus"]), row["processor"], int(row["gpus"]), row["gpu"]) for row in csv.DictReader(file)}


def watts(range_: Mapping[str, float]) -> float:
    """Watts at the method's average utilization, between idle and full load."""
    return range_["minimum"] + coefficients()["cpu_utilization"] * (range_["maximum"] - range_["minimum"])


def vcpu_hours(hours: float, processor: str = "unknown") -> float:
    """kWh of so many vCPU hours."""
    return hours * watts(coefficients()["watts_per_vcpu"][processor]) / 1000


def instance_hour(type_: str) -> float | None:
    """kWh of an hour of an instance with its accelerators; None for a type that is not in the table."""
    found = instances().get(type_)
    if found is None:
        return None
    gpus = found.gpus * watts(coefficients()["watts_per_gpu"][found.gpu]) / 1000 if found.gpus else 0.0
    return vcpu_hours(found.vcpus, found.processor) + gpus


def stored(disk: str, service: str) -> float:
    """kWh of a gigabyte that lies on `disk` (ssd, hdd) for a month, with the copies that the service keeps."""
    watt_hours = coefficients()["watt_hours_per_tb_hour"][disk] * HOURS / GB_A_TB
    return watt_hours / 1000 * coefficients()["replication"][service]


def function_gb_second(processor: str) -> float:
    """kWh of a second of a function with a gigabyte: its share of a vCPU grows with its memory."""
    return vcpu_hours(1024 / coefficients()["lambda_mb_per_vcpu"] / 3600, processor)


ITEMS: dict[str, Callable[[], float]] = {
    "lambda.gb_second.x86_64": lambda: function_gb_second("unknown"),
    "lambda.gb_second.arm64": lambda: function_gb_second("graviton2"),
    "lambda.provisioned_gb_second.x86_64": lambda: function_gb_second("unknown"),
    "lambda.provisioned_gb_second.arm64": lambda: function_gb_second("graviton2"),
    "lambda.ephemeral_gb_second": lambda: stored("ssd", "default") / (HOURS * 3600),
    "glue.dpu_hour": lambda: vcpu_hours(DPU_VCPUS),
    "glue.flex_dpu_hour": lambda: vcpu_hours(DPU_VCPUS),
    "glue.crawler_dpu_hour": lambda: vcpu_hours(DPU_VCPUS),
    "s3.storage_gb_month": lambda: stored("hdd", "s3"),
    "dynamodb.storage_gb_month": lambda: stored("ssd", "dynamodb"),
    "dynamodb.recovery_gb_month": lambda: stored("ssd", "dynamodb"),
    "ecr.storage_gb_month": lambda: stored("hdd", "ecr"),
    "cloudwatch.logs_stored_gb_month": lambda: stored("hdd", "default"),
    "sagemaker.storage_gb_month": lambda: stored("ssd", "ebs"),
    "transfer.between_regions_gb": lambda: coefficients()["kwh_per_gb_between_regions"],
}
INSTANCE_ITEMS = ("sagemaker.hosting.", "sagemaker.training.", "sagemaker.processing.", "sagemaker.transform.")


@cache
def kwh(item: str) -> float | None:
    """kWh of a unit; None for an item that the method has no coefficient for: nobody guesses one."""
    if item in ITEMS:
        return ITEMS[item]()
    for prefix in INSTANCE_ITEMS:
        if item.startswith(prefix):
            return instance_hour(item.removeprefix(prefix))
    if item.startswith("codebuild.minute."):
        machine, size = item.removeprefix("codebuild.minute.").split(".")[0], item.rsplit(".", 1)[-1]
        if size in BUILD_VCPUS:
            return vcpu_hours(BUILD_VCPUS[size] / 60, "graviton2" if machine == "arm" else "unknown")
    return None
