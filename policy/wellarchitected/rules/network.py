"""VPC, subnets, security groups, endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, NotEvaluable, Unreadable, as_list, dig
from ._types import (
    DEFAULT_SECURITY_GROUP,
    EGRESS_RULE,
    FLOW_LOG,
    FUNCTION,
    INGRESS_RULE,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    PRODUCTION,
    ROUTE,
    ROUTE_TABLE_ASSOCIATION,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)

WORLD = ("0.0.0.0/0", "::/0")
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"


def inside_vpc(type_: str, name: str, **properties: object) -> Example:
    """A resource of the example VPC."""
    return Example(type_, name, properties, links={"vpcId": "vpc"})


def public_subnet(name: str) -> tuple[Example, ...]:
    """A subnet with a route to the internet, for examples."""
    return (
        inside_vpc(SUBNET, name, availabilityZone="eu-west-1a", mapPublicIpOnLaunch=True),
        inside_vpc(ROUTE_TABLE, f"{name}-table"), inside_vpc(INTERNET_GATEWAY, f"{name}-gateway"),
        Example(ROUTE, f"{name}-route", {"destinationCidrBlock": "0.0.0.0/0"}, links={"routeTableId": f"{name}-table",
            "gatewayId": f"{name}-gateway"}),
        Example(ROUTE_TABLE_ASSOCIATION, f"{name}-association", links={"subnetId": name, "routeTableId": f"{name}-table"}),
    )  # fmt: skip


def is_public(subnet: Resource, context: Context) -> bool:
    """Whether a subnet's route table leads to an internet gateway."""
    graph = context.graph
    for association in graph.referring(subnet, ROUTE_TABLE_ASSOCIATION, "subnetId"):
        for table in graph.linked(association, "routeTableId", ROUTE_TABLE):
            for route in graph.referring(table, ROUTE, "routeTableId"):
                gateway = route.get("gatewayId")
                if graph.linked(route, "gatewayId", INTERNET_GATEWAY) or (isinstance(gateway, str) and gateway.startswith("igw-")):
                    return True
            for route in as_list(table.get("routes")):
                gateway = dig(route, "gatewayId")
                if graph.linked(table, "routes", INTERNET_GATEWAY) or (isinstance(gateway, str) and gateway.startswith("igw-")):
                    return True
    return False


@rule(
    "vpc-flow-logs", VPC, scope="stack",
    practices="SEC04-BP01", checklist="CHK-SEC-6", spec="SEC-2a SEC-8a", severity="medium", level=PRODUCTION,
    sources="cdk-nag:AwsSolutions-VPC7 checkov:CKV2_AWS_11 securityhub:EC2.6",
    why="Without flow logs nobody can say afterwards who talked to whom.",
    fix="Add an aws.ec2.FlowLog with vpcId and trafficType ALL or REJECT",
    reads="vpcId", reads_of=FLOW_LOG, unknown="not_evaluable",
    compliant=(Example(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}), inside_vpc(FLOW_LOG, "log", trafficType="ALL")), violating=(Example(VPC,
        "vpc", {"cidrBlock": "10.0.0.0/16"}),),
)  # fmt: skip
def flow_logs(vpc: Resource, context: Context) -> str | None:
    """Every VPC logs its flows."""
    return None if context.graph.referring(vpc, FLOW_LOG, "vpcId") else f"VPC '{vpc.name}' has no flow log"


@rule(
    "vpc-private-subnets", VPC, scope="stack",
    practices="SEC05-BP01", checklist="CHK-SEC-6", spec="SEC-3d SEC-8a", severity="high",
    why="Compute in a subnet with a route to the internet is one security group away from being reachable.",
    fix="Add subnets whose route table has no internet gateway, and put the compute there",
    reads=None,
    compliant=(Example(VPC, "vpc"), inside_vpc(SUBNET, "private", availabilityZone="eu-west-1a"), *public_subnet("public")),
    violating=(Example(VPC, "vpc"), *public_subnet("public")),
)  # fmt: skip
def private_subnets(vpc: Resource, context: Context) -> str | None:
    """Every VPC has private subnets."""
    subnets = context.graph.referring(vpc, SUBNET, "vpcId")
    if not subnets:
        raise NotApplicable("has no subnets")
    return None if any(not is_public(subnet, context) for subnet in subnets) else f"all subnets of VPC '{vpc.name}' are public"


