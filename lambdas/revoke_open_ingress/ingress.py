"""Which rules of a security group let the internet in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from platform_common.exposure import is_open
from platform_common.response import Action, Plan

CASE = "security group opened"
UNDO = "security groups admit other groups only; add a rule to the program and run `pulumi up` where one is missing"


def groups_of(event: Mapping[str, Any]) -> set[str]:
    """The groups whose rules the call changed."""
    asked = event["detail"].get("requestParameters") or {}
    answered = (event["detail"].get("responseElements") or {}).get("securityGroupRuleSet") or {}
    found = {asked.get("groupId"), *(rule.get("groupId") for rule in answered.get("items", []))}
    # ModifySecurityGroupRules wraps its parameters once more.
    found.add((asked.get("ModifySecurityGroupRulesRequest") or {}).get("GroupId"))
    return {str(group) for group in found if group}


def plan(arn: str, group: str, rules: Iterable[Mapping[str, Any]]) -> Plan:
    """`rules` as DescribeSecurityGroupRules has them."""
    open_rules = [rule for rule in rules if not rule.get("IsEgress") and (is_open(rule.get("CidrIpv4")) or is_open(rule.get("CidrIpv6")))]
    if not open_rules:
        return Plan(CASE, arn)
    ids = sorted(rule["SecurityGroupRuleId"] for rule in open_rules)
    ports = ", ".join(sorted({f"{rule.get('IpProtocol')} {rule.get('FromPort')}-{rule.get('ToPort')}" for rule in open_rules}))
    parameters = {"GroupId": group, "SecurityGroupRuleIds": ids}
    what = f"{len(ids)} rule(s) that let the internet into {group} are revoked ({ports})"
    return Plan(CASE, arn, [Action(what, "ec2", "revoke_security_group_ingress", parameters, UNDO)], {"rules": open_rules})
