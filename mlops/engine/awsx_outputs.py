"""Outputs of the aws resources that awsx components register: name and whether always present (pulumi_aws 7.51.1; a test compares them)."""

from __future__ import annotations

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
