"""The children of `awsx.ec2.Vpc`, as the awsx provider 3.11.0 registers them (recorded cases: tests/unit/engine/data/awsx)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from mlops.engine import subnets
from mlops.engine.awsx_outputs import CLASS_OUTPUTS
from mlops.engine.errors import EngineError
from mlops.engine.record import Invoke, RecordedResource
from mlops.engine.registry import Registration, Registry
from mlops.engine.values import UNKNOWN, ResourceReference, contains_unknown, without_secrets

if TYPE_CHECKING:
    from mlops.engine.transformed import TransformedRegistry

TYPE = "awsx:ec2:Vpc"
VERSION = "3.11.0"
"""The version of awsx whose children these are."""

AWS_VERSION = "7.43.0"
"""The version of the aws SDK inside awsx 3.11.0; its resources use the default provider of that version."""

_ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"
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
_VPC_ARGUMENTS = {"enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics", "instanceTenancy"}
_KINDS = {"availabilityZoneNames": list, "natGateways": dict, "subnetSpecs": list, "vpcEndpointSpecs": list}
_ORDER = {"Public": 0, "Private": 1, "Isolated": 2}


@dataclass
class Constructed:
    """What a component provider answers: the component's outputs, what each depends on, and its warnings."""

    urn: str
    outputs: dict[str, Any]
    dependencies: dict[str, list[str]]
    warnings: list[str] = field(default_factory=list)


def construct(registry: Registry | TransformedRegistry, goal: Registration) -> Constructed:
    """Register the component and all its children; EngineError for arguments that are wrong or not built offline."""
    return _Builder(registry, goal).build()


@dataclass
class _Zone:
    """One availability zone: its name and what has been built in it."""

    name: str
    index: int
    nat_gateway: RecordedResource | None = None


