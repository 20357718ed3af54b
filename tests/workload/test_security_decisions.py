"""What the responses to security events decide, and what they write and tell; without a service behind them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from platform_common import exposure, response

Load = Callable[..., ModuleType]
CLOSED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
DECLARED = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]})
EVENT = {
    "id": "e-1",
    "time": "2026-11-25T12:00:00Z",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.s3",
    "detail": {"eventName": "PutBucketPolicy", "userIdentity": {"arn": "arn:aws:iam::123456789012:user/somebody"}},
}


def test_a_bucket_as_declared_needs_nothing_however_its_policy_is_written(function: Load) -> None:
    plan = function("remediate_public_bucket", "exposure").plan
    assert plan("b", DECLARED, json.dumps(json.loads(DECLARED), indent=4), CLOSED).actions == []


@pytest.mark.parametrize("name", CLOSED)
def test_one_switch_of_the_public_access_block_is_enough(function: Load, name: str) -> None:
    (action,) = function("remediate_public_bucket", "exposure").plan("b", DECLARED, DECLARED, {**CLOSED, name: False}).actions
    assert action.operation == "put_public_access_block" and action.parameters["PublicAccessBlockConfiguration"] == CLOSED


def test_a_deleted_trail_is_made_with_all_that_it_had_before_it_logs(function: Load) -> None:
    selectors = [{"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
    plan = function("remediate_trail", "trail").plan("arn", {"Name": "t", "S3BucketName": "logs"}, selectors, None, [], False)
    assert [action.operation for action in plan.actions] == ["create_trail", "put_event_selectors", "start_logging"]


def test_another_bucket_of_the_trail_is_noticed(function: Load) -> None:
    plan = function("remediate_trail", "trail").plan("arn", {"Name": "t", "S3BucketName": "logs"}, [], {"S3BucketName": "mine"}, [], True)
    assert [action.operation for action in plan.actions] == ["update_trail"]


@pytest.mark.parametrize(
    ("state", "rotates", "operations"),
    [
        ("Enabled", True, []),
        ("Enabled", False, ["enable_key_rotation"]),
        ("Disabled", None, ["enable_key"]),
        ("PendingDeletion", None, ["cancel_key_deletion", "enable_key"]),
    ],
)
def test_a_key_comes_back_from_every_state(function: Load, state: str, rotates: bool | None, operations: list[str]) -> None:
    plan = function("cancel_key_deletion", "rescue").plan("arn:aws:kms:eu-west-1:123456789012:key/k", state, rotates, 180)
    assert [action.operation for action in plan.actions] == operations
    assert [each.parameters["RotationPeriodInDays"] for each in plan.actions if each.operation == "enable_key_rotation"] in ([], [180])


def test_only_rules_for_the_internet_are_revoked(function: Load) -> None:
    rules = [
        {"SecurityGroupRuleId": "sgr-1", "IsEgress": False, "CidrIpv4": "0.0.0.0/0", "IpProtocol": "tcp"},
        {"SecurityGroupRuleId": "sgr-2", "IsEgress": False, "CidrIpv4": "10.0.0.0/8", "IpProtocol": "tcp"},
        {"SecurityGroupRuleId": "sgr-3", "IsEgress": True, "CidrIpv4": "0.0.0.0/0", "IpProtocol": "tcp"},
        {"SecurityGroupRuleId": "sgr-4", "IsEgress": False, "CidrIpv6": "::/0", "IpProtocol": "-1"},
        {"SecurityGroupRuleId": "sgr-5", "IsEgress": False, "CidrIpv4": "128.0.0.0/1", "IpProtocol": "tcp"},
        {"SecurityGroupRuleId": "sgr-6", "IsEgress": False, "CidrIpv6": "fd00::/8", "IpProtocol": "tcp"},
        {"SecurityGroupRuleId": "sgr-7", "IsEgress": False, "ReferencedGroupInfo": {"GroupId": "sg-2"}, "IpProtocol": "tcp"},
    ]
    (action,) = function("revoke_open_ingress", "ingress").plan("arn", "sg-1", rules).actions
    assert action.parameters["SecurityGroupRuleIds"] == ["sgr-1", "sgr-4", "sgr-5"]


# Shapes as CloudTrail writes them: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
@pytest.mark.parametrize(
    "detail",
    [
        {
            "requestParameters": {"groupId": "sg-1", "ipPermissions": {"items": [{"ipProtocol": "tcp"}]}},
            "responseElements": {"_return": True},
        },
        {"requestParameters": {}, "responseElements": {"securityGroupRuleSet": {"items": [{"groupId": "sg-1", "isEgress": False}]}}},
        {"requestParameters": {"ModifySecurityGroupRulesRequest": {"GroupId": "sg-1", "SecurityGroupRule": {"tag": 1}}}},
    ],
)
def test_the_group_is_found_in_every_shape_of_event(function: Load, detail: dict[str, Any]) -> None:
    assert function("revoke_open_ingress", "ingress").groups_of({"detail": detail}) == {"sg-1"}


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_range_is_open_when_and_only_when_an_address_of_it_is_not_private(address: Any, bits: int) -> None:
    network = ip_network((int(address), min(bits, 32) if address.version == 4 else bits * 4), strict=False)
    edges = [network[0], network[-1], network[network.num_addresses // 2]]
    if any(not any(each in private for private in exposure.PRIVATE if private.version == each.version) for each in edges):
        assert exposure.is_open(str(network))
    for private in exposure.PRIVATE:
        assert not exposure.is_open(str(private)) and exposure.is_open(str(private.supernet()))


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        (None, True),
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, False),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*:123456789012:*"}}, False),
    ],
)
def test_a_statement_is_public_unless_a_condition_says_who_may_come(condition: Any, public: bool) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunctionUrl",
        **({"Condition": condition} if condition else {}),
    }
    assert exposure.is_public(statement) is public
    assert not exposure.is_public({**statement, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})


def loaded(name: str, path: str) -> ModuleType:
    """A module of a function, for tests that Hypothesis repeats."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_who_makes_a_key_for_himself_or_runs_as_an_abused_function_is_found() -> None:
    made = {"accessKeyId": "AKIA1", "status": "Active", "userName": "app-user"}
    own = {
        "source": "aws.iam",
        "detail": {"eventName": "CreateAccessKey", "requestParameters": None, "responseElements": {"accessKey": made}},
    }
    assert quarantine.subject_of(own) == quarantine.Subject("user", "app-user", "AKIA1")
    details = {"functionName": "app-predict", "role": "arn:aws:iam::123456789012:role/app-predict"}
    function = {"source": "aws.guardduty", "detail": {"resource": {"resourceType": "Lambda", "lambdaDetails": details}}}
    assert quarantine.subject_of(function) == quarantine.Subject("role", "app-predict")


