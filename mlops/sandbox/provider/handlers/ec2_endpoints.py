"""VPC endpoints and flow logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handlers.ec2_network import Ec2Handler
from mlops.sandbox.provider.properties import Properties


class VpcEndpoint(Ec2Handler):
    type_, kind = "aws:ec2/vpcEndpoint:VpcEndpoint", "vpc-endpoint"
    renews = dict.fromkeys(("dnsEntries", "networkInterfaceIds"), ("subnetIds", "privateDnsEnabled", "dnsOptions", "ipAddressType"))
    # property: what is added and what is removed by ModifyVpcEndpoint.
    _SETS = {
        "routeTableIds": ("AddRouteTableIds", "RemoveRouteTableIds", "RouteTableIds"),
        "subnetIds": ("AddSubnetIds", "RemoveSubnetIds", "SubnetIds"),
        "securityGroupIds": ("AddSecurityGroupIds", "RemoveSecurityGroupIds", "Groups"),
    }

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_vpc_endpoint",
            VpcId=p.require("vpcId"),
            ServiceName=p.require("serviceName"),
            VpcEndpointType=p.take("vpcEndpointType"),
            PolicyDocument=p.take("policy"),
            RouteTableIds=p.take("routeTableIds"),
            SubnetIds=p.take("subnetIds"),
            SecurityGroupIds=p.take("securityGroupIds"),
            PrivateDnsEnabled=p.boolean("privateDnsEnabled"),
            IpAddressType=p.take("ipAddressType"),
            TagSpecifications=self.tag_specifications(call),
        )["VpcEndpoint"]["VpcEndpointId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = self._found(call, id_)
        prefix_list = None
        if found["VpcEndpointType"] == "Gateway":
            lists = call("describe_prefix_lists", Filters=[{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}])["PrefixLists"]
            prefix_list = next((item["PrefixListId"] for item in lists if item["PrefixListName"] == found["ServiceName"]), None)
        return {
            **super().computed(call, id_, inputs),
            "state": found["State"].lower(),
            "vpcEndpointType": found["VpcEndpointType"],
            "networkInterfaceIds": found.get("NetworkInterfaceIds", []),
            "dnsEntries": [
                {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")} for entry in found.get("DnsEntries", [])
            ],
            "prefixListId": prefix_list,
            "requesterManaged": False,
        }

    @staticmethod
    def _found(call: Call, id_: str) -> dict[str, Any]:
        found = call("describe_vpc_endpoints", VpcEndpointIds=[id_])["VpcEndpoints"]
        if not found:
            raise ProviderError(f"{call.type}: no VPC endpoint {id_}")
        return found[0]

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        found = self._found(call, id_)
        parameters: dict[str, Any] = {}
        for key in set(changed) & set(self._SETS):
            add, remove, field = self._SETS[key]
            present = {item["GroupId"] if isinstance(item, Mapping) else item for item in found.get(field, [])}
            wanted = set(p.take(key, []))
            parameters |= {add: sorted(wanted - present) or None, remove: sorted(present - wanted) or None}
        if "policy" in changed:
            policy = p.take("policy")
            parameters |= {"PolicyDocument": policy} if policy else {"ResetPolicy": True}
        if "privateDnsEnabled" in changed:
            parameters["PrivateDnsEnabled"] = p.boolean("privateDnsEnabled", False)
        call("modify_vpc_endpoint", VpcEndpointId=id_, **parameters)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_vpc_endpoints", VpcEndpointIds=[id_])


class FlowLog(Ec2Handler):
    type_, kind = "aws:ec2/flowLog:FlowLog", "vpc-flow-log"
    _SUBJECTS = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}

    def create(self, call: Call, p: Properties) -> str:
        given = [key for key in self._SUBJECTS if key in p.values]
        if len(given) != 1:
            p.problem("vpcId", f"exactly one of {', '.join(self._SUBJECTS)} is required; given: {', '.join(given) or 'none'}")
        subjects = {key: p.take(key) for key in given}
        interval = p.one_of("maxAggregationInterval", {60: 60, 600: 600})
        answer = call(
            "create_flow_logs",
            ResourceIds=list(subjects.values()),
            ResourceType=self._SUBJECTS[given[0]] if given else "VPC",
            TrafficType=p.take("trafficType"),
            LogDestinationType=p.take("logDestinationType", "cloud-watch-logs"),
            LogDestination=p.take("logDestination"),
            DeliverLogsPermissionArn=p.take("iamRoleArn"),
            LogFormat=p.take("logFormat"),
            MaxAggregationInterval=interval,
            TagSpecifications=self.tag_specifications(call),
        )
        for failure in answer.get("Unsuccessful", []):
            raise ProviderError(f"{self.type_} {call.name!r}: {failure['Error']['Code']}: {failure['Error']['Message']}")
        return answer["FlowLogIds"][0]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"{self.kind}/{id_}")}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_flow_logs", FlowLogIds=[id_])
