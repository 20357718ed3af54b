"""What functions in the VPC can reach without NAT: gateway endpoints, interface endpoints, and nothing else.

Source of the endpoints' names: "AWS services that integrate with AWS PrivateLink" in the VPC user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.settings.settings import Settings

# boto3's name of a service → the interface endpoint that stands for it.
ENDPOINTS = {
    "application-autoscaling": "application-autoscaling",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "monitoring",
    "ec2": "ec2",
    "glue": "glue",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "resourcegroupstaggingapi": "tagging",
    "sagemaker": "sagemaker.api",
    "sagemaker-runtime": "sagemaker.runtime",
    "sns": "sns",
    "sqs": "sqs",
    "stepfunctions": "states",
}
GATEWAYS = ("s3", "dynamodb")
# Answered in one region, or in none, and by no endpoint in the others.
NOWHERE = {"ce": "Cost Explorer answers in us-east-1 only", "iam": "IAM has no VPC endpoint"}


@dataclass(frozen=True)
class Caller:
    """A function: its folder under lambdas/, the services it calls besides S3 and DynamoDB, what leaves it out, and when it is there."""

    handler: str
    services: tuple[str, ...]
    without: str
    there: Callable[[Settings], bool]


def _models(settings: Settings) -> bool:
    return "models" in settings.stack.parts


def _responds(settings: Settings) -> bool:
    return settings.security.response


_NO_MODELS = "leave the part models out"
_NO_RESPONSE = "set security.response to false"
CALLERS = (
    Caller("audit_approval", ("sagemaker",), _NO_MODELS, _models),
    Caller("batch_predict", ("lambda", "sagemaker-runtime"), _NO_MODELS, _models),
    Caller("close_execution", ("sns", "sqs", "stepfunctions"), "leave the part data out", lambda settings: "data" in settings.stack.parts),
    Caller("describe_model", ("sagemaker",), _NO_MODELS, _models),
    Caller("detect_drift", ("cloudwatch", "sagemaker"), _NO_MODELS, _models),
    Caller("plan_deployment", ("sagemaker",), _NO_MODELS, _models),
    Caller("predict", ("sagemaker-runtime", "sqs"), _NO_MODELS, _models),
    Caller("select_model", ("sagemaker",), _NO_MODELS, _models),
    Caller("store_predictions", (), _NO_MODELS, _models),
    Caller("training_trigger", ("sagemaker", "stepfunctions"), _NO_MODELS, _models),
    Caller("quarantine_role", ("iam", "sns"), _NO_RESPONSE, _responds),
    Caller("cancel_key_deletion", ("kms", "sns"), _NO_RESPONSE, _responds),
    Caller("remediate_public_bucket", ("sns",), _NO_RESPONSE, _responds),
    Caller("remediate_trail", ("cloudtrail", "sns"), _NO_RESPONSE, _responds),
    Caller("revoke_open_ingress", ("ec2", "sns"), _NO_RESPONSE, _responds),
    Caller(
        "security_audit",
        ("cloudtrail", "cloudwatch", "ec2", "iam", "kms", "lambda", "logs"),
        "set security.audit to false",
        lambda settings: settings.security.audit,
    ),
    Caller(
        "check_health",
        ("cloudwatch", "kms", "sagemaker", "sqs", "stepfunctions"),
        "set health.enabled to false",
        lambda settings: settings.health.enabled,
    ),
    Caller(
        "cost_report",
        ("ce", "cloudwatch", "sagemaker"),
        "set cost.report.enabled to false",
        lambda settings: settings.cost.report.enabled,
    ),
    Caller(
        "efficiency_report",
        ("cloudwatch", "glue", "logs", "sagemaker"),
        "set performance.efficiency.enabled to false",
        lambda settings: settings.performance.efficiency.enabled,
    ),
    Caller(
        "clean_up",
        ("cloudwatch", "lambda", "logs", "resourcegroupstaggingapi", "sagemaker", "stepfunctions"),
        "set cost.clean_up.enabled to false",
        lambda settings: settings.cost.clean_up.enabled,
    ),
    Caller(
        "office_hours",
        ("application-autoscaling", "sagemaker"),
        "leave cost.office_hours out",
        lambda settings: settings.cost.office_hours is not None and _models(settings),
    ),
)
# Which setting an error about a service without an endpoint is about.
_KEYS = {
    "quarantine_role": "security.response",
    "security_audit": "security.audit",
    "cost_report": "cost.report.enabled",
}


def needed(settings: Settings) -> dict[str, list[str]]:
    """Interface endpoints that the stack's functions need, each with the functions that do."""
    found: dict[str, list[str]] = {}
    for caller in _there(settings):
        for service in caller.services:
            if service in ENDPOINTS:
                found.setdefault(ENDPOINTS[service], []).append(caller.handler)
    return found


def _there(settings: Settings) -> Iterator[Caller]:
    return (caller for caller in CALLERS if caller.there(settings))


def check(settings: Settings) -> None:
    """Raises ValueError where functions run in a VPC without NAT and call what they cannot reach there."""
    network = settings.network
    if not settings.functions.in_vpc or network.mode == "existing" or network.nat != "none":
        return
    way_out = "set network.nat to single or per-az, or functions.in_vpc to false"
    gone = [service for service in GATEWAYS if service not in network.gateway_endpoints]
    if gone:
        raise ValueError(
            f"network.gateway_endpoints: functions run in the VPC without NAT and cannot reach {', '.join(gone)}; "
            f"add these endpoints, or {way_out}"
        )
    missing = {endpoint: callers for endpoint, callers in needed(settings).items() if endpoint not in network.interface_endpoints}
    if missing:
        named = ", ".join(f"{endpoint} ({callers[0]})" for endpoint, callers in sorted(missing.items()))
        raise ValueError(
            f"network.interface_endpoints: functions run in the VPC without NAT and cannot reach {named}; add these endpoints, or {way_out}"
        )
    for caller in _there(settings):
        for service in caller.services:
            if service in NOWHERE:
                raise ValueError(
                    f"{_KEYS[caller.handler]}: {caller.handler} runs in the VPC, {NOWHERE[service]}, and network.nat is none; "
                    f"{caller.without}, or {way_out}"
                )
