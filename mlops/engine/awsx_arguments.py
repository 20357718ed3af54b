"""The arguments of `awsx.ec2.Vpc`, checked as the awsx provider 3.11.0 checks them, and what follows from them alone."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

from mlops.engine import subnets
from mlops.engine.errors import EngineError
from mlops.engine.registry import Registration
from mlops.engine.values import contains_unknown, without_secrets

TYPE = "awsx:ec2:Vpc"
VPC_ARGUMENTS = {"enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics", "instanceTenancy"}
"""Those that the VPC itself takes."""

_OWN_ARGUMENTS = {
    "availabilityZoneCidrMask",
    "availabilityZoneNames",
    "cidrBlock",
    "natGateways",
    "numberOfAvailabilityZones",
    "region",
    "subnetNameTagStrategy",
    "subnetSpecs",
    "subnetStrategy",
    "tags",
    "vpcEndpointSpecs",
    "vpcEndpointStrategy",
}
_KINDS = {"availabilityZoneNames": list, "natGateways": dict, "subnetSpecs": list, "vpcEndpointSpecs": list}


class Arguments:
    """What is asked of a VPC. `given` is as the program gave it, `plain` without secrets and tags. EngineError for what is wrong or not built offline."""

    def __init__(self, goal: Registration) -> None:
        self.name = goal.name
        self._where = f"{goal.file}:{goal.line}" if goal.file else goal.name
        self.given = {key: value for key, value in goal.inputs.items() if value is not None}
        self._check()
        self.plain: dict[str, Any] = without_secrets({key: value for key, value in self.given.items() if key != "tags"})

    @property
    def cidr(self) -> str:
        """The VPC's addresses."""
        return self.plain.get("cidrBlock", "10.0.0.0/16")

    @property
    def endpoints(self) -> list[dict[str, Any]]:
        """The endpoints asked for."""
        return self.plain.get("vpcEndpointSpecs", [])

    @property
    def generated(self) -> bool:
        """Whether endpoints get subnets, groups and route tables of the VPC."""
        return self._strategy(self.plain.get("vpcEndpointStrategy", "Legacy"), "Legacy", "Auto") == "Auto"

    def fail(self, message: str) -> EngineError:
        """The error that says so of this component."""
        return EngineError("bad-component", f"{TYPE} '{self.name}': {message}", self._where, "Correct the arguments.")

    def _check(self) -> None:
        unsupported = sorted(set(self.given) - _OWN_ARGUMENTS - VPC_ARGUMENTS)
        if unsupported:
            raise EngineError(
                "unsupported-component",
                f"{TYPE} '{self.name}': {', '.join(unsupported)} (IPv6 and address pools) are not built offline",
                self._where,
                "Leave them out, or use the Pulumi CLI.",
            )
        for key, kind in _KINDS.items():
            given = self.given.get(key)
            if isinstance(given, str | int | float | bool | list | dict) and not isinstance(given, kind):
                raise self.fail(f"'{key}' must be a {'map' if kind is dict else 'list'}, got {given!r}")
        for key in sorted(_OWN_ARGUMENTS - {"tags", "vpcEndpointSpecs"}):
            if contains_unknown(self.given.get(key)):
                raise self.fail(f"'{key}' must be known before anything is created")

    def blocks(self, zones: int) -> list[subnets.SubnetBlock]:
        """The subnets, with the addresses of each."""
        strategy = self._strategy(self.plain.get("subnetStrategy", "Legacy"), "Legacy", "Auto", "Exact")
        specs = None
        if "subnetSpecs" in self.plain:
            specs = [
                _spec(raw, tags.get("tags") or {}) for raw, tags in zip(self.plain["subnetSpecs"], self.given["subnetSpecs"], strict=True)
            ]
        mask = None if strategy == "Legacy" else self.plain.get("availabilityZoneCidrMask")
        try:
            return subnets.allocate(self.name, IPv4Network(self.cidr), zones, strategy, specs, mask)
        except ValueError as error:
            raise self.fail(str(error)) from error

    def nat(self, zones: int, blocks: list[subnets.SubnetBlock]) -> tuple[str, list[str]]:
        """How many NAT gateways there are (None, Single, OnePerAz), and the addresses that they are given."""
        strategy = self._strategy(self.plain.get("natGateways", {}).get("strategy", "OnePerAz"), "None", "Single", "OnePerAz")
        addresses = self.plain.get("natGateways", {}).get("elasticIpAllocationIds", [])
        expected = {"None": (0,), "Single": (0, 1), "OnePerAz": (0, zones)}[strategy]
        if len(addresses) not in expected:
            raise self.fail(f"NAT strategy {strategy} takes {expected[-1]} elasticIpAllocationIds, got {len(addresses)}")
        types = {block.type for block in blocks}
        if strategy != "None" and not ("Public" in types and types & {"Private", "Isolated"}):
            raise self.fail(f"NAT strategy {strategy} needs a public and a private subnet; use None for a VPC without them")
        return strategy, addresses

    def layout(self, blocks: list[subnets.SubnetBlock], zones: int) -> tuple[list[dict[str, Any]], list[str]]:
        """The layout of subnets as the component answers it, and the warnings about it."""
        specs = self.plain.get("subnetSpecs")
        if specs is not None and self.plain.get("subnetStrategy", "Legacy") != "Legacy":
            return [_normalised(spec) for spec in specs], []
        layout = subnets.layout(blocks, zones)
        if specs is None or "subnetStrategy" in self.plain:
            return layout, []
        warning = (
            'The default subnetStrategy will change from "Legacy" to "Auto" in the next major version. Please specify the subnetStrategy '
            f'explicitly. The current subnet layout can be specified via "Auto" as:\n\n{json.dumps(layout, separators=(",", ":"), sort_keys=True)}'
        )
        return layout, [warning]

    def _strategy(self, value: str, *allowed: str) -> str:
        for name in allowed:
            if value.lower() == name.lower():
                return name
        raise self.fail(f"expected one of {', '.join(allowed)}, got {value!r}")


def _spec(raw: dict[str, Any], tags: dict[str, Any]) -> subnets.SubnetSpec:
    mask = raw.get("cidrMask")
    if mask is None and "size" in raw:
        mask = 32 - subnets.bits_for(raw["size"])
    blocks = tuple(raw["cidrBlocks"]) if "cidrBlocks" in raw else None
    return subnets.SubnetSpec(raw["type"], raw.get("name"), mask, blocks, tags, raw.get("assignIpv6AddressOnCreation", False))


def _normalised(spec: dict[str, Any]) -> dict[str, Any]:
    described = {key: spec[key] for key in ("type", "name", "cidrBlocks") if key in spec}
    mask = _spec(spec, {}).mask
    return described if mask is None else {**described, "cidrMask": mask, "size": 2 ** (32 - mask)}
