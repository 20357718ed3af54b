"""The model registry: versions, who approved what, and the event that every change of a model package sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
from moto.sagemaker.models import ModelPackage, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.identity.authoriser import PRINCIPAL
from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.validation import ValidationException, check_name, check_properties, check_uri, refuse_members

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

STATUSES = ("Approved", "Rejected", "PendingManualApproval")
_REFUSED = ("ModelCard", "ModelLifeCycle", "SourceUri", "SecurityConfig", "ModelPackageRegistrationType", "ManagedStorageType")
# Request member of CreateModelPackage → attribute of moto's ModelPackage.
_FIELDS = {
    "ModelPackageDescription": "model_package_description",
    "InferenceSpecification": "inference_specification",
    "SourceAlgorithmSpecification": "source_algorithm_specification",
    "ValidationSpecification": "validation_specification",
    "MetadataProperties": "metadata_properties",
    "ModelMetrics": "model_metrics",
    "DriftCheckBaselines": "drift_check_baselines",
    "Domain": "domain",
    "Task": "task",
    "SamplePayloadUrl": "sample_payload_url",
    "AdditionalInferenceSpecifications": "additional_inference_specifications",
    "ClientToken": "client_token",
}


class Registry:
    """CreateModelPackage, UpdateModelPackage, DeleteModelPackage."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self._versions: dict[str, int] = {}

    @property
    def _backend(self) -> SageMakerModelBackend:
        return self.sandbox.backend("sagemaker")

    def _find(self, name: str) -> ModelPackage:
        package = self._backend.model_packages.get(self._backend.model_package_name_mapping.get(name, name))
        if package is None:
            raise ValidationException(f"ModelPackage {name} does not exist.")
        return package

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackage."""
        refuse_members("CreateModelPackage", request, _REFUSED)
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if bool(group) == bool(name):
            raise ValidationException("Give either ModelPackageGroupName (a versioned package) or ModelPackageName, and not both.")
        group = group.split("/")[-1] if group else None
        if group and group not in self._backend.model_package_groups:
            raise ValidationException(f"ModelPackageGroup {group} does not exist.")
        if name:
            check_name("ModelPackageName", name)
        status = check_status(request.get("ModelApprovalStatus") or ("PendingManualApproval" if group else None))
        for container in request.get("InferenceSpecification", {}).get("Containers", []):
            if container.get("ModelDataUrl"):
                check_uri("ModelDataUrl", container["ModelDataUrl"])
        check_properties(request.get("CustomerMetadataProperties", {}))
        package: Any = ModelPackage(
            model_package_name=group or name or "",
            model_package_group_name=group,
            model_package_version=self._next_version(group) if group else None,
            certify_for_marketplace=request.get("CertifyForMarketplace", False),
            model_approval_status=status,
            approval_description=None,
            customer_metadata_properties=dict(request.get("CustomerMetadataProperties", {})) or None,
            region_name=self.sandbox.region,
            account_id=self.sandbox.account,
            model_package_type="Versioned" if group else "Unversioned",
            tags=request.get("Tags", []),
            **{attribute: request.get(member) for member, attribute in _FIELDS.items()},  # type: ignore[arg-type]
        )
        package.created_by = caller()
        if name and package.arn in self._backend.model_packages:
            raise ValidationException(f"Model package {package.arn} already exists.")
        self._backend.model_packages[package.arn] = package
        self._backend.model_package_name_mapping |= {package.arn: package.arn, **({name: package.arn} if name else {})}
        self._announce(package, [])
        return {"ModelPackageArn": package.arn}

    def _next_version(self, group: str) -> int:
        # A version number is never given twice, not even when the version was deleted.
        known = [
            package.model_package_version or 0
            for package in self._backend.model_packages.values()
            if package.model_package_group_name == group
        ]
        self._versions[group] = max([self._versions.get(group, 0), *known]) + 1
        return self._versions[group]

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateModelPackage: what is not given stays as it is."""
        refuse_members("UpdateModelPackage", request, (*_REFUSED, "InferenceSpecification"))
        package = self._find(request["ModelPackageArn"])
        check_properties(request.get("CustomerMetadataProperties", {}))
        changed = []
        if "ModelApprovalStatus" in request:
            package.set_model_approval_status(check_status(request["ModelApprovalStatus"]))
            changed.append("ModelApprovalStatus")
        if "ApprovalDescription" in request:
            package.approval_description = request["ApprovalDescription"]
            changed.append("ApprovalDescription")
        properties = {**(package.customer_metadata_properties or {}), **request.get("CustomerMetadataProperties", {})}
        removed = request.get("CustomerMetadataPropertiesToRemove", [])
        properties = {name: value for name, value in properties.items() if name not in removed}
        if properties != (package.customer_metadata_properties or {}):
            package.customer_metadata_properties = properties
            changed.append("CustomerMetadataProperties")
        package.add_additional_inference_specifications(request.get("AdditionalInferenceSpecificationsToAdd"))
        package.last_modified_time = jobs.now()
        package.last_modified_by = caller()
        self._announce(package, changed)
        return {"ModelPackageArn": package.arn}

    def delete(self, request: dict[str, Any]) -> None:
        """DeleteModelPackage."""
        package = self._find(request["ModelPackageName"])
        del self._backend.model_packages[package.arn]
        self._backend.model_package_name_mapping = {
            name: arn for name, arn in self._backend.model_package_name_mapping.items() if arn != package.arn
        }

    def _announce(self, package: ModelPackage, changed: list[str]) -> None:
        detail = jobs.epoch_milliseconds(package.gen_response_object())
        if changed:
            detail["UpdatedModelPackageFields"] = changed
        jobs.emit(self.sandbox, "aws.sagemaker", "SageMaker Model Package State Change", detail, [package.arn])


def caller() -> dict[str, Any]:
    """The principal of the current request, as SageMaker's UserContext names one outside Studio."""
    principal = flask.request.environ[PRINCIPAL]
    return {"IamIdentity": {"Arn": principal.arn, "PrincipalId": principal.user_id or principal.name}}


def check_status(status: str | None) -> str | None:
    """An approval status of the registry."""
    if status is not None and status not in STATUSES:
        raise ValidationException(
            f"Value '{status}' at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value set: {list(STATUSES)}"
        )
    return status


def install(sandbox: Sandbox) -> Registry:
    """Replace moto's storing of model packages; their tags can be read and written too."""
    registry = Registry(sandbox)
    implement(SageMakerResponse, "CreateModelPackage", registry.create)
    implement(SageMakerResponse, "UpdateModelPackage", registry.update)
    implement(SageMakerResponse, "DeleteModelPackage", registry.delete)
    stored = SageMakerModelBackend.__dict__.get("_stored_resource") or SageMakerModelBackend._get_resource_from_arn

    def resource(self: SageMakerModelBackend, arn: str) -> Any:
        if ":model-package/" in arn:
            return registry._find(arn)
        found = stored(self, arn)
        if found is None:
            raise ValidationException(f"Could not find the resource {arn}")
        return found

    SageMakerModelBackend._stored_resource = stored  # type: ignore[attr-defined]
    SageMakerModelBackend._get_resource_from_arn = resource  # type: ignore[method-assign]
    return registry
