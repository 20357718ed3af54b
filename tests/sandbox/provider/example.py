"""The vocabulary of the examples: references between resources, policies, tags."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass(frozen=True)
class Ref:
    """Another resource's output, or what is inside it (`roots.0.id`)."""

    name: str
    output: str = "id"


def policy(principal: Any, action: str, resource: str | None = None) -> str:
    """A policy document with one statement."""
    statement = {"Effect": "Allow", "Action": action}
    if principal:
        statement["Principal"] = principal
    if resource:
        statement["Resource"] = resource
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    """A trust policy that admits one service."""
    return policy({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole")


TAGS = {"project": "example", "owner": "somebody"}