@rule(
    "vpc-private-subnet-no-public-address", SUBNET, scope="stack",
    practices="SEC05-BP01", checklist="CHK-SEC-6", spec="SEC-3d", severity="high", sources="checkov:CKV_AWS_130 securityhub:EC2.15",
    why="A public address on a private machine is a mistake waiting for a route.",
    fix="Set mapPublicIpOnLaunch to false",
    reads="mapPublicIpOnLaunch", missing="pass",
    compliant=(Example(VPC, "vpc"), inside_vpc(SUBNET, "private", mapPublicIpOnLaunch=False)), violating=(Example(VPC, "vpc"),
        inside_vpc(SUBNET, "private", mapPublicIpOnLaunch=True)),
)  # fmt: skip
def private_subnet_no_public_address(subnet: Resource, context: Context) -> str | None:
    """Private subnets give out no public addresses."""
    if is_public(subnet, context):
        raise NotApplicable("is a public subnet")
    return f"mapPublicIpOnLaunch of '{subnet.name}' is true" if subnet.get("mapPublicIpOnLaunch", False) else None


@rule(
    "vpc-multi-az", VPC, scope="stack",
    practices="REL10-BP01", checklist="CHK-REL-1", spec="REL-6b", severity="high",
    why="A zone is the unit in which AWS fails.",
    fix="Spread the subnets over at least the rule's minimum of availability zones",
    reads="availabilityZone", reads_of=SUBNET,
    compliant=(Example(VPC, "vpc"), *(inside_vpc(SUBNET, zone, availabilityZone=f"eu-west-1{zone}") for zone in "abc")),
    violating=(Example(VPC, "vpc"), inside_vpc(SUBNET, "a", availabilityZone="eu-west-1a")),
    parameters={"minimum": Parameter(2, "Availability zones a VPC must span", {"type": "integer", "minimum": 1})},
)  # fmt: skip
def multi_az(vpc: Resource, context: Context) -> str | None:
    """Every VPC spans several availability zones."""
    subnets = context.graph.referring(vpc, SUBNET, "vpcId")
    if not subnets:
        raise NotApplicable("has no subnets")
    zones = [subnet.get("availabilityZone") or subnet.get("availabilityZoneId") for subnet in subnets]
    known = {zone for zone in zones if zone is not None}
    least = context.parameters["minimum"]
    return f"the subnets of VPC '{vpc.name}' are in {len(known)} availability zone(s), fewer than {least}" if len(known) < least else None


@rule(
    "vpc-nat-per-zone", VPC, scope="stack",
    practices="REL10-BP01 COST08-BP02", checklist="CHK-REL-1", spec="REL-6b", severity="medium",
    level={"dev": "disabled", "prod": "mandatory"},
    why="With one NAT gateway, the loss of its zone cuts off the compute of all zones.",
    fix="Put one NAT gateway in each zone, use a regional one (availabilityMode regional), or none and VPC endpoints",
    reads=None,
    compliant=(
        Example(VPC, "vpc"),
        *(inside_vpc(SUBNET, zone, availabilityZone=f"eu-west-1{zone}") for zone in "ab"), *(Example(NAT_GATEWAY, f"nat-{zone}",
            links={"subnetId": zone}) for zone in "ab"),
    ),
    violating=(Example(VPC, "vpc"), *(inside_vpc(SUBNET, zone, availabilityZone=f"eu-west-1{zone}") for zone in "ab"),
        Example(NAT_GATEWAY, "nat", links={"subnetId": "a"})),
)  # fmt: skip
def nat_per_zone(vpc: Resource, context: Context) -> str | None:
    """In production every zone has its own way out."""
    subnets = context.graph.referring(vpc, SUBNET, "vpcId")
    gateways = [gateway for subnet in subnets for gateway in context.graph.referring(subnet, NAT_GATEWAY, "subnetId")]
    if any(gateway.get("availabilityMode") == "regional" for gateway in context.graph.referring(vpc, NAT_GATEWAY, "vpcId")):
        return None
    if not gateways:
        raise NotApplicable("has no NAT gateway")
    zones = {subnet.get("availabilityZone", "") for subnet in subnets}
    covered = {subnet.get("availabilityZone", "") for subnet in subnets if context.graph.referring(subnet, NAT_GATEWAY, "subnetId")}
    return f"VPC '{vpc.name}' has NAT gateways in {len(covered)} of {len(zones)} zones" if len(covered) < len(zones) else None


