"""What moto lacks of the operations the provider needs: `install` adds them to the moto in this process.

- SageMaker's DeleteModelPackageGroup and Glue's UpdateCrawler do not exist.
- KMS enables, disables and deletes keys by their id only, not by their ARN.
- Glue keeps the tags of what was deleted.
- Of AWS Backup much is missing: `moto_backup` has it.
- Composite alarms, saved queries and X-Ray's groups and rules: see `moto_observability`.
- Settings of an API's method stay when they are removed, and cache key parameters of an integration get lost.
- S3 keeps that a bucket sends its events to EventBridge, and does not tell it.
- API Gateway's deletions of what does not exist end in a 500 page instead of NotFoundException.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.apigateway.exceptions import NotFoundException
from moto.apigateway.models import APIGatewayBackend, Stage
from moto.apigateway.responses import APIGatewayResponse
from moto.core.responses import EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.glue.models import FakeCrawler, GlueBackend
from moto.glue.responses import GlueResponse
from moto.kms.models import KmsBackend
from moto.s3.responses import S3Response
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.provider import moto_backup, moto_observability

_DELETIONS = (
    "delete_rest_api",
    "delete_resource",
    "delete_method",
    "delete_method_response",
    "delete_integration",
    "delete_integration_response",
    "delete_request_validator",
    "delete_deployment",
    "delete_stage",
    "delete_gateway_response",
    "delete_model",
)
_FINDS_NOTHING = (KeyError, AttributeError)


def install(sandbox: Any = None) -> None:
    """Add the operations; a second call changes nothing."""
    moto_observability.install()
    if hasattr(SageMakerResponse, "delete_model_package_group"):
        return
    moto_backup.install()
    SageMakerModelBackend.delete_model_package_group = _delete_model_package_group  # type: ignore[attr-defined]
    SageMakerResponse.delete_model_package_group = _answer_delete_model_package_group  # type: ignore[attr-defined]
    GlueResponse.update_crawler = _answer_update_crawler  # type: ignore[attr-defined]
    S3Response.get_bucket_notification = _telling_eventbridge(S3Response.get_bucket_notification)  # type: ignore[method-assign]
    for kind in ("job", "crawler", "database"):
        setattr(GlueBackend, f"delete_{kind}", _untagging(getattr(GlueBackend, f"delete_{kind}"), kind))
    for name in ("disable_key", "enable_key", "cancel_key_deletion", "schedule_key_deletion"):
        setattr(KmsBackend, name, _by_arn_too(getattr(KmsBackend, name)))
    Stage.apply_operations = _removing_method_settings(Stage.apply_operations)  # type: ignore[method-assign]
    APIGatewayResponse.put_integration = _keeping_cache_keys(APIGatewayResponse.put_integration)  # type: ignore[method-assign]
    for name in _DELETIONS:
        if hasattr(APIGatewayBackend, name):
            setattr(APIGatewayBackend, name, _refusing(getattr(APIGatewayBackend, name)))


def _removing_method_settings(apply: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(apply)
    def removing(stage: Stage, patch_operations: list[dict[str, Any]]) -> Any:
        for operation in patch_operations:
            if operation["op"] == "remove":
                stage.method_settings.pop(operation["path"].removeprefix("/"), None)
        return apply(stage, patch_operations)

    return removing


def _keeping_cache_keys(put_integration: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(put_integration)
    def keeping(response: APIGatewayResponse) -> Any:
        answer = put_integration(response)
        _, _, api, _, resource, _, method, *_ = response.path.split("/")
        response.backend.get_integration(api, resource, method).cache_key_parameters = response._get_param("cacheKeyParameters") or []
        return answer

    return keeping


def _telling_eventbridge(answer: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    @functools.wraps(answer)
    def telling(response: S3Response) -> Any:
        configuration = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if configuration is None or configuration.event_bridge is None:
            return answer(response)
        serialized = response.serialized

        def with_eventbridge(result: Any) -> Any:
            result.result["EventBridgeConfiguration"] = {}
            return serialized(result)

        response.serialized = with_eventbridge  # type: ignore[method-assign]
        return answer(response)

    return telling


def _by_arn_too(operation: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(operation)
    def by_id(backend: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
        return operation(backend, backend.get_key_id(key_id), *args, **kwargs)

    return by_id


def _refusing(deletion: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(deletion)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        try:
            result = deletion(*args, **kwargs)
        except _FINDS_NOTHING as error:
            raise NotFoundException(f"{deletion.__name__}: there is no such thing") from error
        # moto answers these two with what was deleted, and fails when that is nothing.
        if result is None and deletion.__name__ in ("delete_integration", "delete_integration_response", "delete_method_response"):
            raise NotFoundException(f"{deletion.__name__}: there is no such thing")
        return result

    return refusing


def _untagging(deletion: Callable[[GlueBackend, str], None], kind: str) -> Callable[[GlueBackend, str], None]:
    @functools.wraps(deletion)
    def untagging(backend: GlueBackend, name: str) -> None:
        deletion(backend, name)
        backend.tagger.delete_all_tags_for_resource(f"arn:aws:glue:{backend.region_name}:{backend.account_id}:{kind}/{name}")

    return untagging


def _delete_model_package_group(backend: SageMakerModelBackend, name: str) -> None:
    if name not in backend.model_package_groups:
        raise ResourceNotFound(message=f"ModelPackageGroup {name} does not exist.")
    group = backend.model_package_groups[name]
    versions = [package for package in backend.model_packages.values() if package.model_package_group_name == name]
    if versions:
        raise ValidationError(message=f"ModelPackageGroup {group.arn} has {len(versions)} model packages: delete them first.")
    del backend.model_package_groups[name]


def _answer_delete_model_package_group(response: SageMakerResponse) -> Any:
    response.sagemaker_backend.delete_model_package_group(response._get_param("ModelPackageGroupName"))  # type: ignore[attr-defined]
    return EmptyResult()


def _answer_update_crawler(response: GlueResponse) -> Any:
    parameters = json.loads(response.body)
    crawler: FakeCrawler = response.glue_backend.get_crawler(parameters.pop("Name"))
    for name, value in parameters.items():
        setattr(crawler, camelcase_to_underscores(name), value)
    crawler.version, crawler.last_updated = crawler.version + 1, utcnow()
    return EmptyResult()
