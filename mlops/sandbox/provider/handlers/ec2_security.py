"""Security groups and their rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handlers.ec2_network import Ec2Handler
from mlops.sandbox.provider.properties import Properties

# What Pulumi calls "all protocols, all ports".
_EVERYTHING = {"IpProtocol": "-1"}


class SecurityGroup(Ec2Handler):
    type_, kind = "aws:ec2/securityGroup:SecurityGroup", "security-group"
    name_property = "name"

    def create(self, call: Call, p: Properties) -> str:
        p.take("revokeRulesOnDelete")
        ingress, egress = _rules(p, "ingress"), _rules(p, "egress")
        vpc = p.take("vpcId")
        group = call(
            "create_security_group",
            GroupName=p.require("name"),
            Description=p.take("description", "Managed by Pulumi"),
            VpcId=vpc,
            TagSpecifications=self.tag_specifications(call),
        )["GroupId"]
        call.id = group
        # EC2 opens every new group to the outside; the real provider closes it again, so that the declared rules are all there are.
        if vpc:
            call("revoke_security_group_egress", GroupId=group, IpPermissions=[{**_EVERYTHING, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        _authorise(call, group, ingress, egress)
        return group

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        rest = set(changed) - {"ingress", "egress", "revokeRulesOnDelete"}
        if rest:
            super().update(call, id_, p, rest)
        found = call("describe_security_groups", GroupIds=[id_])["SecurityGroups"][0]
        if "ingress" in changed:
            _revoke(call, id_, found["IpPermissions"], [])
        if "egress" in changed:
            _revoke(call, id_, [], found["IpPermissionsEgress"])
        _authorise(call, id_, _rules(p, "ingress") if "ingress" in changed else [], _rules(p, "egress") if "egress" in changed else [])

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_security_group", GroupId=id_)

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        found = call("describe_security_groups", GroupIds=[id_])["SecurityGroups"][0]
        return {"name": found["GroupName"], "description": found["Description"], "vpcId": found.get("VpcId")}


class DefaultSecurityGroup(Ec2Handler):
    """The group that every VPC comes with: its rules are replaced by the declared ones, and it stays when the resource goes."""

    type_, kind = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "security-group"

    def create(self, call: Call, p: Properties) -> str:
        p.take("revokeRulesOnDelete")
        vpc, ingress, egress = p.take("vpcId"), _rules(p, "ingress"), _rules(p, "egress")
        filters = [{"Name": "group-name", "Values": ["default"]}, *([{"Name": "vpc-id", "Values": [vpc]}] if vpc else [])]
        found = call("describe_security_groups", Filters=filters)["SecurityGroups"]
        if not found:
            raise ProviderError(f"{self.type_} {call.name!r}: there is no VPC {vpc}")
        group = found[0]["GroupId"]
        _revoke(call, group, found[0]["IpPermissions"], found[0]["IpPermissionsEgress"])
        _authorise(call, group, ingress, egress)
        self.retag(call, group, "", call.tags, [])
        return group

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_security_groups", GroupIds=[id_])["SecurityGroups"][0]
        return {**super().computed(call, id_, inputs), "name": found["GroupName"], "description": found["Description"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        self.create(call, p)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        """AWS does not let anybody delete it."""


def _rules(p: Properties, key: str) -> list[dict[str, Any]]:
    rules = []
    for block in p.blocks(key):
        rule: dict[str, Any] = {"IpProtocol": str(block.require("protocol")).replace("all", "-1")}
        first, last = block.take("fromPort"), block.take("toPort")
        if rule["IpProtocol"] != "-1":
            rule |= {"FromPort": first, "ToPort": last}
        description = {"Description": block.take("description")} if block.values.get("description") else {}
        block.take("description")
        rule["IpRanges"] = [{"CidrIp": cidr, **description} for cidr in block.take("cidrBlocks", [])]
        rule["Ipv6Ranges"] = [{"CidrIpv6": cidr, **description} for cidr in block.take("ipv6CidrBlocks", [])]
        rule["PrefixListIds"] = [{"PrefixListId": prefix, **description} for prefix in block.take("prefixListIds", [])]
        rule["UserIdGroupPairs"] = [{"GroupId": group, **description} for group in block.take("securityGroups", [])]
        block.only("self", False, because="name the group in securityGroups")
        rules.append({name: value for name, value in rule.items() if value != []})
    return rules


def _authorise(call: Call, group: str, ingress: list[dict[str, Any]], egress: list[dict[str, Any]]) -> None:
    if ingress:
        call("authorize_security_group_ingress", GroupId=group, IpPermissions=ingress)
    if egress:
        call("authorize_security_group_egress", GroupId=group, IpPermissions=egress)


def _revoke(call: Call, group: str, ingress: list[dict[str, Any]], egress: list[dict[str, Any]]) -> None:
    if ingress:
        call("revoke_security_group_ingress", GroupId=group, IpPermissions=ingress)
    if egress:
        call("revoke_security_group_egress", GroupId=group, IpPermissions=egress)


class _Rule(Ec2Handler):
    kind, direction = "security-group-rule", ""
    _TARGETS = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }

    def create(self, call: Call, p: Properties) -> str:
        group, protocol = p.require("securityGroupId"), str(p.require("ipProtocol"))
        first, last = p.take("fromPort"), p.take("toPort")
        permission: dict[str, Any] = {"IpProtocol": protocol}
        if protocol != "-1":
            permission |= {"FromPort": first, "ToPort": last}
        description = p.take("description")
        described = {"Description": description} if description else {}
        given = [key for key in self._TARGETS if key in p.values]
        if len(given) != 1:
            p.problem("cidrIpv4", f"exactly one of {', '.join(self._TARGETS)} is required; given: {', '.join(given) or 'none'}")
        for key in given:
            collection, field = self._TARGETS[key]
            permission[collection] = [{field: p.take(key), **described}]
        answer = call(
            f"authorize_security_group_{self.direction}",
            GroupId=group,
            IpPermissions=[permission],
            TagSpecifications=self.tag_specifications(call),
        )
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"{self.kind}/{id_}"), "securityGroupRuleId": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        names = {
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupId",
        }
        rule = {names[key]: p.take(key) for key in names if key in p.values}
        rule |= {"IpProtocol": str(p.require("ipProtocol")), "FromPort": p.take("fromPort"), "ToPort": p.take("toPort")}
        rule = {key: value for key, value in (rule | {"Description": p.take("description")}).items() if value is not None}
        rules = [{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}]
        call("modify_security_group_rules", GroupId=p.require("securityGroupId"), SecurityGroupRules=rules)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call(f"revoke_security_group_{self.direction}", GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id_])


class SecurityGroupIngressRule(_Rule):
    type_, direction = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ingress"


class SecurityGroupEgressRule(_Rule):
    type_, direction = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "egress"