def test_several_exposed_keys_are_one_answer_and_one_record() -> None:
    event = {"source": "aws.health", "detail": {"affectedEntities": [{"entityValue": "AKIA1"}, {"entityValue": "AKIA2"}, {}]}}
    assert quarantine.exposed_keys(event) == ["AKIA1", "AKIA2"]
    assert quarantine.exposed_keys({"source": "aws.guardduty", "detail": event["detail"]}) == []
    plans = [
        quarantine.plan(f"arn:user/{name}", quarantine.Subject("user", name, key), "arn:quarantine", [], True)
        for name, key in (("app-a", "AKIA1"), ("app-b", "AKIA2"))
    ]
    one = quarantine.together(plans)
    assert one.resource == "arn:user/app-a, arn:user/app-b" and one.actions == [*plans[0].actions, *plans[1].actions]
    assert quarantine.together(plans[:1]) is plans[0] and quarantine.together([]) is None


quarantine = loaded("quarantine", "lambdas/quarantine_role/quarantine.py")
names = st.text("abcdefghij-", min_size=1, max_size=20)


@given(names, names, st.lists(names, max_size=3))
def test_whoever_is_spared_or_of_another_stack_is_never_quarantined(prefix: str, name: str, spared: list[str]) -> None:
    if name in spared or not name.startswith(f"{prefix}-"):
        assert not quarantine.may_be_quarantined(quarantine.Subject("role", name), prefix, spared)


