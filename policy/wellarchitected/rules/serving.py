"""SageMaker models, endpoint configurations and endpoints, declared or started by a state machine or pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, as_list, dig, is_set
from ._types import ENDPOINT, ENDPOINT_CONFIGURATION, KEY, KEY_ALIAS, KEY_ARN, MODEL, PRODUCTION, SCALABLE_TARGET, TRAINING_JOB
from .training import VPC, matches

BURSTABLE = ("ml.t2.*", "ml.t3.*")
# CPU families with a Graviton sibling for endpoints; training, processing and transform have none.
GRAVITON = ("ml.c6g*", "ml.c7g*", "ml.c8g*", "ml.m6g*", "ml.m8g*", "ml.r6g*", "ml.r7g*", "ml.r8g*")
ACCELERATED = ("ml.g*", "ml.p*", "ml.inf*", "ml.trn*")
OLD_GENERATION = ("ml.m4.*", "ml.c4.*", "ml.p2.*", "ml.p3.*", "ml.m3.*", "ml.c3.*")


def variants(configuration: Resource, provisioned: bool = False) -> list[dict]:
    """The production variants of an endpoint configuration; with `provisioned`, those on instances only."""
    found = as_list(configuration.get("productionVariants"))
    if provisioned:
        found = [item for item in found if item.get("serverlessConfig") is None]
        if not found:
            raise NotApplicable("serverless variants have no instances")
    return found


def served_serverless(resource: Resource, context: Context) -> bool:
    """Whether a model or endpoint belongs to serverless variants, for which SageMaker has no VPC, no isolation and no guardrails."""
    return resource.urn in context.graph.once(_serverless)


def _serverless(graph: Graph) -> frozenset[str]:
    """The URNs of what has serverless variants: of configurations, of their only model, of state machines that start either."""
    found: set[str] = set()
    for configuration in graph.of(ENDPOINT_CONFIGURATION):
        served = configuration.get("productionVariants")
        if isinstance(served, list) and any(isinstance(item, dict) and item.get("serverlessConfig") is not None for item in served):
            found.add(configuration.urn)
            models = graph.linked(configuration, "productionVariants", MODEL)
            if len(models) == 1:
                found.add(models[0].urn)
    return frozenset(found)


def configuration_of(**variant: object) -> dict:
    """An endpoint configuration of one variant, for examples."""
    return {
        "productionVariants": [
            {"variantName": "main", "modelName": "model", "instanceType": "ml.m6g.large", "initialInstanceCount": 2, **variant}
        ]
    }


@rule(
    "sagemaker-model-in-vpc", MODEL, scope="stack",
    practices="SEC05-BP01", lens="MLSEC03-BP02", checklist="CHK-SEC-6", spec="SEC-5d", severity="high", level=PRODUCTION,
    why="Outside the VPC the model's container reaches the internet and no security group limits it.",
    fix="Set VpcConfig with private subnets and a security group",
    reads="vpcConfig", compliant={"vpcConfig": VPC}, violating={"primaryContainer": {"image": "i"}},
)  # fmt: skip
def model_in_vpc(model: Resource, context: Context) -> str | None:
    """Models are served inside the VPC."""
    if served_serverless(model, context):
        raise NotApplicable("serverless variants cannot be in a VPC")
    return None if is_set(model.get("vpcConfig")) else f"vpcConfig of '{model.name}' is not set"


@rule(
    "sagemaker-network-isolation", f"{TRAINING_JOB} {MODEL}", scope="stack",
    practices="SEC05-BP02", lens="MLSEC04-BP01", checklist="CHK-SEC-6", spec="SEC-5d", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_370 securityhub:SageMaker.5",
    why="An isolated container cannot send data anywhere, whatever code is in it.",
    fix="Set EnableNetworkIsolation to true; the image must bring its dependencies along",
    reads="enableNetworkIsolation", compliant={"enableNetworkIsolation": True}, violating={"enableNetworkIsolation": False},
)  # fmt: skip
def network_isolation(resource: Resource, context: Context) -> str | None:
    """Training and serving containers have no network of their own."""
    if resource.type == MODEL and served_serverless(resource, context):
        raise NotApplicable("serverless variants cannot be isolated")
    return None if resource.get("enableNetworkIsolation", False) else f"enableNetworkIsolation of '{resource.name}' is not true"


@rule(
    "sagemaker-image-pinned", f"{MODEL} {TRAINING_JOB}",
    practices="SEC06-BP04 OPS05-BP09", lens="MLOPS04-BP02 MLREL05-BP02", checklist="CHK-OPS-2", spec="P3g", severity="medium",
    why="An image named latest is another image tomorrow: nothing can be rolled back to it.",
    fix="Name the image by digest (@sha256:…) or by an immutable tag",
    reads="primaryContainer.image", missing="not_applicable",
    compliant={"primaryContainer": {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serving@sha256:0a"}},
    violating={"primaryContainer": {"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/serving:latest"}},
)  # fmt: skip
def image_pinned(resource: Resource, context: Context) -> Iterator[str]:
    """Container images are pinned."""
    images = [("primaryContainer.image", resource.get("primaryContainer.image")), ("algorithmSpecification.trainingImage",
        resource.get("algorithmSpecification.trainingImage"))]  # fmt: skip
    images += [(f"containers[{index}].image", dig(item, "image")) for index, item in enumerate(as_list(resource.get("containers")))]
    given = [(path, image) for path, image in images if image is not None]
    if not given:
        raise NotApplicable("names no image")
    for path, image in given:
        name = image.rsplit("/", 1)[-1]
        if "@sha256:" not in image and (":" not in name or name.endswith(":latest")):
            yield f"{path} of '{resource.name}' is not pinned"


@rule(
    "sagemaker-endpoint-encrypted", ENDPOINT_CONFIGURATION, scope="stack",
    practices="SEC08-BP02", lens="MLSEC02-BP01", checklist="CHK-SEC-2", spec="SEC-5d", severity="high", level=PRODUCTION, sources="checkov:CKV_AWS_98",
    why="The instances' storage holds the model and, with data capture, requests and answers.",
    fix="Set KmsKeyId (kmsKeyArn in Pulumi); instance types with NVMe storage encrypt it themselves",
    reads="kmsKeyArn", compliant=configuration_of() | {"kmsKeyArn": KEY_ARN}, violating=configuration_of(),
)  # fmt: skip
def endpoint_encrypted(configuration: Resource, context: Context) -> str | None:
    """Endpoint storage is encrypted with a customer key."""
    return None if context.graph.given(configuration, "kmsKeyArn", KEY, KEY_ALIAS) else f"kmsKeyArn of '{configuration.name}' is not set"


@rule(
    "sagemaker-endpoint-multi-instance", ENDPOINT_CONFIGURATION,
    practices="REL10-BP01", lens="MLREL05-BP02", checklist="CHK-REL-1", spec="REL-6b", severity="high", level={"dev": "disabled", "prod": "mandatory"},
    sources="securityhub:SageMaker.4",
    why="SageMaker spreads instances over availability zones; one instance is in one zone.",
    fix="Set InitialInstanceCount to at least 2",
    reads="productionVariants", missing="not_applicable", compliant=configuration_of(), violating=configuration_of(initialInstanceCount=1),
)  # fmt: skip
def endpoint_multi_instance(configuration: Resource, context: Context) -> Iterator[str]:
    """Production endpoints run on two instances or more."""
    for index, variant in enumerate(variants(configuration, provisioned=True)):
        if variant.get("initialInstanceCount", 1) < 2:
            yield f"productionVariants[{index}].initialInstanceCount of '{configuration.name}' is {variant.get('initialInstanceCount', 1)}"


@rule(
    "sagemaker-endpoint-generation", ENDPOINT_CONFIGURATION,
    practices="PERF02-BP02 SUS05-BP02", lens="MLPERF04-BP01 MLSUS05-BP02", checklist="CHK-PERF-4", spec="PERF-5b", severity="medium",
    why="Old generations cost more for less work.",
    fix="Use a current generation (m6g, c6g, m7g …); ml.t2.medium is allowed outside production",
    reads="productionVariants", missing="not_applicable", compliant=configuration_of(),
        violating=configuration_of(instanceType="ml.m4.xlarge"),
)  # fmt: skip
def endpoint_generation(configuration: Resource, context: Context) -> Iterator[str]:
    """Endpoints run on current instance types of a sensible size."""
    for index, variant in enumerate(variants(configuration, provisioned=True)):
        instance_type = variant.get("instanceType", "")
        if matches(instance_type, OLD_GENERATION) or (context.production and matches(instance_type, BURSTABLE)):
            yield f"productionVariants[{index}].instanceType of '{configuration.name}' is {instance_type}"


@rule(
    "sagemaker-endpoint-graviton", ENDPOINT_CONFIGURATION,
    practices="SUS05-BP02 COST06-BP02", lens="MLSUS05-BP02 MLCOST05-BP02", checklist="CHK-SUS-2", spec="SUS-4b", severity="low", level="advisory",
    why="Graviton serves the same requests with less energy and at a lower price.",
    fix="Use an arm64 image and a Graviton instance type such as ml.m6g.large",
    reads="productionVariants", missing="not_applicable", compliant=configuration_of(),
        violating=configuration_of(instanceType="ml.m5.large"),
)  # fmt: skip
def endpoint_graviton(configuration: Resource, context: Context) -> Iterator[str]:
    """CPU endpoints run on Graviton."""
    judged = False
    for index, variant in enumerate(variants(configuration, provisioned=True)):
        instance_type = variant.get("instanceType", "")
        if matches(instance_type, BURSTABLE):
            continue  # SageMaker has no burstable Graviton type
        judged = True
        if not matches(instance_type, (*GRAVITON, *ACCELERATED)):
            yield f"productionVariants[{index}].instanceType of '{configuration.name}' is {instance_type}"
    if not judged:
        raise NotApplicable("only burstable instances")


def scales_variants(graph: Graph) -> bool:
    """Whether anything in the stack scales production variants."""
    return any(target.get("scalableDimension") == "sagemaker:variant:DesiredInstanceCount" for target in graph.of(SCALABLE_TARGET))


@rule(
    "sagemaker-endpoint-scales", f"{ENDPOINT_CONFIGURATION}", scope="stack",
    practices="PERF02-BP05 REL07-BP01 COST09-BP03", lens="MLREL05-BP01 MLCOST06-BP03", checklist="CHK-PERF-2", spec="REL-4c SUS-3c", severity="medium",
    level={"dev": "disabled", "prod": "mandatory"},
    why="A fixed fleet is too large at night and too small on the day that counts.",
    fix="Register a scalable target (sagemaker:variant:DesiredInstanceCount) for the endpoint's variants, declared or by a task after the "
        "endpoint is in service",
    reads=None,
    compliant=(Example(ENDPOINT_CONFIGURATION, "config", configuration_of()), Example(SCALABLE_TARGET, "target",
        {"scalableDimension": "sagemaker:variant:DesiredInstanceCount", "serviceNamespace": "sagemaker", "minCapacity": 2,
            "maxCapacity": 4, "resourceId": "endpoint/e/variant/main"})),
    violating=(Example(ENDPOINT_CONFIGURATION, "config", configuration_of()),),
)  # fmt: skip
def endpoint_scales(configuration: Resource, context: Context) -> Iterator[str]:
    """Provisioned endpoints scale with demand."""
    scaling = context.graph.once(scales_variants)
    for index, variant in enumerate(variants(configuration, provisioned=True)):
        if matches(variant.get("instanceType", ""), BURSTABLE):
            yield f"productionVariants[{index}] of '{configuration.name}' is burstable, which Application Auto Scaling refuses"
        elif not scaling:
            yield f"nothing scales productionVariants[{index}] of '{configuration.name}'"


@rule(
    "sagemaker-scaling-range", SCALABLE_TARGET,
    practices="PERF02-BP05", lens="MLREL05-BP01", checklist="CHK-PERF-2", spec="REL-4c", severity="medium",
    why="A target whose minimum is its maximum never scales.",
    fix="Set maxCapacity above minCapacity",
    reads="maxCapacity", compliant={"minCapacity": 1, "maxCapacity": 4}, violating={"minCapacity": 2, "maxCapacity": 2},
)  # fmt: skip
def scaling_range(target: Resource, context: Context) -> str | None:
    """Scalable targets have room to scale."""
    least, most = target.get("minCapacity", 0), target.get("maxCapacity", 0)
    return None if most > least else f"maxCapacity of '{target.name}' is {most}, minCapacity {least}"


@rule(
    "sagemaker-endpoint-rollback", ENDPOINT, scope="stack",
    practices="OPS06-BP04 REL08-BP05", lens="MLREL04-BP02 MLREL05-BP02", checklist="CHK-OPS-2", spec="P4f OPS-2c", severity="medium", level="advisory",
    why="A new model that answers badly should be gone before anybody has to get up.",
    fix="Set DeploymentConfig with a blue/green (or rolling) policy and AutoRollbackConfiguration alarms",
    reads="deploymentConfig", missing="fail",
    compliant={"endpointConfigName": "c", "deploymentConfig": {"autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]}}},
    violating={"endpointConfigName": "c"},
)  # fmt: skip
def endpoint_rollback(endpoint: Resource, context: Context) -> str | None:
    """Endpoint updates roll back on alarms."""
    if served_serverless(endpoint, context):
        raise NotApplicable("serverless endpoints have no deployment guardrails")
    return None if is_set(endpoint.get("deploymentConfig")) else f"deploymentConfig of '{endpoint.name}' is not set"
