"""Every policy document that the program and its foundations register, as the offline previews see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.previews import preview

STACKS = [
    *((".", stack) for stack in ("dev", "prod", "prod-dr", "local")),
    *(("foundations/account", stack) for stack in ("dev", "prod", "local")),
    *(("foundations/org", stack) for stack in ("prod", "local")),
]
# Where a resource type keeps a document: what it is for, and whose resource it belongs to.
PLACES: dict[str, tuple[str, str | None]] = {
    "aws:iam/role:Role assumeRolePolicy": ("trust", "sts"),
    "aws:iam/rolePolicy:RolePolicy policy": ("identity", None),
    "aws:iam/policy:Policy policy": ("identity", None),
    "aws:organizations/policy:Policy content": ("scp", None),
    "aws:ec2/vpcEndpoint:VpcEndpoint policy": ("endpoint", None),
    "aws:kms/key:Key policy": ("key", "kms"),
    "aws:kms/replicaKey:ReplicaKey policy": ("key", "kms"),
    "aws:s3/bucketPolicy:BucketPolicy policy": ("resource", "s3"),
    "aws:sqs/queuePolicy:QueuePolicy policy": ("resource", "sqs"),
    "aws:sns/topicPolicy:TopicPolicy policy": ("resource", "sns"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy policy": ("resource", "ecr"),
    "aws:ecr/registryPolicy:RegistryPolicy policy": ("resource", "ecr"),
    "aws:backup/vaultPolicy:VaultPolicy policy": ("resource", "backup"),
    "aws:apigateway/restApi:RestApi policy": ("resource", "execute-api"),
    "aws:apigateway/restApiPolicy:RestApiPolicy policy": ("resource", "execute-api"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy policyDocument": ("resource", "logs"),
}


@dataclass(frozen=True)
class Placed:
    """A document and where it was found; `name` is the resource's name in the program."""

    stack: str
    place: str
    name: str
    kind: str
    service: str | None
    document: Mapping[str, Any]


def documents(project: str, stack: str) -> Iterator[Placed]:
    """Raises KeyError for a document in a place that nobody has said the purpose of."""
    for resource in preview(stack, project).resources:
        for property_, document in _found(resource.inputs):
            place = f"{resource.type} {property_}"
            kind, service = PLACES[place]
            if place.startswith("aws:iam/policy") and resource.inputs.get("path") == "/boundary/":
                kind = "boundary"
            yield Placed(f"{project} {stack}", place, resource.name, kind, service, document)


def _found(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in inputs.items():
        document = value
        if isinstance(value, str) and '"Statement":' in value:
            document = json.loads(value)
        if isinstance(document, Mapping) and "Statement" in document:
            yield name, document
