"""Network ACLs: kept, as the network itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handlers.ec2_network import Ec2Handler
from mlops.sandbox.provider.properties import Properties

# The rule that ends every ACL and cannot be taken away.
LAST = 32767
_PROTOCOLS = {"tcp": "6", "udp": "17", "icmp": "1", "all": "-1"}


def entries(p: Properties) -> list[dict[str, Any]]:
    """The rules of both directions as CreateNetworkAclEntry takes them."""
    found = []
    for key, egress in (("ingress", False), ("egress", True)):
        for block in p.blocks(key):
            protocol = str(block.require("protocol"))
            first, last = block.take("fromPort"), block.take("toPort")
            rule = {
                "RuleNumber": block.require("ruleNo"),
                "RuleAction": block.require("action"),
                "Protocol": _PROTOCOLS.get(protocol, protocol),
                "CidrBlock": block.require("cidrBlock"),
                "Egress": egress,
            }
            if rule["Protocol"] != "-1":
                rule["PortRange"] = {"From": first, "To": last}
            found.append(rule)
    return found


class _Acl(Ec2Handler):
    kind = "network-acl"

    def _replace_entries(self, call: Call, acl: str, wanted: list[dict[str, Any]]) -> None:
        for entry in self._found(call, acl)["Entries"]:
            if entry["RuleNumber"] != LAST:
                call("delete_network_acl_entry", NetworkAclId=acl, RuleNumber=entry["RuleNumber"], Egress=entry["Egress"])
        for entry in wanted:
            call("create_network_acl_entry", NetworkAclId=acl, **entry)

    @staticmethod
    def _found(call: Call, acl: str) -> dict[str, Any]:
        found: dict[str, Any] = call("describe_network_acls", NetworkAclIds=[acl])["NetworkAcls"][0]
        return found

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().computed(call, id_, inputs), "vpcId": self._found(call, id_)["VpcId"]}


class NetworkAcl(_Acl):
    type_ = "aws:ec2/networkAcl:NetworkAcl"

    def create(self, call: Call, p: Properties) -> str:
        wanted, subnets, vpc = entries(p), p.take("subnetIds", []), p.require("vpcId")
        acl = call("create_network_acl", VpcId=vpc, TagSpecifications=self.tag_specifications(call))["NetworkAcl"]["NetworkAclId"]
        call.id = acl
        self._replace_entries(call, acl, wanted)
        self._associate(call, acl, subnets)
        return acl

    @staticmethod
    def _associate(call: Call, acl: str, subnets: Collection[str]) -> None:
        if not subnets:
            return
        for other in call("describe_network_acls", Filters=[{"Name": "association.subnet-id", "Values": sorted(subnets)}])["NetworkAcls"]:
            for association in other["Associations"]:
                if association["SubnetId"] in subnets and other["NetworkAclId"] != acl:
                    call("replace_network_acl_association", AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)

    def _release(self, call: Call, acl: str, keep: Collection[str] = ()) -> None:
        """Give subnets back to the VPC's default ACL, without which no subnet can be."""
        found = self._found(call, acl)
        filters = [{"Name": "vpc-id", "Values": [found["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
        default = call("describe_network_acls", Filters=filters)["NetworkAcls"][0]["NetworkAclId"]
        self._associate(call, default, [each["SubnetId"] for each in found["Associations"] if each["SubnetId"] not in keep])

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if {"ingress", "egress"} & set(changed):
            self._replace_entries(call, id_, entries(p))
        if "subnetIds" in changed:
            subnets = p.take("subnetIds", [])
            self._release(call, id_, subnets)
            self._associate(call, id_, subnets)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        self._release(call, id_)
        call("delete_network_acl", NetworkAclId=id_)


class DefaultNetworkAcl(_Acl):
    """The ACL that every VPC comes with: its rules are replaced by the declared ones, and it stays when the resource goes."""

    type_ = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"

    def create(self, call: Call, p: Properties) -> str:
        acl: str = p.require("defaultNetworkAclId")
        p.take("subnetIds")
        self._replace_entries(call, acl, entries(p))
        if call.tags:
            self.retag(call, acl, "", call.tags, [])
        return acl

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        self.create(call, p)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        """AWS does not let anybody delete it."""
