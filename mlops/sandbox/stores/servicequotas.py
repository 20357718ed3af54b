"""Service quotas: the default values that AWS publishes, for the quotas that a check asks for. The sandbox enforces none of them.

Quotas that AWS gives a new account by its own measure (SageMaker's instance types, CodeBuild's concurrent builds) have no published value and are not listed.
What a request for more asks for is kept as pending: nobody grants it. The option `executors.quotas` (name to value) sets what is applied to the account.

Sources, as of 2026-11:
- vpc: AWS's own list as recorded in moto
- ec2: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
- lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (new accounts have less, and are raised by use)
- s3: https://aws.amazon.com/about-aws/whats-new/2024/11/amazon-s3-up-1-million-buckets-per-aws-account/
- iam: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import zlib
from typing import Any
from uuid import uuid4

from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from mlops.sandbox.stores import Store, StoreError, now, operation

SERVICE = "service-quotas"
# (service, quota, name, default value)
PUBLISHED = (
    ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
    ("iam", "L-FE177D64", "Roles per account", 1000.0),
    ("lambda", "L-B99A9384", "Concurrent executions", 1000.0),
    ("s3", "L-DC2B2D3D", "General purpose buckets", 10000.0),
    *(("vpc", each["QuotaCode"], each["QuotaName"], each["Value"]) for each in VPC_DEFAULT_QUOTAS),
)


def install(sandbox: Any) -> None:
    """Set what is applied to the account, as the sandbox's options say."""
    global _applied
    _applied = dict(sandbox.options.executors.get("quotas", {}))


_applied: dict[str, float] = {}


def _quota(store: Store, service: str, code: str, name: str, value: float) -> dict[str, Any]:
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": name,
        "QuotaArn": f"arn:aws:servicequotas:{store.region}:{store.account}:{service}/{code}",
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": service == "iam",
    }


def _defaults(store: Store, service: str) -> list[dict[str, Any]]:
    return [_quota(store, *each) for each in PUBLISHED if each[0] == service]


def _in_account(store: Store, service: str) -> list[dict[str, Any]]:
    """What is applied: the default values, but for what the options or `apply` set."""
    values = {**_applied, **store.kind("applied")}
    found = {
        each["QuotaName"]: {**each, "Value": float(values.get(each["QuotaName"], each["Value"]))} for each in _defaults(store, service)
    }
    for name, value in values.items():
        if name not in found and service_of(name) == service:
            found[name] = _quota(store, service, f"L-{zlib.crc32(name.encode()):08X}", name, float(value))
    return list(found.values())


def service_of(name: str) -> str:
    """The service of a quota that has no published value, by its name."""
    if name.startswith("ml."):
        return "sagemaker"
    return "codebuild" if name.startswith("Concurrently running builds") else ""


def apply(store: Store, name: str, value: float) -> None:
    """Give the account another value of a quota (tests)."""
    store.kind("applied")[name] = value


def applied(store: Store, service: str, name: str) -> float:
    """What the account has of a quota with a published value."""
    return next(each["Value"] for each in _in_account(store, service) if each["QuotaName"] == name)


def _find(store: Store, p: dict[str, Any], quotas: list[dict[str, Any]]) -> dict[str, Any]:
    found = next((each for each in quotas if each["QuotaCode"] == p["QuotaCode"]), None)
    if found is None:
        raise StoreError("NoSuchResourceException", f"the sandbox has no quota {p['QuotaCode']} of {p['ServiceCode']}", 400)
    return found


@operation(SERVICE, "ListAWSDefaultServiceQuotas")
def defaults(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"Quotas": _defaults(store, p["ServiceCode"])}


@operation(SERVICE, "ListServiceQuotas")
def listed(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"Quotas": _in_account(store, p["ServiceCode"])}


@operation(SERVICE, "GetAWSDefaultServiceQuota")
def default(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"Quota": _find(store, p, _defaults(store, p["ServiceCode"]))}


@operation(SERVICE, "GetServiceQuota")
def get(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    return {"Quota": _find(store, p, _in_account(store, p["ServiceCode"]))}


@operation(SERVICE, "RequestServiceQuotaIncrease")
def request(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    quota = _find(store, p, _in_account(store, p["ServiceCode"]))
    if p["DesiredValue"] <= quota["Value"]:
        raise StoreError("IllegalArgumentException", f"expected more than the current value {quota['Value']}", 400)
    asked = {
        "Id": str(uuid4()),
        "ServiceCode": p["ServiceCode"],
        "QuotaCode": p["QuotaCode"],
        "QuotaName": quota["QuotaName"],
        "DesiredValue": p["DesiredValue"],
        "Status": "PENDING",
        "Created": now(),
    }
    store.kind("requests")[asked["Id"]] = asked
    return {"RequestedQuota": asked}


@operation(SERVICE, "ListRequestedServiceQuotaChangeHistory")
def requests(store: Store, p: dict[str, Any]) -> dict[str, Any]:
    found = [each for each in store.kind("requests").values() if p.get("ServiceCode") in (None, each["ServiceCode"])]
    return {"RequestedQuotas": found}
