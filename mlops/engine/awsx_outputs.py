"""Outputs of the aws resources that `awsx.ec2.Vpc` registers (name and whether always present; pulumi_aws 7.51.1, a test compares them), and
those of the component itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops.engine.record import RecordedResource
from mlops.engine.values import UNKNOWN, ResourceReference

_ALWAYS = {
    "aws:ec2/vpc:Vpc": (
        "arn cidrBlock defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId "
        "enableDnsHostnames enableNetworkAddressUsageMetrics ipv6AssociationId ipv6CidrBlock "
        "ipv6CidrBlockNetworkBorderGroup mainRouteTableId ownerId region tagsAll"
    ),
    "aws:ec2/internetGateway:InternetGateway": ("arn ownerId region tagsAll vpcId"),
    "aws:ec2/subnet:Subnet": (
        "arn availabilityZone availabilityZoneId cidrBlock ipv6CidrBlock ipv6CidrBlockAssociationId ownerId "
        "privateDnsHostnameTypeOnLaunch region tagsAll vpcId"
    ),
    "aws:ec2/routeTable:RouteTable": ("arn ownerId propagatingVgws region routes tagsAll vpcId"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("region routeTableId"),
    "aws:ec2/route:Route": ("instanceId instanceOwnerId networkInterfaceId origin region routeTableId state"),
    "aws:ec2/eip:Eip": (
        "allocationId arn associationId carrierIp customerOwnedIp domain instance ipamPoolId "
        "networkBorderGroup networkInterface privateDns privateIp ptrRecord publicDns publicIp publicIpv4Pool "
        "region tagsAll"
    ),
    "aws:ec2/natGateway:NatGateway": (
        "associationId autoProvisionZones autoScalingIps availabilityMode networkInterfaceId privateIp "
        "publicIp region regionalNatGatewayAddresses regionalNatGatewayAutoMode routeTableId "
        "secondaryAllocationIds secondaryPrivateIpAddressCount secondaryPrivateIpAddresses tagsAll vpcId"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "arn cidrBlocks dnsEntries dnsOptions ipAddressType networkInterfaceIds ownerId policy prefixListId "
        "privateDnsEnabled region requesterManaged routeTableIds securityGroupIds serviceRegion state "
        "subnetConfigurations subnetIds tagsAll vpcId"
    ),
    "aws:ec2/securityGroup:SecurityGroup": ("arn description egress ingress name namePrefix ownerId region tagsAll vpcId"),
    "aws:ec2/securityGroupRule:SecurityGroupRule": (
        "fromPort protocol region securityGroupId securityGroupRuleId sourceSecurityGroupId toPort type"
    ),
}

CLASS_OUTPUTS = {
    type_: [(name, True) for name in names.split()] + ([("tags", False)] if "tagsAll" in names else []) for type_, names in _ALWAYS.items()
}

KINDS = ("Public", "Private", "Isolated")
"""The kinds of subnets, in the order in which those of a zone are made."""


def outputs(
    vpc: RecordedResource,
    gateway: RecordedResource,
    made: Mapping[str, list[RecordedResource]],
    subnets: Sequence[tuple[str, RecordedResource]],
    layout: list[dict[str, Any]],
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the component answers, and on what each output depends: on the VPC and all subnets, and on what it names.

    `made` are the children by kind, `subnets` those with their kind.
    """
    given: dict[str, Any] = {"vpc": _reference(vpc), "vpcId": vpc.id, "internetGateway": _reference(gateway), "subnetLayout": layout}
    names = ("eips", "natGateways", "routeTables", "routeTableAssociations", "routes", "subnets", "vpcEndpoints")
    lists = {name: made.get(name[:-1], []) for name in names}
    for kind in KINDS:
        chosen = [subnet for type_, subnet in subnets if type_ == kind]
        lists[f"{kind.lower()}Subnets"] = chosen
        ids = [subnet.id for subnet in chosen]
        given[f"{kind.lower()}SubnetIds"] = UNKNOWN if UNKNOWN in ids else ids
    given.update({name: [_reference(each) for each in resources] for name, resources in lists.items()})
    everywhere = {vpc.urn, *(subnet.urn for _, subnet in subnets)}
    lists["internetGateway"] = [gateway]
    return given, {name: sorted(everywhere | {each.urn for each in lists.get(name, [])}) for name in given}


def _reference(resource: RecordedResource) -> ResourceReference:
    return ResourceReference(resource.urn, resource.id)