class _Builder:
    def __init__(self, registry: Registry | TransformedRegistry, goal: Registration) -> None:
        self.registry, self.goal, self.name = registry, goal, goal.name
        self.args = {key: value for key, value in goal.inputs.items() if value is not None}
        self.where = f"{goal.file}:{goal.line}" if goal.file else goal.name
        self._check_arguments()
        self.plain: dict[str, Any] = without_secrets({key: value for key, value in self.args.items() if key != "tags"})
        self.made: dict[str, list[RecordedResource]] = {}
        self.subnets: list[tuple[subnets.SubnetBlock, RecordedResource]] = []
        self.warnings: list[str] = []

    def build(self) -> Constructed:
        # The component itself is registered without inputs, and with empty outputs: both travel only between SDK and provider.
        bare = {**vars(self.goal), "custom": False, "inputs": {}, "property_dependencies": {}}
        self.component = self.registry.register(Registration(**bare))
        zones = [_Zone(name, index) for index, name in enumerate(self._zone_names())]
        nat = _strategy(self.plain.get("natGateways", {}).get("strategy", "OnePerAz"), ("None", "Single", "OnePerAz"), self._fail)
        addresses = self.plain.get("natGateways", {}).get("elasticIpAllocationIds", [])
        blocks = self._allocate(len(zones))
        self._check_nat(nat, addresses, len(zones), blocks)
        endpoints = self.plain.get("vpcEndpointSpecs", [])
        generated = _strategy(self.plain.get("vpcEndpointStrategy", "Legacy"), ("Legacy", "Auto"), self._fail) == "Auto"

        self.vpc = self._vpc(generated, endpoints)
        self.gateway = self._child(
            "internetGateway", self.name, self.vpc, {"vpcId": self.vpc.id, "tags": self._tags()}, {"vpcId": [self.vpc]}
        )
        for zone in zones:
            for block in sorted((b for b in blocks if b.zone == zone.index and b.type != "Unused"), key=lambda b: _ORDER[b.type]):
                self._subnet(block, zone, zones, nat, addresses)
        for spec in endpoints:
            self._endpoint(spec, generated, len(zones))
        return self._answer(blocks, len(zones))

    # -- arguments
    def _fail(self, message: str) -> EngineError:
        return EngineError("bad-component", f"{TYPE} '{self.name}': {message}", self.where, "Correct the arguments.")

    def _check_arguments(self) -> None:
        unsupported = sorted(set(self.args) - _OWN_ARGUMENTS - _VPC_ARGUMENTS)
        if unsupported:
            raise EngineError(
                "unsupported-component",
                f"{TYPE} '{self.name}': {', '.join(unsupported)} (IPv6 and address pools) are not built offline",
                self.where,
                "Leave them out, or use the Pulumi CLI.",
            )
        for key, kind in _KINDS.items():
            given = self.args.get(key)
            if isinstance(given, str | int | float | bool | list | dict) and not isinstance(given, kind):
                raise self._fail(f"'{key}' must be a {'map' if kind is dict else 'list'}, got {given!r}")
        for key in sorted(_OWN_ARGUMENTS - {"tags", "vpcEndpointSpecs"}):
            if contains_unknown(self.args.get(key)):
                raise self._fail(f"'{key}' must be known before anything is created")

    def _zone_names(self) -> list[str]:
        names, number = self.plain.get("availabilityZoneNames"), self.plain.get("numberOfAvailabilityZones")
        if names and number:
            raise self._fail("only one of availabilityZoneNames and numberOfAvailabilityZones can be given")
        if names:
            return names
        args = {"region": self.plain["region"]} if "region" in self.plain else {}
        provider = self.registry.provider_for("aws", "", AWS_VERSION, self.component.urn)
        result = self.registry.steps.invoke(_ZONES, args, provider)
        self.registry.record.invokes.append(Invoke(_ZONES, args, result))
        number = number or 3
        if len(result["names"]) < number:
            raise self._fail(f"the region has {len(result['names'])} availability zones, {number} were asked for")
        return result["names"][:number]

    def _allocate(self, zones: int) -> list[subnets.SubnetBlock]:
        strategy = _strategy(self.plain.get("subnetStrategy", "Legacy"), ("Legacy", "Auto", "Exact"), self._fail)
        specs = None
        if "subnetSpecs" in self.plain:
            specs = [
                _spec(raw, tags.get("tags") or {}) for raw, tags in zip(self.plain["subnetSpecs"], self.args["subnetSpecs"], strict=True)
            ]
        mask = None if strategy == "Legacy" else self.plain.get("availabilityZoneCidrMask")
        try:
            return subnets.allocate(self.name, IPv4Network(self._cidr()), zones, strategy, specs, mask)
        except ValueError as error:
            raise self._fail(str(error)) from error

    def _cidr(self) -> str:
        return self.plain.get("cidrBlock", "10.0.0.0/16")

    def _check_nat(self, nat: str, addresses: list[str], zones: int, blocks: list[subnets.SubnetBlock]) -> None:
        expected = {"None": (0,), "Single": (0, 1), "OnePerAz": (0, zones)}[nat]
        if len(addresses) not in expected:
            raise self._fail(f"NAT strategy {nat} takes {expected[-1]} elasticIpAllocationIds, got {len(addresses)}")
        types = {block.type for block in blocks}
        if nat != "None" and not ("Public" in types and types & {"Private", "Isolated"}):
            raise self._fail(f"NAT strategy {nat} needs a public and a private subnet; use None for a VPC without them")

    # -- children
    def _tags(self, extra: Any = None, **own: str) -> Any:
        parts = [self.args.get("tags") or {}, extra or {}]
        if any(part is UNKNOWN for part in parts):
            return UNKNOWN
        return {"Name": self.name, **without_secrets(parts[0]), **without_secrets(parts[1]), **own}

    def _child(
        self,
        kind: str,
        name: str,
        parent: RecordedResource,
        inputs: dict[str, Any],
        uses: Mapping[str, list[RecordedResource]],
        after: list[RecordedResource] | None = None,
    ) -> RecordedResource:
        type_ = f"aws:ec2/{kind}:{kind[0].upper()}{kind[1:]}"
        self.registry.class_outputs.setdefault(type_, CLASS_OUTPUTS[type_])
        if "region" in self.plain:
            inputs = {**inputs, "region": self.plain["region"]}
        used = {key: [resource.urn for resource in resources] for key, resources in uses.items()}
        for key in ("tags", "cidrBlock"):
            if key in inputs and self.goal.property_dependencies.get(key):
                used[key] = [*used.get(key, []), *self.goal.property_dependencies[key]]
        needed = {urn for urns in used.values() for urn in urns} | {resource.urn for resource in after or []}
        resource = self.registry.register(
            Registration(
                type=type_,
                name=name,
                parent=parent.urn,
                inputs=inputs,
                version=AWS_VERSION,
                dependencies=sorted(needed),
                property_dependencies=used,
                file=self.goal.file,
                line=self.goal.line,
            )
        )
        self.made.setdefault(kind, []).append(resource)
        return resource

    def _vpc(self, generated: bool, endpoints: list[dict[str, Any]]) -> RecordedResource:
        inputs = {key: value for key, value in self.args.items() if key in _VPC_ARGUMENTS}
        if generated and any(_is_interface(spec) and spec.get("privateDnsEnabled", True) for spec in endpoints):
            inputs = {"enableDnsHostnames": True, "enableDnsSupport": True, **inputs}
        return self._child("vpc", self.name, self.component, {**inputs, "cidrBlock": self._cidr(), "tags": self._tags()}, {})

    def _subnet(self, block: subnets.SubnetBlock, zone: _Zone, zones: list[_Zone], nat: str, addresses: list[str]) -> None:
        tag_name = block.name
        if self.plain.get("subnetNameTagStrategy") == "AvailabilityZone":
            tag_name = f"{block.name.rpartition('-')[0]}-{zone.name.rpartition('-')[2]}"
        own = {"Name": tag_name, "SubnetType": block.type}
        inputs: dict[str, Any] = {
            "vpcId": self.vpc.id,
            "availabilityZone": zone.name,
            "cidrBlock": str(block.block),
            "mapPublicIpOnLaunch": block.type == "Public",
            "assignIpv6AddressOnCreation": block.assign_ipv6,
            "tags": self._tags(block.tags, **own),
        }
        uses = {"vpcId": [self.vpc]}
        if self.vpc.id is UNKNOWN:
            # Derived from the VPC's own IPv6 block, which is not known before there is a VPC.
            inputs["ipv6CidrBlock"] = UNKNOWN
            uses["ipv6CidrBlock"] = [self.vpc]
        subnet = self._child("subnet", block.name, self.vpc, inputs, uses)
        self.subnets.append((block, subnet))
        table_inputs = {"vpcId": self.vpc.id, "tags": self._tags(**own)}
        table = self._child("routeTable", block.name, subnet, table_inputs, {"vpcId": [self.vpc]}, [subnet])
        self._child(
            "routeTableAssociation",
            block.name,
            table,
            {"routeTableId": table.id, "subnetId": subnet.id},
            {"routeTableId": [table], "subnetId": [subnet]},
        )
        if block.type == "Public":
            if zone.nat_gateway is None and (nat == "OnePerAz" or (nat == "Single" and zone.index == 0)):
                zone.nat_gateway = self._nat_gateway(zone, subnet, addresses)
            self._route(block.name, table, "gatewayId", self.gateway)
        elif block.type == "Private" and nat != "None":
            owner = zones[0] if nat == "Single" else zone
            if owner.nat_gateway is None:
                raise self._fail(f"the private subnet {block.name} has no NAT gateway in its zone")
            self._route(block.name, table, "natGatewayId", owner.nat_gateway)

    def _nat_gateway(self, zone: _Zone, subnet: RecordedResource, addresses: list[str]) -> RecordedResource:
        name = f"{self.name}-{zone.index + 1}"
        tags = self._tags(Name=name)
        if addresses:
            allocation, uses = addresses[zone.index], {"subnetId": [subnet]}
        else:
            address = self._child("eip", name, subnet, {"tags": tags}, {}, [subnet])
            allocation, uses = address.id, {"subnetId": [subnet], "allocationId": [address]}
        return self._child("natGateway", name, subnet, {"subnetId": subnet.id, "allocationId": allocation, "tags": tags}, uses)

    def _route(self, name: str, table: RecordedResource, target: str, gateway: RecordedResource) -> None:
        inputs = {"routeTableId": table.id, target: gateway.id, "destinationCidrBlock": "0.0.0.0/0"}
        self._child("route", name, table, inputs, {"routeTableId": [table], target: [gateway]})

    def _endpoint(self, spec: dict[str, Any], generated: bool, zones: int) -> None:
        service = spec["serviceName"]
        inputs: dict[str, Any] = {**spec, "vpcId": self.vpc.id, "tags": self._tags(spec.get("tags"))}
        uses = {"vpcId": [self.vpc]}
        placed = "subnetIds" in spec or "subnetConfigurations" in spec
        if _is_interface(spec):
            if generated and not placed:
                chosen = self._endpoint_subnets(zones)
                inputs["subnetIds"], uses["subnetIds"] = [subnet.id for subnet in chosen], chosen
            if generated and "securityGroupIds" not in spec:
                group = self._endpoint_group(service, spec)
                inputs["securityGroupIds"], uses["securityGroupIds"] = [group.id], [group]
            if generated:
                inputs.setdefault("privateDnsEnabled", True)
            elif not placed:
                self._warn_endpoint(service, "an Interface endpoint without subnetIds or subnetConfigurations", "subnets")
        elif spec.get("vpcEndpointType", "Gateway") == "Gateway" and "routeTableIds" not in spec:
            if generated:
                tables = self.made["routeTable"]
                inputs["routeTableIds"], uses["routeTableIds"] = [table.id for table in tables], tables
            else:
                self._warn_endpoint(service, "a Gateway endpoint without routeTableIds", "route tables")
        self._child("vpcEndpoint", service, self.vpc, inputs, uses)

    def _warn_endpoint(self, service: str, what: str, generated: str) -> None:
        self.warnings.append(f'VPC endpoint "{service}" is {what}. Specify vpcEndpointStrategy: "Auto" to use generated VPC {generated}.')

    def _endpoint_subnets(self, zones: int) -> list[RecordedResource]:
        for kind in ("Private", "Isolated", "Public"):
            chosen = [
                next((made for block, made in self.subnets if block.type == kind and block.zone == zone), None) for zone in range(zones)
            ]
            if any(chosen):
                return [subnet for subnet in chosen if subnet is not None]
        raise self._fail("an interface endpoint needs a subnet")

    def _endpoint_group(self, service: str, spec: dict[str, Any]) -> RecordedResource:
        inputs = {"vpcId": self.vpc.id, "description": "Managed by Pulumi", "tags": self._tags(spec.get("tags"))}
        group = self._child("securityGroup", f"{service}-sg", self.vpc, inputs, {"vpcId": [self.vpc]})
        rule = {
            "type": "ingress",
            "protocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrBlocks": [self._cidr()],
            "securityGroupId": group.id,
        }
        self._child("securityGroupRule", f"{service}-ingress", self.vpc, rule, {"cidrBlocks": [self.vpc], "securityGroupId": [group]})
        return group

    # -- the answer
    def _answer(self, blocks: list[subnets.SubnetBlock], zones: int) -> Constructed:
        layout = self._layout(blocks, zones)
        outputs: dict[str, Any] = {
            "vpc": _reference(self.vpc),
            "vpcId": self.vpc.id,
            "internetGateway": _reference(self.gateway),
            "subnetLayout": layout,
        }
        lists = {
            name: self.made.get(name[:-1], [])
            for name in ("eips", "natGateways", "routeTables", "routeTableAssociations", "routes", "subnets", "vpcEndpoints")
        }
        for kind in _ORDER:
            chosen = [made for block, made in self.subnets if block.type == kind]
            lists[f"{kind.lower()}Subnets"] = chosen
            ids = [made.id for made in chosen]
            outputs[f"{kind.lower()}SubnetIds"] = UNKNOWN if UNKNOWN in ids else ids
        outputs.update({name: [_reference(made) for made in resources] for name, resources in lists.items()})
        everywhere = {self.vpc.urn, *(made.urn for _, made in self.subnets)}
        lists["internetGateway"] = [self.gateway]
        dependencies = {name: sorted(everywhere | {made.urn for made in lists.get(name, [])}) for name in outputs}
        return Constructed(self.component.urn, outputs, dependencies, self.warnings)

    def _layout(self, blocks: list[subnets.SubnetBlock], zones: int) -> list[dict[str, Any]]:
        specs = self.plain.get("subnetSpecs")
        if specs is None or self.plain.get("subnetStrategy", "Legacy") == "Legacy":
            layout = subnets.layout(blocks, zones)
            if specs is not None and "subnetStrategy" not in self.plain:
                self.warnings.append(
                    'The default subnetStrategy will change from "Legacy" to "Auto" in the next major version. Please specify the subnetStrategy '
                    f'explicitly. The current subnet layout can be specified via "Auto" as:\n\n{json.dumps(layout, separators=(",", ":"), sort_keys=True)}'
                )
            return layout
        return [_normalised(spec) for spec in specs]


def _strategy(value: str, allowed: tuple[str, ...], fail: Any) -> str:
    for name in allowed:
        if value.lower() == name.lower():
            return name
    raise fail(f"expected one of {', '.join(allowed)}, got {value!r}")


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


def _is_interface(spec: dict[str, Any]) -> bool:
    return spec.get("vpcEndpointType") == "Interface"


def _reference(resource: RecordedResource) -> ResourceReference:
    return ResourceReference(resource.urn, resource.id)
