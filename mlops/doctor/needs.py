"""What a stack uses of an account's quotas, read from the previewed program: nothing here is a second list of the platform's parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlops import engine
from mlops.doctor.context import Context

# Workers to data processing units: https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
DPU = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "Standard": 1}
# CodeBuild's environment types and sizes in the names of its quotas: https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
BUILD_TYPES = {"LINUX_CONTAINER": "Linux", "ARM_CONTAINER": "ARM", "LINUX_GPU_CONTAINER": "Linux GPU"}


@dataclass(frozen=True)
class Need:
    """So many of one quota. With less than `least` the first run of the part fails; with less than `wanted` it waits or is throttled at its full size.

    `quota` is the name that Service Quotas lists (several where AWS renamed it).
    """

    service: str
    quota: tuple[str, ...]
    least: int
    wanted: int
    what: str


@dataclass(frozen=True)
class Fleet:
    """Instances of one type: `at_once` run together, `first` of them with the first run."""

    instance_type: str
    usage: str
    first: int
    at_once: int


def state_machines(context: Context) -> Iterator[Any]:
    """The definitions of the state machines."""
    for resource in context.declared("aws:sfn/stateMachine:StateMachine"):
        definition = resource.inputs.get("definition")
        if isinstance(definition, engine.Secret):
            definition = definition.value
        if isinstance(definition, str):
            yield json.loads(definition)


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def fleets(context: Context) -> list[Fleet]:
    """SageMaker's instances, from the parameters of what the state machines start.

    A machine's trainings run in parallel. An endpoint's update builds a second fleet beside the first, each as large as scaling lets it grow:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
    """
    found = []
    for definition in state_machines(context):
        objects = list(walk(definition))
        trainings: Counter[tuple[str, str]] = Counter()
        single: dict[tuple[str, str], int] = {}
        maximum = max((each["MaxCapacity"] for each in objects if isinstance(each.get("MaxCapacity"), int)), default=0)
        for each in objects:
            resources = each.get("ResourceConfig")
            if isinstance(resources, dict) and "AlgorithmSpecification" in each:
                usage = "spot training job usage" if each.get("EnableManagedSpotTraining") else "training job usage"
                key = (str(resources.get("InstanceType")), usage)
                trainings[key] += int(resources.get("InstanceCount", 1))
                single[key] = max(single.get(key, 0), int(resources.get("InstanceCount", 1)))
            for variant in each.get("ProductionVariants") or () if isinstance(each.get("ProductionVariants"), list) else ():
                if "InstanceType" in variant:
                    first = int(variant.get("InitialInstanceCount", 1))
                    found.append(Fleet(str(variant["InstanceType"]), "endpoint usage", first, 2 * max(first, maximum)))
            transform = each.get("TransformResources")
            if isinstance(transform, dict):
                count = int(transform.get("InstanceCount", 1))
                found.append(Fleet(str(transform.get("InstanceType")), "transform job usage", count, count))
        found += [Fleet(type_, usage, single[type_, usage], count) for (type_, usage), count in trainings.items()]
    return _together(found)


def _together(found: list[Fleet]) -> list[Fleet]:
    """Fleets of one type and usage as one: models may train and serve at the same time."""
    first, at_once = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in found:
        key = (each.instance_type, each.usage)
        first[key] += each.first if each.usage == "endpoint usage" else 0
        first[key] = max(first[key], each.first)
        at_once[key] += each.at_once
    return [Fleet(type_, usage, first[type_, usage], at_once[type_, usage]) for type_, usage in sorted(at_once)]


def of_sagemaker(context: Context) -> list[Need]:
    """Quotas by instance type and use: https://docs.aws.amazon.com/general/latest/gr/sagemaker.html"""
    return [
        Need("sagemaker", (f"{each.instance_type} for {each.usage}",), each.first, each.at_once, "trainings and endpoints")
        for each in fleets(context)
    ]


def of_network(context: Context) -> list[Need]:
    """https://docs.aws.amazon.com/general/latest/gr/vpc-service.html; what is there already is added by the check."""
    endpoints = Counter(str(each.inputs.get("vpcEndpointType", "Gateway")) for each in context.declared("aws:ec2/vpcEndpoint:VpcEndpoint"))
    counted = (
        ("vpc", "VPCs per Region", context.count("aws:ec2/vpc:Vpc"), "the network"),
        ("vpc", "Internet gateways per Region", context.count("aws:ec2/internetGateway:InternetGateway"), "the network"),
        ("ec2", "EC2-VPC Elastic IPs", context.count("aws:ec2/eip:Eip"), "NAT gateways"),
        ("vpc", "Gateway VPC endpoints per Region", endpoints["Gateway"], "the network"),
        ("vpc", "Interface VPC endpoints per VPC", endpoints["Interface"], "the network"),
    )
    return [Need(service, (name,), number, number, what) for service, name, number, what in counted if number]


def of_glue(context: Context) -> list[Need]:
    """https://docs.aws.amazon.com/general/latest/gr/glue.html; a job's workers are its maximum, runs of a job go on at the same time up to its setting."""
    jobs = context.declared("aws:glue/job:Job")
    if not jobs:
        return []
    units, runs = [], []
    for job in jobs:
        units.append(int(job.inputs.get("numberOfWorkers", 2)) * DPU.get(str(job.inputs.get("workerType", "G.1X")), 1))
        runs.append(int((job.inputs.get("executionProperty") or {}).get("maxConcurrentRuns", 1)))
    at_once = sum(dpu * number for dpu, number in zip(units, runs, strict=True))
    return [
        Need("glue", ("Max task DPUs per account",), max(units), at_once, "Glue jobs"),
        Need("glue", ("Max concurrent job runs per account",), 1, sum(runs), "Glue jobs"),
        Need("glue", ("Max jobs per account",), len(jobs), len(jobs), "Glue jobs"),
    ]


def of_builds(context: Context) -> list[Need]:
    """Builds of a stage run at the same time; what exceeds the quota waits, and with a quota of 0 nothing is built."""
    kinds: Counter[str] = Counter()
    for project in context.declared("aws:codebuild/project:Project"):
        environment = project.inputs.get("environment") or {}
        type_ = BUILD_TYPES.get(str(environment.get("type")))
        if type_:
            kinds[f"{type_}/{str(environment.get('computeType', '')).rpartition('_')[2].title()}"] += 1
    return [
        Need("codebuild", (f"Concurrently running builds for {kind} environment",), 1, number, "CI/CD builds")
        for kind, number in kinds.items()
    ]


def of_others(context: Context) -> list[Need]:
    """https://docs.aws.amazon.com/general/latest/gr/apigateway.html and s3.html"""
    counted = (
        ("apigateway", ("Regional APIs per account",), context.count("aws:apigateway/restApi:RestApi"), "the API"),
        ("s3", ("General purpose buckets", "Buckets"), context.count("aws:s3/bucket:Bucket"), "buckets"),
    )
    return [Need(service, names, number, number, what) for service, names, number, what in counted if number]


def all_needs(context: Context) -> list[Need]:
    return [*of_sagemaker(context), *of_network(context), *of_glue(context), *of_builds(context), *of_others(context)]
