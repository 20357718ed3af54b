"""Checks of SageMaker requests that AWS makes and moto leaves out, and what this sandbox refuses by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException

from mlops.sandbox.ml import jobs

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

SERVICE = "sagemaker.amazonaws.com"
_NAME_PATTERN = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
_IMAGE = re.compile(r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([a-z0-9._/-]+?)(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$")


class ValidationException(ServiceException):
    """SageMaker's answer to a request that cannot be."""

    code = "ValidationException"


class ResourceInUse(ServiceException):
    """SageMaker's answer to a name that is taken."""

    code = "ResourceInUse"


class ResourceNotFound(ServiceException):
    """SageMaker's answer to a name that is not there."""

    code = "ResourceNotFound"


def check_name(field: str, value: str) -> None:
    """Names of jobs, models and endpoints: letters, digits and inner hyphens, 63 at most."""
    if not re.fullmatch(_NAME_PATTERN, value or ""):
        field = field[0].lower() + field[1:]
        raise ValidationException(
            f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {_NAME_PATTERN}"
        )


def check_properties(properties: Mapping[str, str]) -> None:
    """Customer metadata of a model package: names and values of letters, numbers, spaces and `_ . : / = + - @`."""
    for name, value in properties.items():
        for text, longest in ((name, 128), (value, 256)):
            refused = [each for each in text if each not in "_.:/=+-@" and unicodedata.category(each)[0] not in "LNZ"]
            if refused or not 1 <= len(text) <= longest:
                raise ValidationException(
                    f"1 validation error detected: Value '{text}' at 'customerMetadataProperties' failed to satisfy constraint: Member must have "
                    f"1 to {longest} characters and satisfy regular expression pattern: ([\\p{{L}}\\p{{Z}}\\p{{N}}_.:\\/=+\\-@]*)"
                )


def check_image(sandbox: Sandbox, image: str, kind: str) -> None:
    """The sandbox runs images of this account's registry whose repository ends in `-<kind>` (training or serving)."""
    match = _IMAGE.match(image or "")
    if not match or match[1] != sandbox.account or not match[3].endswith(f"-{kind}"):
        expected = f"{sandbox.account}.dkr.ecr.{sandbox.region}.amazonaws.com/<name>-{kind}:<tag>"
        raise ValidationException(f"the sandbox does not run the image {image!r}: expected {expected}")
    if match[2] != sandbox.region:
        raise ValidationException(f"the image {image} is in {match[2]}; SageMaker in {sandbox.region} takes images of its own region")


def check_role(sandbox: Sandbox, role: str, session_name: str) -> Any:
    """Keys of the execution role; ValidationException when SageMaker may not assume it."""
    if not role.startswith("arn:"):
        raise ValidationException(f"expected the ARN of an execution role, got {role!r}")
    try:
        return jobs.issue(sandbox, role, SERVICE, session_name)
    except jobs.JobError as error:
        raise ValidationException(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role. "
            f"({error})"
        ) from error


def check_uri(field: str, uri: str) -> None:
    """An S3 URI."""
    try:
        jobs.split_uri(uri)
    except jobs.JobError as error:
        raise ValidationException(f"{field}: {error}") from error


def check_kms_key(sandbox: Sandbox, field: str, key: str | None) -> None:
    """A KMS key, by id, ARN or alias, that exists."""
    if not key:
        return
    keys = sandbox.backend("kms")
    name = key.split(":", 5)[-1].removeprefix("key/")
    known = name in keys.keys or (name.startswith("alias/") and keys.get_key_id_from_alias(name) is not None)
    if not known:
        raise ValidationException(f"{field}: there is no KMS key {key}")


def refuse_members(operation: str, request: Mapping[str, Any], members: Iterable[str]) -> None:
    """Members that would have an effect on AWS and have none here."""
    for member in members:
        if request.get(member):
            raise ValidationException(f"the sandbox does not execute sagemaker:{operation} with {member}")