class Services:
    """Keeps what was asked of every service; S3 refuses to write a key twice."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.objects: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        outer = self

        class Client:
            def __getattr__(self, operation: str) -> Callable[..., Any]:
                def call(**parameters: Any) -> Any:
                    if (service, operation) == ("s3", "put_object"):
                        assert parameters["IfNoneMatch"] == "*"
                        if parameters["Key"] in outer.objects:
                            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
                        outer.objects[parameters["Key"]] = json.loads(parameters["Body"])
                    outer.calls.append((service, operation, parameters))

                return call

        return Client()

    def done(self, service: str) -> list[str]:
        return [operation for name, operation, _ in self.calls if name == service]


class Silent:
    def info(self, *_: Any, **__: Any) -> None: ...
    def warning(self, *_: Any, **__: Any) -> None: ...


PLAN = response.Plan("a case", "arn:thing", [response.Action("mended", "ec2", "mend", {"Id": "x"}, "break it again")], {"was": "open"})


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    values = {
        "STACK": "mlops-x",
        "DRY_RUN": "false",
        "AUDIT_BUCKET": "logs",
        "AUDIT_PREFIX": "security/",
        "LEDGER_TABLE": "l",
        "ALERTS_TOPIC": "t",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.spec("SEC-7c")
def test_an_action_is_carried_out_recorded_entered_and_told(settings: Any) -> None:
    services = Services()
    assert response.carry_out(EVENT, PLAN, services.client, Silent())["status"] == "remediated"
    ((key, record),) = services.objects.items()
    assert key == "security/a-case/date=2026-11-25/e-1.json"
    assert record["caused_by"].endswith("user/somebody") and record["before"] == {"was": "open"} and record["actions"][0]["undo"]
    assert services.done("ec2") == ["mend"] and services.done("dynamodb") == ["put_item"] and services.done("sns") == ["publish"]


@pytest.mark.spec("SEC-7c")
def test_in_a_dry_run_nothing_is_done_and_the_same_is_said(settings: Any) -> None:
    settings.setenv("DRY_RUN", "true")
    services = Services()
    assert response.carry_out(EVENT, PLAN, services.client, Silent())["status"] == "dry-run"
    assert services.done("ec2") == [] and len(services.objects) == 1 and services.done("sns") == ["publish"]


def test_an_event_delivered_twice_is_recorded_and_told_once(settings: Any) -> None:
    services = Services()
    response.carry_out(EVENT, PLAN, services.client, Silent())
    assert response.carry_out(EVENT, PLAN, services.client, Silent())["status"] == "recorded already"
    assert services.done("sns") == ["publish"] and services.done("dynamodb") == ["put_item"]


def test_without_anything_to_do_nothing_is_written(settings: Any) -> None:
    services = Services()
    for plan in (None, response.Plan("a case", "arn:thing")):
        assert response.carry_out(EVENT, plan, services.client, Silent())["status"] == "nothing to do"
    assert services.calls == []


def test_a_key_used_yesterday_is_no_finding_and_one_unused_for_long_is(function: Load) -> None:
    checks = function("security_audit", "checks")
    empty = {"buckets": [], "keys": [], "roles": [], "ingress": [], "log_groups": [], "functions": [], "boundary": True}
    trail = {"arn": "t", "is_logging": True, "validates": True, "delivery_error": ""}
    keys = [
        {"id": "AKIA1", "status": "Active", "created": "2024-01-01T00:00:00+00:00", "last_used": "2026-11-24T00:00:00+00:00"},
        {"id": "AKIA2", "status": "Active", "created": "2024-01-01T00:00:00+00:00", "last_used": None},
        {"id": "AKIA3", "status": "Inactive", "created": "2024-01-01T00:00:00+00:00", "last_used": None},
    ]
    facts = {**empty, "trail": trail, "users": [{"name": "u", "access_keys": keys}]}
    (finding,) = checks.findings(facts, datetime(2026, 11, 25, tzinfo=UTC), 90)
    assert finding.check == "access-key-unused" and "AKIA2" in finding.message


KEY = "arn:aws:kms:eu-west-1:123456789012:key/k1"


@pytest.mark.parametrize(
    ("detail", "ours"),
    [
        ({"requestParameters": {"keyId": "k1"}, "responseElements": {"keyId": KEY}}, KEY),
        ({"requestParameters": {"keyId": "k1"}, "responseElements": None}, KEY),
        ({"requestParameters": {"keyId": "1"}}, None),
        ({"requestParameters": {}}, None),
    ],
)
def test_the_key_of_an_event_is_ours_when_it_is_named_whole(function: Load, detail: dict[str, Any], ours: str | None) -> None:
    rescue = function("cancel_key_deletion", "rescue")
    assert rescue.is_ours(rescue.key_of({"detail": detail}), ["arn:aws:kms:eu-west-1:123456789012:key/k0", KEY]) == ours


@pytest.mark.parametrize("policy", [None, json.dumps({"Version": "2012-10-17", "Statement": []})])
def test_a_policy_that_is_gone_or_another_is_put_back_and_kept_in_the_record(function: Load, policy: str | None) -> None:
    exposure = function("remediate_public_bucket", "exposure")
    plan = exposure.plan(exposure.bucket_of({"detail": {"requestParameters": {"bucketName": "b"}}}), DECLARED, policy, CLOSED)
    (action,) = plan.actions
    assert (action.operation, action.parameters) == ("put_bucket_policy", {"Bucket": "b", "Policy": DECLARED})
    assert plan.before["policy"] == (json.loads(policy) if policy else None)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("IAMUser", quarantine.Subject("user", "app")), ("AssumedRole", quarantine.Subject("role", "app")), ("Root", None)],
)
def test_whose_key_was_abused_is_a_user_or_a_role_and_never_the_root(kind: str, subject: Any) -> None:
    details = {"userType": kind, "userName": "app"}
    assert quarantine.subject_of({"source": "aws.guardduty", "detail": {"resource": {"accessKeyDetails": details}}}) == subject


def test_a_role_whose_rights_were_changed_is_the_subject() -> None:
    assert quarantine.subject_of({"source": "aws.iam", "detail": {"requestParameters": {"roleName": "app-predict"}}}) == quarantine.Subject(
        "role", "app-predict"
    )
