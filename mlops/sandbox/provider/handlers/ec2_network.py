"""VPCs, subnets, routes and gateways: kept, for processes of the sandbox share this machine's loopback network."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import KEPT, Handler
from mlops.sandbox.provider.properties import Properties


class Ec2Handler(Handler):
    """A type whose id is given by EC2 and whose tags EC2 keeps."""

    service, level, own_id, tagged = "ec2", KEPT, True, True
    kind = ""

    def tag_specifications(self, call: Call, kind: str | None = None) -> list[dict[str, Any]] | None:
        """The tags of a creation request."""
        return [{"ResourceType": kind or self.kind, "Tags": call.tag_list()}] if call.tags else None

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("create_tags", Resources=[id_], Tags=[{"Key": key, "Value": value} for key, value in add.items()])
        if remove:
            call("delete_tags", Resources=[id_], Tags=[{"Key": key} for key in remove])

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"{self.kind}/{id_}"), "ownerId": call.account}


class Vpc(Ec2Handler):
    type_, kind = "aws:ec2/vpc:Vpc", "vpc"
    replaced_here = ("instanceTenancy",)
    # property: attribute and AWS's default.
    _ATTRIBUTES = {
        "enableDnsSupport": ("EnableDnsSupport", True),
        "enableDnsHostnames": ("EnableDnsHostnames", False),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }

    def create(self, call: Call, p: Properties) -> str:
        attributes = {name: p.boolean(name) for name in self._ATTRIBUTES}
        vpc = call(
            "create_vpc",
            CidrBlock=p.require("cidrBlock"),
            InstanceTenancy=p.take("instanceTenancy"),
            TagSpecifications=self.tag_specifications(call),
        )["Vpc"]["VpcId"]
        call.id = vpc
        for name, (attribute, default) in self._ATTRIBUTES.items():
            if attributes[name] is not None and attributes[name] != default:
                call("modify_vpc_attribute", VpcId=vpc, **{attribute: {"Value": attributes[name]}})
        return vpc

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_vpcs", VpcIds=[id_])["Vpcs"][0]
        of_vpc = [{"Name": "vpc-id", "Values": [id_]}]
        main = call("describe_route_tables", Filters=[*of_vpc, {"Name": "association.main", "Values": ["true"]}])["RouteTables"]
        acls = call("describe_network_acls", Filters=[*of_vpc, {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
        groups = call("describe_security_groups", Filters=[*of_vpc, {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
        return {
            **super().computed(call, id_, inputs),
            "cidrBlock": found["CidrBlock"],
            "instanceTenancy": found.get("InstanceTenancy"),
            "dhcpOptionsId": found.get("DhcpOptionsId"),
            "mainRouteTableId": main[0]["RouteTableId"] if main else None,
            "defaultRouteTableId": main[0]["RouteTableId"] if main else None,
            "defaultNetworkAclId": acls[0]["NetworkAclId"] if acls else None,
            "defaultSecurityGroupId": groups[0]["GroupId"] if groups else None,
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if set(changed) - set(self._ATTRIBUTES):
            super().update(call, id_, p, set(changed) - set(self._ATTRIBUTES))
        for name in changed:
            attribute, default = self._ATTRIBUTES[name]
            call("modify_vpc_attribute", VpcId=id_, **{attribute: {"Value": p.take(name, default)}})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_vpc", VpcId=id_)

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        return {}


class Subnet(Ec2Handler):
    type_, kind = "aws:ec2/subnet:Subnet", "subnet"

    def create(self, call: Call, p: Properties) -> str:
        public = p.boolean("mapPublicIpOnLaunch", False)
        p.only("assignIpv6AddressOnCreation", False, because="its networks are IPv4")
        subnet = call(
            "create_subnet",
            VpcId=p.require("vpcId"),
            CidrBlock=p.require("cidrBlock"),
            AvailabilityZone=p.take("availabilityZone"),
            AvailabilityZoneId=p.take("availabilityZoneId"),
            TagSpecifications=self.tag_specifications(call),
        )["Subnet"]["SubnetId"]
        call.id = subnet
        if public:
            call("modify_subnet_attribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        return subnet

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_subnets", SubnetIds=[id_])["Subnets"][0]
        return {
            **super().computed(call, id_, inputs),
            "vpcId": found["VpcId"],
            "cidrBlock": found["CidrBlock"],
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found["AvailabilityZoneId"],
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if set(changed) - {"mapPublicIpOnLaunch"}:
            super().update(call, id_, p, set(changed) - {"mapPublicIpOnLaunch"})
        call("modify_subnet_attribute", SubnetId=id_, MapPublicIpOnLaunch={"Value": p.take("mapPublicIpOnLaunch", False)})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_subnet", SubnetId=id_)

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        return {}


class InternetGateway(Ec2Handler):
    type_, kind = "aws:ec2/internetGateway:InternetGateway", "internet-gateway"

    def create(self, call: Call, p: Properties) -> str:
        vpc = p.take("vpcId")
        gateway = call("create_internet_gateway", TagSpecifications=self.tag_specifications(call))["InternetGateway"]["InternetGatewayId"]
        call.id = gateway
        if vpc:
            call("attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        return gateway

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        found = call("describe_internet_gateways", InternetGatewayIds=[id_])["InternetGateways"][0]
        for attachment in found.get("Attachments", []):
            call("detach_internet_gateway", InternetGatewayId=id_, VpcId=attachment["VpcId"])
        if p.take("vpcId"):
            call("attach_internet_gateway", InternetGatewayId=id_, VpcId=p.take("vpcId"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        if state.get("vpcId"):
            try:
                call("detach_internet_gateway", InternetGatewayId=id_, VpcId=state["vpcId"])
            except AwsError as error:
                # A gateway whose creation failed half-way was never attached.
                if error.code != "Gateway.NotAttached":
                    raise
        call("delete_internet_gateway", InternetGatewayId=id_)


class Eip(Ec2Handler):
    type_, kind = "aws:ec2/eip:Eip", "elastic-ip"

    def create(self, call: Call, p: Properties) -> str:
        domain = p.take("domain", "vpc")
        return call("allocate_address", Domain=domain, TagSpecifications=self.tag_specifications(call))["AllocationId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_addresses", AllocationIds=[id_])["Addresses"][0]
        return {"arn": call.arn(f"{self.kind}/{id_}"), "allocationId": id_, "publicIp": found["PublicIp"], "domain": found.get("Domain")}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("release_address", AllocationId=id_)


class NatGateway(Ec2Handler):
    type_, kind = "aws:ec2/natGateway:NatGateway", "natgateway"

    def create(self, call: Call, p: Properties) -> str:
        connectivity, address = p.take("connectivityType", "public"), p.take("allocationId")
        if connectivity == "public" and not address:
            p.problem("allocationId", "is required for a public NAT gateway")
        return call(
            "create_nat_gateway",
            SubnetId=p.require("subnetId"),
            AllocationId=address,
            ConnectivityType=connectivity,
            PrivateIpAddress=p.take("privateIp"),
            TagSpecifications=self.tag_specifications(call),
        )["NatGateway"]["NatGatewayId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_nat_gateways", NatGatewayIds=[id_])["NatGateways"]
        addresses = found[0].get("NatGatewayAddresses", []) if found else []
        first = addresses[0] if addresses else {}
        return {
            "publicIp": first.get("PublicIp"),
            "privateIp": first.get("PrivateIp"),
            "networkInterfaceId": first.get("NetworkInterfaceId"),
        }

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_nat_gateway", NatGatewayId=id_)


class RouteTable(Ec2Handler):
    type_, kind = "aws:ec2/routeTable:RouteTable", "route-table"
    _TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId", "vpcEndpointId": "VpcEndpointId"}

    def create(self, call: Call, p: Properties) -> str:
        vpc, routes = p.require("vpcId"), [self._route(block) for block in p.blocks("routes")]
        table = call("create_route_table", VpcId=vpc, TagSpecifications=self.tag_specifications(call))["RouteTable"]["RouteTableId"]
        call.id = table
        for route in routes:
            call("create_route", RouteTableId=table, **route)
        return table

    def _route(self, block: Properties) -> dict[str, Any]:
        route = {"DestinationCidrBlock": block.require("cidrBlock")}
        return route | {target: block.take(key) for key, target in self._TARGETS.items() if key in block.values}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        """As in the real provider, a table that declares routes has no others: those of route resources go, too."""
        wanted = {route["DestinationCidrBlock"]: route for route in (self._route(block) for block in p.blocks("routes"))}
        found = call("describe_route_tables", RouteTableIds=[id_])["RouteTables"][0]["Routes"]
        present = {
            route["DestinationCidrBlock"] for route in found if route.get("Origin") == "CreateRoute" and "DestinationCidrBlock" in route
        }
        for destination, route in wanted.items():
            call("replace_route" if destination in present else "create_route", RouteTableId=id_, **route)
        for destination in present - set(wanted):
            call("delete_route", RouteTableId=id_, DestinationCidrBlock=destination)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_route_table", RouteTableId=id_)


class Route(Handler):
    type_, service, level = "aws:ec2/route:Route", "ec2", KEPT
    _NAMES = {"destinationIpv6CidrBlock": "DestinationIpv6CidrBlock"}

    def create(self, call: Call, p: Properties) -> str:
        p.expect("routeTableId")
        parameters = call.parameters("create_route", p, self._NAMES)
        call("create_route", **parameters)
        destination = next((value for key, value in parameters.items() if key.startswith("Destination")), "")
        # The real provider hashes the destination; only its being unique matters.
        return f"r-{parameters['RouteTableId']}{zlib.crc32(destination.encode())}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": "active", "origin": "CreateRoute"}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("replace_route", **call.parameters("replace_route", p, self._NAMES))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        names = {"destinationCidrBlock": "DestinationCidrBlock", "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock"}
        destination = {
            target: state[key] for key, target in {**names, "destinationPrefixListId": "DestinationPrefixListId"}.items() if key in state
        }
        call("delete_route", RouteTableId=state["routeTableId"], **destination)


class RouteTableAssociation(Handler):
    type_, service, level, own_id = "aws:ec2/routeTableAssociation:RouteTableAssociation", "ec2", KEPT, True
    replaced_here = ("routeTableId",)

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "associate_route_table", RouteTableId=p.require("routeTableId"), SubnetId=p.take("subnetId"), GatewayId=p.take("gatewayId")
        )["AssociationId"]

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("disassociate_route_table", AssociationId=id_)
