"""Filter patterns of trail events that the CIS AWS Foundations Benchmark wants watched (v1.4, section 4); plain data.

Where EventBridge rules answer security events already (`mlops:security: response`), their cases are left out, and the others spare the roles that
deploy: then they are no longer to the letter what Security Hub's controls CloudWatch.1 to .14 look for, and nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

IDENTITY = """DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy CreatePolicy DeletePolicy
    CreatePolicyVersion DeletePolicyVersion AttachRolePolicy DetachRolePolicy AttachUserPolicy DetachUserPolicy AttachGroupPolicy
    DetachGroupPolicy"""
TRAIL = "CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging"
BUCKETS = """PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication DeleteBucketPolicy DeleteBucketCors
    DeleteBucketLifecycle DeleteBucketReplication"""
CONFIGURATION = "StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel PutConfigurationRecorder"
GROUPS = """AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress
    CreateSecurityGroup DeleteSecurityGroup"""
# What is left of these two where rules answer: a way for data to leave by replication or outgoing traffic, and protections taken off.
BUCKETS_UNANSWERED = """PutBucketCors PutBucketLifecycle PutBucketReplication DeleteBucketCors DeleteBucketLifecycle
    DeleteBucketReplication"""
GROUPS_UNANSWERED = "AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup"
NETWORK_ACLS = """CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry ReplaceNetworkAclEntry
    ReplaceNetworkAclAssociation"""
GATEWAYS = """CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway DeleteInternetGateway
    DetachInternetGateway"""
ROUTES = """CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable DeleteRoute DisassociateRouteTable"""
NETWORKS = """CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection CreateVpcPeeringConnection DeleteVpcPeeringConnection
    RejectVpcPeeringConnection AttachClassicLinkVpc DetachClassicLinkVpc DisableVpcClassicLink EnableVpcClassicLink"""


@dataclass(frozen=True)
class Case:
    """What is watched: a name, the number in the benchmark, what it says to people and the pattern."""

    name: str
    number: str
    says: str
    pattern: str


def cases(*, answered: bool, spared: Sequence[str] = ()) -> list[Case]:
    """All cases; with `answered` only what no EventBridge rule answers, sparing sessions whose ARN begins with one of `spared`."""
    return [
        Case(name, number, says, pattern)
        for name, number, says, pattern, by_rules in _table(answered, spared if answered else ())
        if not (answered and by_rules)
    ]


def _table(answered: bool, spared: Sequence[str]) -> list[tuple[str, str, str, str, bool]]:
    # A sign-in of the root user is told by an EventBridge rule.
    root = " && ($.eventName != ConsoleLogin)" if answered else ""
    denied = '(($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*"))'
    quiet = '(($.sourceIPAddress != "delivery.logs.amazonaws.com") && ($.eventName != "HeadBucket"))'
    single_factor = '($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser")'
    return [
        ("denied-calls", "4.1", "Many calls were refused", f"{{ {denied} && {quiet} }}", False),
        (
            "sign-in-without-mfa",
            "4.2",
            "Somebody signed in without a second factor",
            f'{{ ($.eventName = "ConsoleLogin") && {single_factor} && ($.responseElements.ConsoleLogin = "Success") }}',
            True,
        ),
        (
            "root-use",
            "4.3",
            "The root user was used",
            f'{{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && ($.eventType != "AwsServiceEvent"){root} }}',
            False,
        ),
        ("identity-changes", "4.4", "Policies of identities were changed", _of("iam", IDENTITY, spared), True),
        ("trail-changes", "4.5", "A trail was changed", _of("", TRAIL, spared), True),
        (
            "sign-in-failures",
            "4.6",
            "A sign-in to the console failed",
            '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
            False,
        ),
        ("key-changes", "4.7", "A key was disabled or is being deleted", _of("kms", "DisableKey ScheduleKeyDeletion", spared), True),
        (
            "bucket-changes",
            "4.8",
            "The policy of a bucket was changed",
            _of("s3", BUCKETS_UNANSWERED if answered else BUCKETS, spared),
            False,
        ),
        ("configuration-changes", "4.9", "AWS Config was changed", _of("config", CONFIGURATION, spared), False),
        (
            "security-group-changes",
            "4.10",
            "A security group was changed",
            _of("", GROUPS_UNANSWERED if answered else GROUPS, spared),
            False,
        ),
        ("network-acl-changes", "4.11", "A network ACL was changed", _of("", NETWORK_ACLS, spared), False),
        ("gateway-changes", "4.12", "A network gateway was changed", _of("", GATEWAYS, spared), False),
        ("route-changes", "4.13", "A route was changed", _of("ec2", ROUTES, spared), False),
        ("network-changes", "4.14", "A network was changed", _of("", NETWORKS, spared), False),
    ]


def _of(service: str, names: str, spared: Sequence[str]) -> str:
    """Events of these names, of one service where two have an event of one name."""
    events = " || ".join(f"($.eventName = {name})" for name in names.split())
    source = [f"($.eventSource = {service}.amazonaws.com)"] if service else []
    others = [f'($.userIdentity.arn != "{session}*")' for session in spared]
    return "{ " + " && ".join([*source, f"({events})" if source or others else events, *others]) + " }"
