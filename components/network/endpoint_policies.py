"""What may pass a VPC endpoint: calls by principals of this account, to data of this account."""

from __future__ import annotations

from typing import Any

from components.base.documents import Document
from components.base.platform import Platform


def gateway_policy(platform: Platform, service: str) -> Document:
    """S3 and DynamoDB: nobody takes data to somebody else's bucket or table through the endpoint."""
    accounts = [platform.account, *platform.settings.identity.trusted_accounts]
    ours = {"StringEquals": {"aws:PrincipalAccount": platform.account, "aws:ResourceAccount": accounts}}
    statements = [_allow("OwnData", f"{service}:*", "*", ours)]
    if service == "s3":
        # Layers of container images come from a bucket of ECR's, with addresses that ECR signs.
        layers = platform.arns.objects(f"prod-{platform.region}-starport-layer-bucket")
        statements.append(_allow("ImageLayers", "s3:GetObject", layers, None))
    return {"Version": "2012-10-17", "Statement": statements}


def interface_policy(platform: Platform) -> Document:
    """Any service: no foreign credentials. Who may do what is decided by the caller's own policies."""
    return {
        "Version": "2012-10-17",
        "Statement": [_allow("OwnPrincipals", "*", "*", {"StringEquals": {"aws:PrincipalAccount": platform.account}})],
    }


def _allow(sid: str, action: str, resource: str, condition: dict[str, Any] | None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