@rule(
    "vpc-nat-frugal", VPC, scope="stack",
    practices="COST08-BP02 SUS02-BP03", checklist="CHK-SUS-1", spec="SUS-2a", severity="low", level={"dev": "advisory", "prod": "disabled"},
    why="A NAT gateway costs about 33 dollars a month, idle or not; development can share one or use VPC endpoints.",
    fix="Use one NAT gateway (or none) outside production",
    reads=None, example_environment="dev",
    compliant=(Example(VPC, "vpc"), inside_vpc(SUBNET, "a", availabilityZone="eu-west-1a"), Example(NAT_GATEWAY, "nat",
        links={"subnetId": "a"})),
    violating=(Example(VPC, "vpc"), inside_vpc(SUBNET, "a"), inside_vpc(SUBNET, "b"), Example(NAT_GATEWAY, "one",
        links={"subnetId": "a"}), Example(NAT_GATEWAY, "two", links={"subnetId": "b"})),
)  # fmt: skip
def nat_frugal(vpc: Resource, context: Context) -> str | None:
    """Development has one NAT gateway at most."""
    subnets = context.graph.referring(vpc, SUBNET, "vpcId")
    count = sum(len(context.graph.referring(subnet, NAT_GATEWAY, "subnetId")) for subnet in subnets)
    return f"VPC '{vpc.name}' has {count} NAT gateways" if count > 1 else None


@rule(
    "vpc-s3-gateway-endpoint", VPC, scope="stack",
    practices="COST08-BP03 SUS04-BP07 SEC05-BP02", checklist="CHK-SUS-3", spec="SEC-3a SUS-2c", severity="medium",
    why="Without it, every object a job reads goes through the NAT gateway: paid by the gigabyte, a longer way, over public addresses.",
    fix="Add an aws.ec2.VpcEndpoint of type Gateway for com.amazonaws.<region>.s3; it costs nothing",
    reads="serviceName", reads_of=VPC_ENDPOINT,
    compliant=(Example(VPC, "vpc"), inside_vpc(SUBNET, "a"), inside_vpc(VPC_ENDPOINT, "s3", serviceName="com.amazonaws.eu-west-1.s3",
        vpcEndpointType="Gateway")),
    violating=(Example(VPC, "vpc"), inside_vpc(SUBNET, "a")),
)  # fmt: skip
def s3_gateway_endpoint(vpc: Resource, context: Context) -> str | None:
    """S3 is reached inside AWS's network."""
    if not context.graph.referring(vpc, SUBNET, "vpcId"):
        raise NotApplicable("has no subnets")
    unknown: NotEvaluable | None = None
    for endpoint in context.graph.referring(vpc, VPC_ENDPOINT, "vpcId"):
        try:
            if endpoint.get("serviceName", "").endswith(".s3") and endpoint.get("vpcEndpointType", "Gateway") == "Gateway":
                return None
        except NotEvaluable as error:
            unknown = error
    if unknown:
        raise unknown
    return f"VPC '{vpc.name}' has no gateway endpoint for S3"


