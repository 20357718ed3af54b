"""Which provider functions a preview answers without AWS: computed as the provider does, or an example where the answer does not matter."""

from __future__ import annotations

from typing import Any, Literal

from mlops.engine.errors import EngineError
from mlops.engine.functions import account, images, load_balancing, lookups, network
from mlops.engine.functions.call import ACCOUNT, Call, Handler, Unanswered, Wrong
from mlops.engine.functions.policy_document import get_policy_document
from mlops.engine.record import RecordedResource

__all__ = ["ACCOUNT", "ANSWERED", "Kind", "Unanswered", "answer", "kind"]

Kind = Literal["computed", "example"]

_COMPUTED: dict[str, Handler] = {
    "aws:elb/getHostedZoneId:getHostedZoneId": load_balancing.hosted_zone_id,
    "aws:elb/getServiceAccount:getServiceAccount": load_balancing.service_account,
    "aws:iam/getPolicyDocument:getPolicyDocument": get_policy_document,
    "aws:index/getDefaultTags:getDefaultTags": account.default_tags,
    "aws:index/getPartition:getPartition": account.partition,
    "aws:index/getRegion:getRegion": account.region,
    "aws:index/getServicePrincipal:getServicePrincipal": account.service_principal,
    "aws:cloudfront/getCachePolicy:getCachePolicy": lookups.cache_policy,
}
_EXAMPLES: dict[str, Handler] = {
    "aws:acm/getCertificate:getCertificate": lookups.certificate,
    "aws:ec2/getAmi:getAmi": images.ami,
    "aws:ec2/getAmiIds:getAmiIds": images.ami_ids,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": lookups.prefix_list,
    "aws:ec2/getSecurityGroup:getSecurityGroup": network.security_group,
    "aws:ec2/getSubnet:getSubnet": network.subnet,
    "aws:ec2/getSubnetIds:getSubnetIds": network.subnet_ids_of_vpc,
    "aws:ec2/getSubnets:getSubnets": network.subnets,
    "aws:ec2/getVpc:getVpc": network.vpc,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": lookups.registry_token,
    "aws:ecr/getCredentials:getCredentials": lookups.registry_credentials,
    "aws:index/getAmi:getAmi": images.ami,
    "aws:index/getAvailabilityZone:getAvailabilityZone": account.availability_zone,
    "aws:index/getAvailabilityZones:getAvailabilityZones": account.availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": account.caller_identity,
    "aws:route53/getZone:getZone": lookups.hosted_zone,
    "aws:s3/getCanonicalUserId:getCanonicalUserId": account.canonical_user_id,
    "aws:ssm/getParameter:getParameter": images.parameter,
}
_HANDLERS = {**_COMPUTED, **_EXAMPLES}
ANSWERED = tuple(sorted(_HANDLERS))
"""The functions that are answered, at least for some arguments."""


def kind(token: str) -> Kind:
    """How a function of `ANSWERED` is answered."""
    return "computed" if token in _COMPUTED else "example"


def answer(token: str, args: dict[str, Any], provider: RecordedResource) -> dict[str, Any]:
    """The result of a call; Unanswered says why it takes AWS, or the user, to know it; EngineError what the provider would refuse."""
    handler = _HANDLERS.get(token)
    if handler is None:
        raise Unanswered("it reads what exists in the account" if token.startswith("aws:") else "it needs its provider")
    try:
        return handler(Call.of(args, provider))
    except Wrong as error:
        raise EngineError("bad-arguments", f"{token}: {error}", token, "Correct the arguments of the call.") from None
