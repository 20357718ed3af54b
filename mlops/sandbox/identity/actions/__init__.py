"""From a decoded call to the permissions it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.actions import analytics, costs, data, delivery, management, operations, reference, s3, tables
from mlops.sandbox.identity.actions.needs import Need, Scope, UnmappedOperation, keys
from mlops.sandbox.identity.decoding import Call

__all__ = ["Need", "UnmappedOperation", "needs_of"]

# Services with a table of their own; a mapper answers None for an operation that the reference covers.
_MAPPERS: dict[str, Callable[[Scope], list[Need] | None]] = {
    "s3": s3.needs,
    "budgets": costs.budgets,
    "ce": costs.explorer,
    "dynamodb": data.dynamodb,
    "sqs": data.sqs,
    "sns": data.sns,
    "kms": data.kms,
    "lambda": operations.functions,
    "stepfunctions": operations.state_machines,
    "events": operations.events,
    "logs": operations.logs,
    "cloudwatch": operations.cloudwatch,
    "glue": analytics.glue,
    "sagemaker": analytics.sagemaker,
    "sagemaker-runtime": analytics.sagemaker_runtime,
    "sagemaker-metrics": analytics.sagemaker_metrics,
    "iam": management.iam,
    "sts": management.sts,
    "ecr": management.ecr,
    "ec2": management.ec2,
    "apigateway": management.api_gateway,
    "apigatewayv2": management.api_gateway,
    "codebuild": delivery.codebuild,
    "codepipeline": delivery.codepipeline,
    "codecommit": delivery.codecommit,
    "codeconnections": delivery.connections,
    "codestar-connections": delivery.connections,
    "codestar-notifications": delivery.notifications,
}


def needs_of(call: Call, account: Account) -> list[Need]:
    """All permissions the call needs, the call's own first; raises UnmappedOperation when that is not known."""
    scope = Scope(call, account)
    if tables.RENAMED.get(f"{call.service}:{call.operation}", "") is None:
        return []
    mapper = _MAPPERS.get(call.service)
    try:
        needs = mapper(scope) if mapper else None
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        # A required parameter is missing or no ARN: without it nobody can tell which resource is meant.
        raise scope.unmapped(f"a parameter is missing or malformed: {type(error).__name__} {error}") from error
    if needs is None:
        needs = from_reference(scope)
    tags = _tag_keys(scope)
    if tags:
        needs = [replace(need, keys={**tags, **need.keys}) for need in needs]
        tagging = tables.TAGGED.get(needs[0].action) if needs else None
        if tagging:
            # Log groups are tagged under their ARN without a stream.
            needs.append(replace(needs[0], action=tagging, resource=needs[0].resource.removesuffix(":log-stream:")))
    return needs + _passed_roles(scope, needs)


def from_reference(scope: Scope) -> list[Need]:
    """The need that IAM's reference tells: the operation's own action on its required resource types."""
    prefix = reference.prefix(scope.service)
    name = tables.RENAMED.get(f"{scope.service}:{scope.operation}") or f"{prefix}:{scope.operation}"
    found = reference.action(name)
    if found is None:
        raise scope.unmapped(f"IAM has no action {name}")
    names = tables.PARAMETERS.get(prefix, {})
    if found.name in tables.ON_EVERYTHING:
        return [Need(found.name, "*")]
    resources = [(template, reference.fill(scope, template, names)) for template in found.required]
    missing = [template for template, arn in resources if arn is None]
    if missing:
        raise scope.unmapped(f"the parameters do not tell {missing[0]}")
    if not resources:
        resources = [(template, arn) for template in found.optional if (arn := reference.fill(scope, template, names))][:1]
    return [Need(found.name, arn) for _, arn in resources if arn] or [Need(found.name, "*")]


def _tag_keys(scope: Scope) -> dict[str, tuple[str, ...]]:
    tags = dict(_tags(scope.parameters))
    if not tags:
        return {}
    return keys({"aws:TagKeys": tuple(tags), **{f"aws:RequestTag/{name}": value for name, value in tags.items()}})


def _tags(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("Tags", "tags", "TagList", "TagsList"):
        value = parameters.get(name)
        if isinstance(value, Mapping):
            yield from ((str(key), str(item)) for key, item in value.items())
        for item in value if isinstance(value, list) else ():
            if isinstance(item, Mapping):
                key = item.get("Key", item.get("key", item.get("TagKey")))
                yield str(key), str(item.get("Value", item.get("value", item.get("TagValue", ""))))
    for specification in parameters.get("TagSpecifications") or ():
        yield from _tags(specification)


def _passed_roles(scope: Scope, needs: list[Need]) -> list[Need]:
    """iam:PassRole for every role handed to a service that will assume it."""
    service = tables.PASSED_TO.get(scope.service)
    if service is None or not needs or not _changes(needs[0].action):
        return []
    roles = dict.fromkeys(_roles(scope, scope.parameters))
    associated = needs[0].resource if needs[0].resource != "*" else None
    return [Need("iam:PassRole", role, keys({"iam:PassedToService": service, "iam:AssociatedResourceArn": associated})) for role in roles]


def _changes(action: str) -> bool:
    found = reference.action(action)
    return found is None or found.access_level not in ("Read", "List")


def _roles(scope: Scope, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str) and name.lower() in tables.ROLE_PARAMETERS:
                yield from _role_arn(scope, item)
            else:
                yield from _roles(scope, item)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(scope, item)


def _role_arn(scope: Scope, value: str) -> Iterator[str]:
    if value.startswith("arn:"):
        if ":role/" in value:
            yield value
    elif scope.service == "glue":
        # Glue takes a role's name as well.
        role = scope.account.role(value.rsplit("/", 1)[-1])
        yield role.arn if role is not None else scope.arn("iam", f"role/{value}", region="")
