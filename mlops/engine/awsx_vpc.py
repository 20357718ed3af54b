"""The children of `awsx.ec2.Vpc`, as the awsx provider 3.11.0 registers them (recorded cases: tests/unit/engine/data/awsx)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops.engine import subnets
from mlops.engine.awsx_arguments import VPC_ARGUMENTS, Arguments
from mlops.engine.awsx_outputs import CLASS_OUTPUTS, KINDS, outputs
from mlops.engine.record import Invoke, RecordedResource
from mlops.engine.registry import Registration, Registry
from mlops.engine.values import UNKNOWN, without_secrets

if TYPE_CHECKING:
    from mlops.engine.transformed import TransformedRegistry

VERSION = "3.11.0"
"""The version of awsx whose children these are."""

AWS_VERSION = "7.43.0"
"""The version of the aws SDK inside awsx 3.11.0; its resources use the default provider of that version."""

_ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"


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
        self.args = Arguments(goal)
        self.made: dict[str, list[RecordedResource]] = {}
        self.subnets: list[tuple[subnets.SubnetBlock, RecordedResource]] = []
        self.warnings: list[str] = []

    def build(self) -> Constructed:
        # The component itself is registered without inputs, and with empty outputs: both travel only between SDK and provider.
        bare = {**vars(self.goal), "custom": False, "inputs": {}, "property_dependencies": {}}
        self.component = self.registry.register(Registration(**bare))
        zones = [_Zone(name, index) for index, name in enumerate(self._zone_names())]
        blocks = self.args.blocks(len(zones))
        nat, addresses = self.args.nat(len(zones), blocks)
        generated = self.args.generated

        self.vpc = self._vpc(generated)
        self.gateway = self._child(
            "internetGateway", self.name, self.vpc, {"vpcId": self.vpc.id, "tags": self._tags()}, {"vpcId": [self.vpc]}
        )
        for zone in zones:
            for block in sorted((b for b in blocks if b.zone == zone.index and b.type != "Unused"), key=lambda b: KINDS.index(b.type)):
                self._subnet(block, zone, zones, nat, addresses)
        for spec in self.args.endpoints:
            self._endpoint(spec, generated, len(zones))
        return self._answer(blocks, len(zones))

    def _zone_names(self) -> list[str]:
        names, number = self.args.plain.get("availabilityZoneNames"), self.args.plain.get("numberOfAvailabilityZones")
        if names and number:
            raise self.args.fail("only one of availabilityZoneNames and numberOfAvailabilityZones can be given")
        if names:
            return names
        args = {"region": self.args.plain["region"]} if "region" in self.args.plain else {}
        provider = self.registry.provider_for("aws", "", AWS_VERSION, self.component.urn)
        result = self.registry.steps.invoke(_ZONES, args, provider)
        self.registry.record.invokes.append(Invoke(_ZONES, args, result))
        number = number or 3
        if len(result["names"]) < number:
            raise self.args.fail(f"the region has {len(result['names'])} availability zones, {number} were asked for")
        return result["names"][:number]

    # -- children
    def _tags(self, extra: Any = None, **own: str) -> Any:
        parts = [self.args.given.get("tags") or {}, extra or {}]
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
        if "region" in self.args.plain:
            inputs = {**inputs, "region": self.args.plain["region"]}
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

    def _vpc(self, generated: bool) -> RecordedResource:
        inputs = {key: value for key, value in self.args.given.items() if key in VPC_ARGUMENTS}
        if generated and any(_is_interface(spec) and spec.get("privateDnsEnabled", True) for spec in self.args.endpoints):
            inputs = {"enableDnsHostnames": True, "enableDnsSupport": True, **inputs}
        return self._child("vpc", self.name, self.component, {**inputs, "cidrBlock": self.args.cidr, "tags": self._tags()}, {})

    def _subnet(self, block: subnets.SubnetBlock, zone: _Zone, zones: list[_Zone], nat: str, addresses: list[str]) -> None:
        tag_name = block.name
        if self.args.plain.get("subnetNameTagStrategy") == "AvailabilityZone":
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
                raise self.args.fail(f"the private subnet {block.name} has no NAT gateway in its zone")
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
        raise self.args.fail("an interface endpoint needs a subnet")

    def _endpoint_group(self, service: str, spec: dict[str, Any]) -> RecordedResource:
        inputs = {"vpcId": self.vpc.id, "description": "Managed by Pulumi", "tags": self._tags(spec.get("tags"))}
        group = self._child("securityGroup", f"{service}-sg", self.vpc, inputs, {"vpcId": [self.vpc]})
        rule = {
            "type": "ingress",
            "protocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrBlocks": [self.args.cidr],
            "securityGroupId": group.id,
        }
        self._child("securityGroupRule", f"{service}-ingress", self.vpc, rule, {"cidrBlocks": [self.vpc], "securityGroupId": [group]})
        return group

    def _answer(self, blocks: list[subnets.SubnetBlock], zones: int) -> Constructed:
        layout, warnings = self.args.layout(blocks, zones)
        types = [(block.type, made) for block, made in self.subnets]
        given, dependencies = outputs(self.vpc, self.gateway, self.made, types, layout)
        return Constructed(self.component.urn, given, dependencies, [*self.warnings, *warnings])


def _is_interface(spec: dict[str, Any]) -> bool:
    return spec.get("vpcEndpointType") == "Interface"