@rule(
    "vpc-endpoint-multi-az", VPC_ENDPOINT,
    practices="REL10-BP01", checklist="CHK-REL-1", spec="REL-6b SEC-8c", severity="medium", level={"dev": "disabled", "prod": "mandatory"},
    why="An interface endpoint in one zone takes the other zones down with it.",
    fix="Give the endpoint a subnet in two zones or more",
    reads="subnetIds", compliant={"vpcEndpointType": "Interface", "subnetIds": ["subnet-1", "subnet-2"]},
        violating={"vpcEndpointType": "Interface", "subnetIds": ["subnet-1"]},
)  # fmt: skip
def endpoint_multi_az(endpoint: Resource, context: Context) -> str | None:
    """Interface endpoints are in several zones."""
    if endpoint.get("vpcEndpointType", "Gateway") != "Interface":
        raise NotApplicable("not an interface endpoint")
    count = len(as_list(endpoint.get("subnetIds", [])))
    return f"subnetIds of '{endpoint.name}' has {count} subnet(s)" if count < 2 else None


@rule(
    "sg-no-world-ingress", f"{SECURITY_GROUP} {INGRESS_RULE} {SECURITY_GROUP_RULE}",
    practices="SEC05-BP02", checklist="CHK-SEC-5", spec="SEC-4c SEC-8b", severity="critical",
    sources="cdk-nag:AwsSolutions-EC23 checkov:CKV_AWS_24 checkov:CKV_AWS_25 checkov:CKV_AWS_260 securityhub:EC2.13 securityhub:EC2.18 "
        "securityhub:EC2.19",
    why="A port open to 0.0.0.0/0 is scanned within minutes.",
    fix="Name the security group or the address range that needs access; the rule's public_ports says which ports the world may use",
    reads="ingress", missing="pass",
    compliant={"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"]}]},
    violating={"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]},
    parameters={"public_ports": Parameter([80, 443], "Ports that may be open to everybody", {"type": "array", "items": {"type": "integer"}})},
)  # fmt: skip
def no_world_ingress(resource: Resource, context: Context) -> Iterator[str]:
    """No security group lets the whole world in."""
    allowed = context.parameters["public_ports"]
    for where, entry in ingress_entries(resource):
        ranges = [
            *as_list(entry.get("cidrBlocks")),
            *as_list(entry.get("ipv6CidrBlocks")),
            *as_list(entry.get("cidrIpv4")),
            *as_list(entry.get("cidrIpv6")),
        ]
        world = [item for item in ranges if not isinstance(item, Unreadable) and item in WORLD]
        port = entry.get("fromPort")
        if world and not (port is not None and port == entry.get("toPort") and port in allowed):
            yield f"{where} of '{resource.name}' opens {_ports(entry)} to {world[0]}"


def _ports(entry: dict) -> str:
    """What an entry of a security group opens, in words."""
    protocol = entry.get("protocol", entry.get("ipProtocol"))
    first, last = entry.get("fromPort"), entry.get("toPort")
    if any(isinstance(item, Unreadable) for item in (protocol, first, last)):
        return "ports"
    if protocol in ("-1", "all", -1) or first is None:
        return "all ports"
    return f"port {first}" if first == last else f"ports {first}-{last}"


def ingress_entries(resource: Resource) -> list[tuple[str, dict]]:
    """The rules that let traffic in, with where they stand."""
    if resource.type == SECURITY_GROUP:
        return [(f"ingress[{index}]", entry) for index, entry in enumerate(as_list(resource.get("ingress")))]
    if resource.type == SECURITY_GROUP_RULE and resource.get("type") != "ingress":
        raise NotApplicable("lets traffic out")
    return [("the rule", resource.values)]


