"""SageMaker models and endpoint configurations: stored as sent, after the checks that AWS makes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.serving import Container
from mlops.sandbox.ml.validation import (
    ValidationException,
    check_image,
    check_kms_key,
    check_name,
    check_role,
    check_uri,
    refuse_members,
)

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox


@functools.cache
def allowed(shape: str) -> frozenset[str]:
    """The values of an enumeration, by the service's own model."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(model.shape_for(shape).enum)  # type: ignore[attr-defined]


class Model:
    """A model as moto's store keeps it: the request, and the container it resolves to."""

    def __init__(self, sandbox: Sandbox, request: dict[str, Any], container: Container):
        self.request = request
        self.container = container
        self.model_name: str = request["ModelName"]
        self.arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:model/{self.model_name}"
        self.tags: list[dict[str, str]] = request.get("Tags", [])
        self.creation_time = jobs.now()

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeModel."""
        described = {name: value for name, value in self.request.items() if name != "Tags"}
        return {"EnableNetworkIsolation": False, **described, "ModelArn": self.arn, "CreationTime": self.creation_time}


class EndpointConfiguration:
    """An endpoint configuration as moto's store keeps it."""

    def __init__(self, sandbox: Sandbox, request: dict[str, Any]):
        self.request = request
        self.endpoint_config_name: str = request["EndpointConfigName"]
        self.endpoint_config_arn = self.arn = (
            f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:endpoint-config/{self.endpoint_config_name}"
        )
        self.tags: list[dict[str, str]] = request.get("Tags", [])
        self.creation_time = jobs.now()

    @property
    def variants(self) -> list[dict[str, Any]]:
        return self.request["ProductionVariants"]

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeEndpointConfig."""
        described = {name: value for name, value in self.request.items() if name != "Tags"}
        return {**described, "EndpointConfigArn": self.arn, "CreationTime": self.creation_time}

    def summary(self) -> dict[str, Any]:
        """ListEndpointConfigs."""
        return {"EndpointConfigName": self.endpoint_config_name, "EndpointConfigArn": self.arn, "CreationTime": self.creation_time}


def resolve_container(sandbox: Sandbox, definition: Mapping[str, Any], role: str, model_name: str) -> Container:
    """Image, data and environment of a container definition, from its model package when it names one."""
    refuse_members("CreateModel", definition, ("MultiModelConfig", "AdditionalModelDataSources", "InferenceSpecificationName"))
    image, url, environment = definition.get("Image"), definition.get("ModelDataUrl"), dict(definition.get("Environment", {}))
    if definition.get("ModelPackageName"):
        package = sandbox.backend("sagemaker").describe_model_package(definition["ModelPackageName"])
        if package.model_approval_status not in ("Approved", None):
            raise ValidationException(
                f"Model package {package.arn} is {package.model_approval_status}: only an approved package can be deployed"
            )
        packaged = package.inference_specification["Containers"][0]
        image, url = packaged["Image"], packaged.get("ModelDataUrl")
        environment = {**packaged.get("Environment", {}), **environment}
    source = definition.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        if source["S3DataType"] != "S3Object" or source["CompressionType"] != "Gzip":
            raise ValidationException("the sandbox does not execute sagemaker:CreateModel with an uncompressed ModelDataSource")
        url = source["S3Uri"]
    check_image(sandbox, image or "", "serving")
    if not url:
        raise ValidationException(f"the sandbox serves a model archive: model {model_name} has no ModelDataUrl")
    check_uri("ModelDataUrl", url)
    if definition.get("Mode", "SingleModel") != "SingleModel":
        raise ValidationException("the sandbox does not execute sagemaker:CreateModel with Mode MultiModel")
    return Container(model_name, image or "", url, environment, role)


def create_model(sandbox: Sandbox, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModel."""
    name = request["ModelName"]
    check_name("ModelName", name)
    models = sandbox.backend("sagemaker")._models
    if name in models:
        raise ValidationException(f'Cannot create already existing model "{models[name].arn}".')
    definitions = [request["PrimaryContainer"]] if request.get("PrimaryContainer") else request.get("Containers", [])
    if len(definitions) != 1:
        raise ValidationException(f"the sandbox does not execute sagemaker:CreateModel with {len(definitions)} containers: expected one")
    role = request.get("ExecutionRoleArn", "")
    container = resolve_container(sandbox, definitions[0], role, name)
    check_role(sandbox, role, name)
    bucket, key = jobs.split_uri(container.model_data_url)
    buckets = sandbox.backend("s3").buckets
    if bucket not in buckets or key not in buckets[bucket].keys:
        raise ValidationException(f"Could not find model data at {container.model_data_url}.")
    models[name] = Model(sandbox, request, container)
    return {"ModelArn": models[name].arn}


def create_endpoint_config(sandbox: Sandbox, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    check_name("EndpointConfigName", name)
    backend = sandbox.backend("sagemaker")
    if name in backend.endpoint_configs:
        raise ValidationException(f'Cannot create already existing endpoint configuration "{backend.endpoint_configs[name].arn}".')
    refuse_members("CreateEndpointConfig", request, ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig"))
    if request.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise ValidationException("the sandbox does not execute sagemaker:CreateEndpointConfig with DataCaptureConfig.EnableCapture")
    check_kms_key(sandbox, "KmsKeyId", request.get("KmsKeyId"))
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    if len(set(names)) != len(names):
        raise ValidationException(f"ProductionVariants: variant names must be unique, got {names}")
    for variant in request["ProductionVariants"]:
        check_variant(backend, variant)
    backend.endpoint_configs[name] = EndpointConfiguration(sandbox, request)
    return {"EndpointConfigArn": backend.endpoint_configs[name].arn}


def check_variant(backend: Any, variant: dict[str, Any]) -> None:
    """One production variant: an existing model on a known instance type."""
    check_name("VariantName", variant["VariantName"])
    # RoutingConfig is taken: one process stands for a variant's instances, so every strategy sends it the same requests.
    refuse_members("CreateEndpointConfig", variant, ("ServerlessConfig", "ManagedInstanceScaling", "CoreDumpConfig"))
    strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy")
    if strategy is not None and strategy not in allowed("RoutingStrategy"):
        raise ValidationException(
            f"RoutingStrategy of variant {variant['VariantName']} must be one of {', '.join(sorted(allowed('RoutingStrategy')))}, got {strategy!r}"
        )
    if not variant.get("ModelName"):
        raise ValidationException("the sandbox does not execute sagemaker:CreateEndpointConfig without a ModelName (inference components)")
    if variant["ModelName"] not in backend._models:
        raise ValidationException(f'Could not find model "{variant["ModelName"]}".')
    if variant.get("InstanceType") not in allowed("ProductionVariantInstanceType"):
        raise ValidationException(
            f"Value '{variant.get('InstanceType')}' at 'instanceType' failed to satisfy constraint: it is no instance type of production variants"
        )
    if variant.get("InitialInstanceCount", 0) < 1:
        raise ValidationException(f"InitialInstanceCount of variant {variant['VariantName']} must be at least 1")
    variant.setdefault("InitialVariantWeight", 1.0)


def install(sandbox: Sandbox) -> None:
    """Replace moto's storing of models and endpoint configurations."""
    implement(SageMakerResponse, "CreateModel", lambda request: create_model(sandbox, request))
    implement(SageMakerResponse, "CreateEndpointConfig", lambda request: create_endpoint_config(sandbox, request))
