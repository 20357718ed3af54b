"""Stacks of few resources to estimate."""

from __future__ import annotations

from typing import Any

from wellarchitected import Resource

from mlops.estimate import cost, prices
from mlops.estimate.measure import Measurement, measure
from mlops.estimate.usage import Usage

REGION = "eu-west-1"
PROVIDER = "urn:pulumi:dev::app::pulumi:providers:aws::default"


def provider(region: str = REGION) -> Resource:
    return Resource(PROVIDER, "pulumi:providers:aws", "default", {"region": region})


def resource(type_: str, properties: dict[str, Any] | None = None, name: str = "it", **more: Any) -> Resource:
    return Resource(f"urn:pulumi:dev::app::{type_}::{name}", type_, name, properties or {}, provider=PROVIDER, **more)


def measured(*resources: Resource, region: str = REGION, **usage: dict[str, Any]) -> Measurement:
    """`usage` by type's last name: Function={"requests": 5}."""
    types = {each.type.rsplit(":", 1)[-1]: each.type for each in resources}
    settings = Usage.of_settings({types[name]: given for name, given in usage.items()}, "test")
    return measure([provider(region), *resources], settings)


def costs(*resources: Resource, region: str = REGION, **usage: dict[str, Any]) -> dict[str, Any]:
    """The `cost` document of a stack of these resources."""
    settings = Usage()
    return cost.document(measured(*resources, region=region, **usage), prices.table(), settings)