@rule(
    "sg-egress-limited", f"{SECURITY_GROUP} {EGRESS_RULE}",
    practices="SEC05-BP02", checklist="CHK-SEC-5", spec="SEC-8b", severity="medium", level="advisory", sources="checkov:CKV_AWS_382",
    why="Malicious code needs a way out to be useful to anybody.",
    fix="Limit egress to the ports that are used (443, for example)",
    reads="egress", missing="pass",
    compliant={"egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}]},
    violating={"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]},
)  # fmt: skip
def egress_limited(resource: Resource, context: Context) -> Iterator[str]:
    """No security group lets everything out to everywhere."""
    entries = [(f"egress[{i}]", item) for i,
        item in enumerate(as_list(resource.get("egress")))] if resource.type == SECURITY_GROUP else [("the rule",
            resource.values)]  # fmt: skip
    for where, entry in entries:
        ranges = [
            *as_list(entry.get("cidrBlocks")),
            *as_list(entry.get("cidrIpv4")),
            *as_list(entry.get("ipv6CidrBlocks")),
            *as_list(entry.get("cidrIpv6")),
        ]
        if str(entry.get("protocol", entry.get("ipProtocol", "-1"))) in ("-1", "all") and any(
            not isinstance(item, Unreadable) and item in WORLD for item in ranges
        ):
            yield f"{where} of '{resource.name}' lets all protocols out to everywhere"


@rule(
    "sg-described", SECURITY_GROUP,
    practices="OPS05-BP06", checklist="CHK-SEC-5", spec="SEC-4c", severity="low", sources="cdk-nag:AwsSolutions-EC27 checkov:CKV_AWS_23",
    why="The description is the only place where a reviewer sees what a group is for; it cannot be changed later.",
    fix="Set description",
    reads="description", compliant={"description": "Functions of the platform"}, violating={"description": "Managed by Pulumi"},
)  # fmt: skip
def described(group: Resource, context: Context) -> str | None:
    """Security groups say what they are for."""
    text = group.get("description", "Managed by Pulumi")
    return (
        f"description of '{group.name}' is {'empty' if not text else 'the default'}"
        if text in ("", "Managed by Pulumi", "Managed by Terraform")
        else None
    )


@rule(
    "sg-one-owner-of-rules", SECURITY_GROUP, scope="stack",
    practices="OPS05-BP03", checklist="CHK-SEC-5", spec="SEC-4c", severity="high",
    why="Inline rules and rule resources on one group remove each other at every deployment.",
    fix="Use either ingress/egress of the group or rule resources",
    reads=None,
    compliant=(Example(SECURITY_GROUP, "group", {"description": "d"}), Example(INGRESS_RULE, "in", links={"securityGroupId": "group"})),
    violating=(Example(SECURITY_GROUP, "group", {"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443,
        "cidrBlocks": ["10.0.0.0/8"]}]}), Example(INGRESS_RULE, "in", links={"securityGroupId": "group"})),
)  # fmt: skip
def one_owner_of_rules(group: Resource, context: Context) -> Iterator[str]:
    """A group's rules are managed in one way."""
    for inline, type_ in (("ingress", INGRESS_RULE), ("egress", EGRESS_RULE)):
        if as_list(group.get(inline)) and context.graph.referring(group, type_, "securityGroupId"):
            yield f"{inline} of '{group.name}' is set and rule resources add to it"


@rule(
    "vpc-default-group-closed", VPC, scope="stack",
    practices="SEC05-BP02", checklist="CHK-SEC-5", spec="SEC-8b", severity="medium", level="advisory",
    sources="checkov:CKV2_AWS_12 securityhub:EC2.2",
    why="What names no security group lands in the default group, which lets its members talk to each other and out.",
    fix="Adopt it with aws.ec2.DefaultSecurityGroup without ingress and egress",
    reads=None,
    compliant=(Example(VPC, "vpc"), inside_vpc(DEFAULT_SECURITY_GROUP, "default")), violating=(Example(VPC, "vpc"),),
)  # fmt: skip
def default_group_closed(vpc: Resource, context: Context) -> str | None:
    """The default security group is adopted and closed."""
    groups = context.graph.referring(vpc, DEFAULT_SECURITY_GROUP, "vpcId")
    if any(not as_list(group.get("ingress")) and not as_list(group.get("egress")) for group in groups):
        return None
    return f"the default security group of VPC '{vpc.name}' is {'open' if groups else 'not adopted'}"


