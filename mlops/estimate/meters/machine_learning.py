"""SageMaker: training jobs and endpoints, declared or started by state machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wellarchitected import Resource
from wellarchitected.asl import ENDPOINT_CONFIGURATION, PROCESSING_JOB, SCALABLE_TARGET, TRAINING_JOB, TRANSFORM_JOB
from wellarchitected.values import as_list

from mlops.estimate.amount import Amount
from mlops.estimate.hours import share_in_service
from mlops.estimate.meters.registry import NotEstimated, Stack, meter, number
from mlops.estimate.usage import Given
from mlops.estimate.use import HOURS, Use


@meter(TRAINING_JOB)
def training_job(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Instance hours, and the volumes as long as they are there. On spot capacity a part of the list price is paid."""
    kind, count = resource.get("resourceConfig.instanceType"), number(resource, "resourceConfig.instanceCount", 1.0)
    if kind is None:
        raise NotEstimated("its instance type is not said")
    hours = usage["hours"] * count
    spot = bool(resource.get("enableManagedSpotTraining"))
    share = usage["spot_price_share"] if spot else Amount.of(1.0)
    what = f"training on {kind}{', spot' if spot else ''}"
    yield Use("SageMaker training", f"sagemaker.training.{kind}", what, "instance-hour", hours, share)
    volume = hours * (number(resource, "resourceConfig.volumeSizeInGB", 1.0) / HOURS)
    yield Use("SageMaker training", "sagemaker.storage_gb_month", "volumes of training jobs", "GB-month", volume)


@meter(PROCESSING_JOB)
def processing_job(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Instance hours."""
    cluster = "processingResources.clusterConfig"
    kind, count = resource.get(f"{cluster}.instanceType"), number(resource, f"{cluster}.instanceCount", 1.0)
    yield Use("SageMaker processing", f"sagemaker.processing.{kind}", f"processing on {kind}", "instance-hour", usage["hours"] * count)


@meter(TRANSFORM_JOB)
def transform_job(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Instance hours."""
    kind, count = resource.get("transformResources.instanceType"), number(resource, "transformResources.instanceCount", 1.0)
    yield Use("SageMaker batch", f"sagemaker.transform.{kind}", f"batch transform on {kind}", "instance-hour", usage["hours"] * count)


@meter(ENDPOINT_CONFIGURATION)
def endpoint(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Instances that answer all month, but for the hours in which schedules switch the endpoint off.

    A state machine may make several configurations of one endpoint (a test of two versions), one at a time: only the smallest is counted,
    the largest is what it may come to. Scaling goes from the target's minimum to its maximum.
    """
    rivals = [each for each in stack.started.get(resource.urn, ()) if each.type == ENDPOINT_CONFIGURATION] or [resource]
    sizes = [(_instances(each), each) for each in rivals]
    smallest, chosen = min(sizes, key=lambda size: (size[0].total(), str(size[1].state)))
    if resource.state != chosen.state:
        return
    largest: Counter[str] = Counter()
    for size, _ in sizes:
        largest |= size
    targets = [each for each in stack.started.get(resource.urn, ()) if each.type == SCALABLE_TARGET]
    least, most = (_capacity(targets, name) for name in ("minCapacity", "maxCapacity"))
    share = share_in_service(stack)
    for kind, count in smallest.items():
        low = min(count, least) if least is not None else count
        high = max(largest[kind], most or 0)
        on = f", {share * HOURS:.0f} of {HOURS:.0f} hours" if share < 1 else ""
        instances = Amount(low, count, high) * (share * HOURS)
        yield Use("SageMaker hosting", f"sagemaker.hosting.{kind}", f"endpoint on {kind}{on}", "instance-hour", instances)
    yield Use("SageMaker hosting", "sagemaker.endpoint_data_gb", "data in and out of endpoints", "GB", usage["data_gb"])


def _instances(configuration: Resource) -> Counter[str]:
    """Instance type → number, of all variants."""
    found: Counter[str] = Counter()
    for variant in as_list(configuration.get("productionVariants")):
        if "serverlessConfig" in variant:
            raise NotEstimated("serverless inference has no price here")
        kind, count = variant.get("instanceType"), variant.get("initialInstanceCount", 1)
        if not isinstance(kind, str) or not isinstance(count, int | float):
            raise NotEstimated("its instances are chosen at run time")
        found[kind] += int(count)
    if not found:
        raise NotEstimated("it has no variants")
    return found


def _capacity(targets: list[Resource], name: str) -> int | None:
    found = [value for target in targets if isinstance(value := target.get(name), int | float)]
    return int(sum(found)) if found else None
