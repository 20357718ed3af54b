"""The condition keys of a request: those AWS fills for every call, and which keys the sandbox can judge at all.

Two choices of the sandbox, both documented in docs/architecture.md: a call over the loopback counts as sent over TLS
(`aws:SecureTransport` is true), and its address is 127.0.0.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from mlops.sandbox.identity.actions import analytics, data, delivery, management, operations, s3
from mlops.sandbox.identity.actions.needs import Need, Values, keys
from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.principals import Principal

_GLOBAL = frozenset(
    {
        "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime", "aws:federatedprovider",
        "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount", "aws:principalarn", "aws:principalisawsservice",
        "aws:principalservicename", "aws:principalservicenameslist", "aws:principaltype", "aws:referer", "aws:requestedregion",
        "aws:resourceaccount", "aws:securetransport", "aws:sourceowner", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:tagkeys",
        "aws:tokenissuetime", "aws:useragent", "aws:userid", "aws:username", "aws:viaawsservice",
    }
)  # fmt: skip
_KNOWN = _GLOBAL.union(
    s3.KEYS, data.DYNAMODB_KEYS, data.SNS_KEYS, data.KMS_KEYS, operations.LAMBDA_KEYS, operations.EVENTS_KEYS, operations.CLOUDWATCH_KEYS,
    analytics.GLUE_KEYS, analytics.SAGEMAKER_KEYS, management.IAM_KEYS, management.STS_KEYS, delivery.CODECOMMIT_KEYS, delivery.NOTIFICATIONS_KEYS,
)  # fmt: skip
# Keys with a name of the caller's choice at their end.
_KNOWN_PREFIXES = ("aws:requesttag/", "aws:principaltag/", "kms:encryptioncontext:")


def is_known(key: str) -> bool:
    """Whether the sandbox fills this condition key (lower case) wherever AWS would."""
    return key in _KNOWN or key.startswith(_KNOWN_PREFIXES)


def context_of(
    principal: Principal,
    need: Need,
    region: str,
    *,
    account: str,
    headers: Mapping[str, str] | None = None,
    source_arn: str | None = None,
    now: datetime | None = None,
) -> Context:
    """All condition keys of one need of one caller."""
    return Context({**_global_keys(principal, region, account, headers or {}, source_arn, now or datetime.now(UTC)), **need.keys}, is_known)


_TYPES = {"role": "AssumedRole", "user": "User", "anonymous": "Anonymous", "service": "Service", "federated": "FederatedUser"}


def _global_keys(
    principal: Principal, region: str, account: str, headers: Mapping[str, str], source_arn: str | None, now: datetime
) -> dict[str, Values]:
    person = principal.kind in ("user", "role")
    return keys(
        {
            "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:EpochTime": int(now.timestamp()),
            "aws:SecureTransport": True,
            "aws:SourceIp": None if principal.kind == "service" else "127.0.0.1",
            "aws:UserAgent": headers.get("user-agent"),
            "aws:Referer": headers.get("referer"),
            "aws:RequestedRegion": region,
            "aws:ResourceAccount": account,
            "aws:PrincipalArn": principal.identity_arn if person else None,
            "aws:PrincipalAccount": principal.account if person else None,
            "aws:PrincipalType": _TYPES.get(principal.kind),
            "aws:PrincipalIsAWSService": principal.kind == "service",
            "aws:PrincipalServiceName": principal.service or None,
            "aws:userid": principal.user_id if person else None,
            "aws:username": principal.name if principal.kind == "user" else None,
            "aws:TokenIssueTime": principal.issued or None,
            "aws:ViaAWSService": False,
            "aws:SourceArn": source_arn,
            "aws:SourceAccount": principal.source_account or None,
            # The old name of the same thing: the default policy of a topic asks for it.
            "aws:SourceOwner": principal.source_account or None,
            **{f"aws:PrincipalTag/{name}": value for name, value in principal.tags.items()},
            **principal.claims,
        }
    )
