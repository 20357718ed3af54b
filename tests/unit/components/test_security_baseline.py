"""Policies of stores, keys, endpoints and network ACLs, as a preview sees them and as IAM would judge them."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from moto.events.models import EventPattern

from components.base.arns import Arns
from components.base.keys import DATA_CLASSES, key_policy
from components.security import security_patterns as patterns
from components.security.security_events import CALL, FINDING, IMAGE, SIGN_IN
from components.security.security_patterns import BY_CLOUDTRAIL, calls
from components.security.security_response import RESPONDERS
from components.settings.platform import KeySettings
from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import Document, parse
from mlops.sandbox.identity.evaluation import Policies, Request, evaluate
from mlops.sandbox.identity.principals import Principal, service_principal

from .test_program import STACKS, of_type

ACCOUNT, OTHER = "123456789012", "999999999999"
ARNS = Arns("aws", "eu-west-1", ACCOUNT)
EVERYTHING = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
KEY = ARNS.of("kms", "key/data")
STORES = {
    "aws:s3/bucketPolicy:BucketPolicy": ("s3:GetObject", "aws:s3/bucket:Bucket"),
    "aws:sqs/queuePolicy:QueuePolicy": ("sqs:SendMessage", "aws:sqs/queue:Queue"),
    "aws:sns/topicPolicy:TopicPolicy": ("sns:Publish", "aws:sns/topic:Topic"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("ecr:BatchGetImage", "aws:ecr/repository:Repository"),
}


def role(name: str, account: str = ACCOUNT) -> Principal:
    arn = f"arn:aws:iam::{account}:role/{name}"
    return Principal("role", arn, account, name, arn)


def judged(principal: Principal, action: str, resource: str, policies: Policies, **keys: str) -> bool:
    own = {"aws:securetransport": ("true",), "aws:principalarn": (principal.arn,), "aws:principalaccount": (principal.account,)}
    if principal.kind == "service":
        own = {"aws:securetransport": ("true",), "aws:principalisawsservice": ("true",)}
    context = Context({**own, **{key.replace("__", ":").lower(): (value,) for key, value in keys.items()}})
    return evaluate(Request(principal, action, resource, context), policies).allowed


def resource_of(document: Document) -> str:
    named = [name for statement in document.statements for name in statement.resources or ()]
    return next((name.replace("*", "x") for name in named if name.endswith("/*")), named[0] if named else "repository")


@pytest.mark.spec("SEC-8d", "SEC-4b", "SEC-6d")
@pytest.mark.parametrize("type_", STORES)
@pytest.mark.parametrize("stack", STACKS)
def test_every_store_is_closed_to_other_accounts_and_to_plain_http(stack: str, type_: str) -> None:
    action, store = STORES[type_]
    policies = of_type(stack, type_)
    assert len(policies) == len(of_type(stack, store)) > 0
    for policy in policies:
        document = parse(policy.inputs["policy"])
        resource = resource_of(document)
        both = Policies(identity=(EVERYTHING,), resource=(document,))
        assert judged(role("reader"), action, resource, both), policy.name
        assert not judged(role("reader"), action, resource, both, aws__SecureTransport="false"), policy.name
        # Even where somebody opened it to the other account by a statement of its own.
        opened = Policies(identity=(EVERYTHING,), resource=(document, EVERYTHING), same_account=True)
        assert not judged(role("reader", OTHER), action, resource, opened), policy.name


@pytest.mark.spec("SEC-8d", "SEC-3b", "SEC-5a")
@pytest.mark.parametrize("stack", STACKS)
def test_objects_are_written_with_the_buckets_key_or_not_at_all(stack: str) -> None:
    policy = next(policy for policy in of_type(stack, "aws:s3/bucketPolicy:BucketPolicy") if policy.name == "lake-raw-policy")
    text = policy.inputs["policy"]
    document = json.loads(text)
    (only,) = [statement for statement in document["Statement"] if statement.get("Sid") == "DenyOtherKeys"]
    only["Condition"]["ArnNotEquals"] = {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY}
    policies = Policies(identity=(EVERYTHING,), resource=(parse(document),))
    encryption, key = "s3__x-amz-server-side-encryption", "s3__x-amz-server-side-encryption-aws-kms-key-id"

    def put(**headers: str) -> bool:
        return judged(role("writer"), "s3:PutObject", resource_of(parse(document)), policies, **headers)

    assert put() and put(**{encryption: "aws:kms", key: KEY})
    assert not put(**{encryption: "AES256"})
    assert not put(**{encryption: "aws:kms", key: ARNS.of("kms", "key/other")})


def platform(*administrators: str) -> Any:
    settings = SimpleNamespace(keys=KeySettings(administrators=list(administrators)))
    return SimpleNamespace(arns=ARNS, account=ACCOUNT, region="eu-west-1", settings=settings, name=lambda thing: f"mlops-dev-{thing}")


def key_may(principal: Principal, action: str, data_class: str = "data", admins: tuple[str, ...] = (), identity: bool = True) -> bool:
    document = parse({"Version": "2012-10-17", "Statement": key_policy(platform(*admins), data_class)})
    return judged(principal, action, KEY, Policies(identity=(EVERYTHING,) if identity else (), resource=(document,), resource_decides=True))


@pytest.mark.spec("SEC-8f")
@pytest.mark.parametrize("data_class", DATA_CLASSES)
def test_key_administrators_manage_keys_and_never_use_them(data_class: str) -> None:
    admin = role("key-administrator")
    for action in ("kms:PutKeyPolicy", "kms:EnableKeyRotation", "kms:CancelKeyDeletion"):
        assert key_may(admin, action, data_class, (admin.arn,), identity=False), action
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:CreateGrant"):
        assert not key_may(admin, action, data_class, (admin.arn,)), action


@pytest.mark.spec("SEC-8f", "SEC-6d")
def test_others_use_keys_only_by_a_policy_of_their_own_and_only_in_this_account() -> None:
    user = role("predict")
    assert key_may(user, "kms:Decrypt") and not key_may(user, "kms:Decrypt", identity=False)
    assert not key_may(role("predict", OTHER), "kms:Decrypt")
    assert not key_may(user, "kms:ImportKeyMaterial"), "neither administration nor use"


@pytest.mark.spec("SEC-8f")
def test_the_account_can_always_change_a_keys_policy_so_no_key_is_locked() -> None:
    for admins in ((), (role("key-administrator").arn,)):
        assert key_may(role("deploy"), "kms:PutKeyPolicy", admins=admins)


@pytest.mark.spec("SEC-8f")
@pytest.mark.parametrize("stack", STACKS)
def test_every_key_rotates(stack: str) -> None:
    keys = of_type(stack, "aws:kms/key:Key")
    assert len(keys) >= len(DATA_CLASSES)
    for key in keys:
        assert key.inputs["enableKeyRotation"] is True and key.inputs["rotationPeriodInDays"] <= 365, key.name
        assert "kms:*" not in key.inputs["policy"], key.name


def test_services_use_the_keys_they_are_admitted_to_and_no_other() -> None:
    def service_may(service: str, data_class: str) -> bool:
        document = parse({"Version": "2012-10-17", "Statement": key_policy(platform(), data_class)})
        policies = Policies(resource=(document,))
        return judged(service_principal(service, ACCOUNT), "kms:GenerateDataKey", KEY, policies, aws__SourceAccount=ACCOUNT)

    assert service_may("sns.amazonaws.com", "operations") and not service_may("sns.amazonaws.com", "data")


@pytest.mark.spec("SEC-4c", "SEC-8b")
@pytest.mark.parametrize("stack", STACKS)
def test_security_groups_admit_other_groups_only_never_addresses(stack: str) -> None:
    for ingress in of_type(stack, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(ingress.inputs), ingress.name
    for group in of_type(stack, "aws:ec2/securityGroup:SecurityGroup"):
        assert not {"ingress", "egress"} & set(group.inputs), group.name
    (default,) = of_type(stack, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not {"ingress", "egress"} & set(default.inputs)


@pytest.mark.spec("SEC-3d", "SEC-8a")
@pytest.mark.parametrize("stack", STACKS)
def test_the_default_network_acl_is_closed_and_no_subnet_is_left_to_it(stack: str) -> None:
    (default,) = of_type(stack, "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
    assert not {"ingress", "egress"} & set(default.inputs)
    acls = of_type(stack, "aws:ec2/networkAcl:NetworkAcl")
    covered = {urn for acl in acls for urn in acl.property_dependencies["subnetIds"] if ":Subnet::" in urn}
    assert covered == {subnet.urn for subnet in of_type(stack, "aws:ec2/subnet:Subnet")}
    for acl in acls:
        outside = [rule for rule in acl.inputs["ingress"] if rule["cidrBlock"] == "0.0.0.0/0"]
        assert all(rule["fromPort"] >= 1024 for rule in outside), "nothing from outside reaches a port that anybody serves on"


@pytest.mark.spec("SEC-3a", "SEC-8c")
@pytest.mark.parametrize("stack", STACKS)
def test_endpoints_pass_calls_of_this_account_to_data_of_this_account_only(stack: str) -> None:
    endpoints = of_type(stack, "aws:ec2/vpcEndpoint:VpcEndpoint")
    assert endpoints
    for endpoint in endpoints:
        document = parse(endpoint.inputs["policy"])

        def passes(principal: Principal, owner: str = ACCOUNT, document: Document = document) -> bool:
            policies = Policies(identity=(EVERYTHING,), session=(document,))
            return judged(principal, "s3:PutObject", "arn:aws:s3:::b/k", policies, aws__ResourceAccount=owner)

        service = endpoint.inputs["serviceName"].rsplit(".", 1)[-1]
        if service != "dynamodb":
            assert passes(role("function")), endpoint.name
        assert not passes(role("function", OTHER)), endpoint.name
        if endpoint.inputs["vpcEndpointType"] == "Gateway":
            assert not passes(role("function"), OTHER), endpoint.name


@pytest.mark.parametrize("stack", STACKS)
def test_rules_may_publish_without_a_condition_and_alarms_for_this_account_only(stack: str) -> None:
    found = of_type(stack, "aws:sns/topicPolicy:TopicPolicy")
    assert found
    for policy in found:
        document = parse(policy.inputs["policy"])
        policies = Policies(resource=(document,))
        topic = resource_of(document)
        # Rules tell the stack's own topic; to the one in us-east-1 only an alarm speaks.
        told_by_rules = "region" not in policy.inputs
        assert judged(service_principal("events.amazonaws.com"), "sns:Publish", topic, policies) is told_by_rules
        alarms = service_principal("cloudwatch.amazonaws.com")
        assert judged(alarms, "sns:Publish", topic, policies, aws__SourceAccount=re.findall(r":(\d{12}):", topic)[0])
        assert not judged(alarms, "sns:Publish", topic, policies, aws__SourceAccount=OTHER)


# The event: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
@pytest.mark.spec("SEC-7b")
@pytest.mark.parametrize(
    ("stack", "repository", "counts", "told"),
    [
        ("dev", "mlops-dev-serving", {"CRITICAL": 1, "LOW": 2}, True),
        ("prod", "mlops-prod-training", {"HIGH": 2}, True),
        ("dev", "mlops-dev-serving", {"MEDIUM": 1}, False),
        ("dev", "mlops-prod-serving", {"CRITICAL": 1}, False),
    ],
)
def test_people_are_told_of_what_a_scan_finds_in_an_image_of_the_stack(stack: str, repository: str, counts: dict, told: bool) -> None:
    (rule,) = [r for r in of_type(stack, "aws:cloudwatch/eventRule:EventRule") if r.inputs["name"] == f"mlops-{stack}-security-images"]
    (target,) = [r for r in of_type(stack, "aws:cloudwatch/eventTarget:EventTarget") if rule.urn in r.property_dependencies["rule"]]
    assert any("topic" in urn for urn in target.property_dependencies["arn"])
    detail = {"scan-status": "COMPLETE", "repository-name": repository, "image-digest": "sha256:1", "finding-severity-counts": counts}
    event = {"source": "aws.ecr", "detail-type": "ECR Image Scan", "detail": detail}
    assert EventPattern.load(rule.inputs["eventPattern"]).matches_event(event) is told


@pytest.mark.parametrize("template", [CALL, SIGN_IN, FINDING, IMAGE])
def test_messages_about_security_events_put_texts_only_inside_quotes(template: tuple[str, dict[str, str]]) -> None:
    text, paths = template
    assert set(re.findall(r"<(\w+)>", text)) == set(paths)
    assert not {"$.detail.requestParameters", "$.detail.responseElements", "$.detail"} & set(paths.values())


@pytest.mark.parametrize(("who", "seen"), [("deployer/x", False), ("responder/y", False), ("intruder/z", True)])
def test_calls_of_every_spared_role_are_left_out_and_no_others(who: str, seen: bool) -> None:
    spared = [ARNS.role_session(name, "") for name in ("deployer", "responder")]
    pattern = EventPattern.load(json.dumps(calls("iam", ["CreateUser"], spared)))
    detail = {"eventName": "CreateUser", "userIdentity": {"arn": ARNS.role_session(*who.split("/"))}}
    assert pattern.matches_event({"source": "aws.iam", "detail-type": BY_CLOUDTRAIL, "detail": detail}) is seen


@pytest.mark.spec("SEC-7b")
def test_event_patterns_fit_into_a_rule_with_the_longest_names() -> None:
    prefix = "p" * (63 - len("-predictions-123456789012"))
    roles = ["deploying-role-of-the-organisation", *(f"{prefix}-{handler.replace('_', '-')}" for handler in RESPONDERS)]
    identities = calls("iam", patterns.IDENTITY_CHANGES, [ARNS.role_session(role, "") for role in roles])
    longest = patterns.any_of(patterns.sign_ins(), identities, patterns.exposed_keys())
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    assert len(json.dumps(longest, separators=(",", ":"))) <= 2048


@pytest.mark.spec("SEC-1c", "SEC-7b")
@pytest.mark.parametrize("code", ["AWS_RISK_CREDENTIALS_EXPOSED", "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED"])
def test_an_exposed_key_matches_the_rule_that_tells_and_the_one_that_acts_and_is_forwarded(code: str) -> None:
    event = {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {"service": "RISK", "eventTypeCode": code}}
    rules = {rule.inputs["name"]: rule for rule in of_type("prod", "aws:cloudwatch/eventRule:EventRule") if "eventPattern" in rule.inputs}
    for name in ("security-exposed-keys", "quarantine-role", "security-global"):
        assert EventPattern.load(rules[f"mlops-prod-{name}"].inputs["eventPattern"]).matches_event(event), name
    assert rules["mlops-prod-security-global"].inputs["region"] == "us-east-1"