@rule(
    "lambda-vpc-multi-az", FUNCTION,
    practices="REL10-BP01", checklist="CHK-REL-1", spec="REL-6b", severity="medium", sources="securityhub:Lambda.5",
    why="A function with one subnet stops with that subnet's zone.",
    fix="Give vpcConfig.subnetIds subnets of two zones or more",
    reads="vpcConfig.subnetIds", missing="not_applicable",
    compliant={"vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}},
        violating={"vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}},
)  # fmt: skip
def lambda_multi_az(function: Resource, context: Context) -> str | None:
    """Functions in a VPC are in several zones."""
    subnets = function.get("vpcConfig.subnetIds")
    if subnets is None or (not isinstance(subnets, Unreadable) and not subnets):
        raise NotApplicable("is not in a VPC")
    return f"vpcConfig.subnetIds of '{function.name}' has one subnet" if len(subnets) < 2 else None


NETWORK_ACLS = "aws:ec2/networkAcl:NetworkAcl aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
DEFAULTS = "aws:ec2/defaultVpc:DefaultVpc aws:ec2/defaultSubnet:DefaultSubnet"


@rule(
    "nacl-no-remote-login", NETWORK_ACLS,
    practices="SEC05-BP02", checklist="CHK-SEC-5", severity="high", level="advisory",
    sources="checkov:CKV_AWS_232 securityhub:EC2.21",
    why="A network ACL that opens SSH or RDP to the world leaves everything to the security groups.",
    fix="Name the addresses in cidrBlock, or leave ports 22 and 3389 out of the rule",
    reads="ingress", missing="pass",
    compliant={"ingress": [{"action": "allow", "protocol": "tcp", "cidrBlock": "10.0.0.0/8", "fromPort": 22, "toPort": 22}]},
    violating=(Example("aws:ec2/networkAcl:NetworkAcl", "acl", {"ingress": [{"action": "allow", "protocol": "tcp", "cidrBlock":
        "0.0.0.0/0", "fromPort": 0, "toPort": 1024}]}),),
)  # fmt: skip
def nacl_no_remote_login(acl: Resource, context: Context) -> Iterator[str]:
    """No network ACL opens remote login to the world."""
    for index, item in enumerate(as_list(acl.get("ingress"))):
        if str(dig(item, "protocol", "-1")) not in ("tcp", "6") or dig(item, "action") != "allow":
            continue  # "all traffic" is the default of every network ACL, which leaves the decision to the groups
        if dig(item, "cidrBlock") not in WORLD and dig(item, "ipv6CidrBlock") not in WORLD:
            continue
        first, last = dig(item, "fromPort", 0), dig(item, "toPort", 65535)
        if first >= 1024 and last >= 60999:
            continue  # the ephemeral ports, to which answers from the world come
        if open_ports := [port for port in (22, 3389) if first <= port <= last]:
            yield f"ingress[{index}] of '{acl.name}' opens {', '.join(map(str, open_ports))} to the world"


@rule(
    "vpc-not-the-default", DEFAULTS,
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="medium", level="advisory", sources="checkov:CKV_AWS_148",
    why="The default VPC has public subnets only: whatever is started there gets a public address.",
    fix="Declare an aws.ec2.Vpc with private subnets",
    reads=None, compliant=(Example(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}),), violating=(Example("aws:ec2/defaultVpc:DefaultVpc", "d"),),
)  # fmt: skip
def vpc_not_the_default(resource: Resource, context: Context) -> str:
    """Nothing lives in the default VPC."""
    return f"'{resource.name}' adopts the default network"
