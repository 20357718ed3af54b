"""What only AWS answers: quotas of a new account, names that others hold, refusals, the simulator's answers, Pulumi's state."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from mlops.doctor.check import Finding, NotChecked
from mlops.doctor.context import Account, Context, NoCredentials, State, open_account, pulumi_state
from mlops.doctor.examination import all_checks, examine, looked
from mlops.doctor.permissions import PARTS, RIGHTS
from mlops.doctor.program import NAME_LIMITS
from mlops.project import Project
from mlops.sandbox.identity.actions import reference
from tests.unit.doctor.conftest import resource
from tests.unit.doctor.test_machine import command

Look = Callable[[str, Any], list[Finding]]
REGION, ACCOUNT = "eu-west-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployers/deployer"


class Stubbed(Account):
    """An account whose answers are laid down, in order, service by service."""

    def __init__(self, arn: str = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me") -> None:
        super().__init__(boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=REGION))
        self.stubs: dict[str, Stubber] = {}
        self.__dict__["caller"] = {"Account": ACCOUNT, "Arn": arn}

    def client(self, service: str, region: str | None = None) -> Any:
        made = super().client(service, REGION)
        if service not in self.stubs:
            self.stubs[service] = Stubber(made)
            self.stubs[service].activate()
        return made

    def says(self, service: str, operation: str, answer: dict[str, Any], **expected: Any) -> Stubbed:
        self.client(service)
        self.stubs[service].add_response(operation, answer, expected or None)
        return self

    def refuses(self, service: str, operation: str, code: str, message: str = "no", status: int = 400) -> Stubbed:
        self.client(service)
        self.stubs[service].add_client_error(operation, code, message, status)
        return self

    def all_said(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


def quota(name: str, value: float, service: str = "sagemaker", code: str = "L-4CEE6BA6") -> dict[str, Any]:
    return {"ServiceCode": service, "QuotaCode": code, "QuotaName": name, "Value": value}


def machine(**parameters: Any) -> Any:
    states = {"Train": {"Type": "Task", "Parameters": parameters}}
    return resource("aws:sfn/stateMachine:StateMachine", "m", definition=json.dumps({"StartAt": "Train", "States": states}))


TRAINING = machine(
    AlgorithmSpecification={"TrainingImage": "i"},
    EnableManagedSpotTraining=True,
    ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
)
NAME = "ml.m5.xlarge for spot training job usage"


@pytest.mark.parametrize(
    ("applied", "status", "wanted"), [(0.0, "problem", "2"), (1.0, "problem", "2"), (2.0, "ok", ""), (None, "problem", "2")]
)
def test_the_applied_quota_counts_before_the_default_value(
    applied: float | None, status: str, wanted: str, context: Any, examined: Look
) -> None:
    account = Stubbed()
    account.says("service-quotas", "list_aws_default_service_quotas", {"Quotas": [quota(NAME, 0.0)]}, ServiceCode="sagemaker")
    first = {"Quotas": [quota("something else", 9.0)], "NextToken": "more"}
    account.says("service-quotas", "list_service_quotas", first, ServiceCode="sagemaker")
    second = {"Quotas": [] if applied is None else [quota(NAME, applied)]}
    account.says("service-quotas", "list_service_quotas", second, ServiceCode="sagemaker", NextToken="more")
    (found,) = examined("quotas", context(TRAINING, account=account, state=State()))
    assert (found.status, found.subject) == (status, NAME)
    assert not wanted or f"--quota-code L-4CEE6BA6 --desired-value {wanted} --region {REGION}" in found.fix
    account.all_said()


def test_an_endpoint_needs_twice_its_fleet_when_it_is_updated(context: Any, examined: Look) -> None:
    variant = {"InstanceType": "ml.m6g.large", "InitialInstanceCount": 2}
    name = "ml.m6g.large for endpoint usage"
    account = Stubbed().says("service-quotas", "list_aws_default_service_quotas", {"Quotas": []})
    account.says("service-quotas", "list_service_quotas", {"Quotas": [quota(name, 3.0)]})
    declared = [machine(ProductionVariants=[variant]), machine(MaxCapacity=6)]
    (found,) = examined("quotas", context(declared[0], account=account, state=State()))
    assert found.status == "warning" and found.expected.startswith("4 ") and "--desired-value 4" in found.fix
    both = machine(ProductionVariants=[variant], Scaling={"MaxCapacity": 6})
    account = Stubbed().says("service-quotas", "list_aws_default_service_quotas", {"Quotas": []})
    account.says("service-quotas", "list_service_quotas", {"Quotas": [quota(name, 3.0)]})
    (found,) = examined("quotas", context(both, account=account, state=State()))
    assert found.expected.startswith("12 "), "both fleets as large as scaling lets them grow"


def test_a_quota_that_nobody_lists_or_may_list_is_not_checked(context: Any, examined: Look) -> None:
    account = Stubbed().says("service-quotas", "list_aws_default_service_quotas", {"Quotas": []})
    account.says("service-quotas", "list_service_quotas", {"Quotas": []})
    (found,) = examined("quotas", context(TRAINING, account=account, state=State()))
    assert found.status == "not_checked" and "no quota of this name" in found.why
    account = Stubbed().refuses("service-quotas", "list_aws_default_service_quotas", "AccessDeniedException", "not authorized")
    (found,) = examined("quotas", context(TRAINING, account=account, state=State()))
    assert found.status == "not_checked" and "no permission for ListAWSDefaultServiceQuotas" in found.why


def limits(total: int, unreserved: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": unreserved}}


def test_a_new_accounts_ten_executions_do_not_carry_the_apis_bursts(context: Any, examined: Look) -> None:
    settings = resource("aws:apigateway/methodSettings:MethodSettings", "s", settings={"throttlingBurstLimit": 100})
    function = resource("aws:lambda/function:Function", "f")
    account = Stubbed().says("lambda", "get_account_settings", limits(10, 10))
    (found,) = examined("lambda-concurrency", context(function, settings, account=account, state=State()))
    assert found.status == "warning" and "429" in found.expected and "--quota-code L-B99A9384" in found.fix


@pytest.mark.parametrize(("unreserved", "status"), [(105, "ok"), (104, "problem"), (10, "problem")])
def test_reserved_concurrency_leaves_a_hundred(unreserved: int, status: str, context: Any, examined: Look) -> None:
    function = resource("aws:lambda/function:Function", "f", name="f", reservedConcurrentExecutions=5)
    account = Stubbed().says("lambda", "get_account_settings", limits(unreserved, unreserved))
    (found,) = examined("lambda-concurrency", context(function, account=account, state=State()))
    assert found.status == status
    owned = State(frozenset({("aws:lambda/function:Function", "f")}))
    account = Stubbed().says("lambda", "get_account_settings", limits(unreserved, unreserved))
    (found,) = examined("lambda-concurrency", context(function, account=account, state=owned))
    assert found.status == "ok", "it has reserved them already"


def test_provisioned_concurrency_counts_as_reserved(context: Any, examined: Look) -> None:
    type_ = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    declared = [resource("aws:lambda/function:Function", "f", name="f"), resource(type_, "p", provisionedConcurrentExecutions=3)]
    account = Stubbed().says("lambda", "get_account_settings", limits(102, 102))
    (found,) = examined("lambda-concurrency", context(*declared, account=account, state=State()))
    assert found.status == "problem" and "--desired-value 103" in found.fix


def test_a_service_linked_role_that_is_there_is_not_made_again(context: Any, examined: Look) -> None:
    declared = resource("aws:iam/serviceLinkedRole:ServiceLinkedRole", "r", awsServiceName="config.amazonaws.com")
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    role = {"Path": "/", "RoleName": "AWSServiceRoleForConfig", "RoleId": "A" * 16, "Arn": arn, "CreateDate": datetime.now(UTC)}
    account = Stubbed().says("iam", "list_roles", {"Roles": [role]}, PathPrefix="/aws-service-role/config.amazonaws.com/")
    (found,) = examined("config-role", context(declared, account=account, state=State()))
    assert found.status == "problem" and found.found == arn and "config_role: existing" in found.fix


def test_a_full_account_has_no_room_for_roles(context: Any, examined: Look) -> None:
    account = Stubbed().says("iam", "get_account_summary", {"SummaryMap": {"Roles": 1000, "RolesQuota": 1000}})
    (found,) = examined("iam-quotas", context(resource("aws:iam/role:Role", "r", name="r"), account=account, state=State()))
    assert found.status == "problem" and "--quota-code L-FE177D64 --desired-value 1001 --region us-east-1" in found.fix


@pytest.mark.parametrize(
    ("code", "http", "status", "word"),
    [
        ("403", 403, "problem", "another account"),
        ("301", 301, "problem", "another region"),
        ("404", 404, "ok", "free"),
        ("500", 500, "not_checked", ""),
    ],
)
def test_a_bucket_name_may_belong_to_somebody_else(code: str, http: int, status: str, word: str, context: Any, examined: Look) -> None:
    account = Stubbed().refuses("s3", "head_bucket", code, "", http)
    (found,) = examined("buckets", context(resource("aws:s3/bucket:Bucket", "b", bucket="b-123456789012"), account=account, state=State()))
    assert found.status == status and word in found.found


def test_the_previews_account_is_replaced_by_the_real_one(context: Any, examined: Look) -> None:
    account = Stubbed()
    account.__dict__["caller"] = {"Account": "210987654321", "Arn": "arn:aws:iam::210987654321:user/me"}
    account.client("s3")
    account.stubs["s3"].add_client_error("head_bucket", "404", "", 404, expected_params={"Bucket": "raw-210987654321"})
    (found,) = examined(
        "buckets", context(resource("aws:s3/bucket:Bucket", "b", bucket="raw-123456789012"), account=account, state=State())
    )
    assert found.status == "ok"


def test_an_address_that_did_not_confirm_is_told(context: Any, examined: Look) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
    subscription = {
        "Protocol": "email",
        "Endpoint": "a@example.com",
        "SubscriptionArn": "PendingConfirmation",
        "TopicArn": topic,
        "Owner": ACCOUNT,
    }
    account = Stubbed().says("sns", "list_subscriptions_by_topic", {"Subscriptions": [subscription]}, TopicArn=topic)
    declared = [
        resource("aws:sns/topic:Topic", "t", name="alerts"),
        resource("aws:sns/topicSubscription:TopicSubscription", "s", protocol="email", endpoint="a@example.com"),
    ]
    (found,) = examined("subscriptions", context(*declared, account=account, state=State()))
    assert found.status == "warning" and "a@example.com" in found.found and "Request confirmation" in found.fix


def test_macies_one_code_for_two_things_is_told_apart(context: Any, examined: Look) -> None:
    declared = resource("aws:macie2/account:Account", "m")
    off = Stubbed().refuses("macie2", "get_macie_session", "AccessDeniedException", "Macie is not enabled.")
    assert [each.status for each in examined("macie", context(declared, account=off, state=State()))] == ["ok"]
    denied = Stubbed().refuses("macie2", "get_macie_session", "AccessDeniedException", "User is not authorized")
    assert [each.status for each in examined("macie", context(declared, account=denied, state=State()))] == ["not_checked"]


def test_security_hub_says_by_an_error_that_it_is_off(context: Any, examined: Look) -> None:
    account = Stubbed().refuses("securityhub", "describe_hub", "InvalidAccessException", "not subscribed")
    (found,) = examined("security-hub", context(resource("aws:securityhub/account:Account", "h"), account=account, state=State()))
    assert found.status == "ok" and "none yet" in found.found


def test_a_second_monitor_of_all_services_is_refused_by_aws(context: Any, examined: Look) -> None:
    arn = "arn:aws:ce::123456789012:anomalymonitor/x"
    declared = resource("aws:costexplorer/anomalyMonitor:AnomalyMonitor", "m", monitorType="DIMENSIONAL")
    answer = {"AnomalyMonitors": [{"MonitorName": "all", "MonitorType": "DIMENSIONAL", "MonitorArn": arn}]}
    account = Stubbed().says("ce", "get_anomaly_monitors", answer)
    (found,) = examined("anomaly-monitor", context(declared, account=account, state=State()))
    assert found.status == "problem" and found.found == arn and "mode: existing, monitor_arn" in found.fix
    tagged = resource("aws:costexplorer/anomalyMonitor:AnomalyMonitor", "m", monitorType="CUSTOM")
    assert examined("anomaly-monitor", context(tagged, account=Stubbed(), state=State())) == []


def test_a_key_that_is_not_there_is_a_problem(context: Any, examined: Look) -> None:
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    settings = {
        "mlops:keys": json.dumps({"mode": "existing", **dict.fromkeys(("data", "models", "predictions", "logs", "operations"), arn)})
    }
    account = Stubbed()
    for _ in range(5):
        account.refuses("kms", "describe_key", "NotFoundException")
    found = examined("existing-keys", context(account=account, settings=settings))
    assert {each.status for each in found} == {"problem"} and all("not there" in each.found for each in found)


@pytest.mark.parametrize(("seconds", "status"), [(1, "ok"), (90, "warning"), (400, "problem")])
def test_a_clock_that_is_off_is_a_problem_before_aws_refuses_every_call(seconds: int, status: str, context: Any, examined: Look) -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=seconds), usegmt=True)
    answer = {"Account": ACCOUNT, "Arn": ROLE, "UserId": "u", "ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    (found,) = examined("clock", context(account=Stubbed().says("sts", "get_caller_identity", answer)))
    assert found.status == status and (status == "ok" or "set-ntp" in found.fix)


def test_a_region_with_too_few_zones_and_without_a_type_is_told(context: Any, examined: Look) -> None:
    subnets = [resource("aws:ec2/subnet:Subnet", each, availabilityZone=f"{REGION}{each}") for each in "abc"]
    zones = [{"ZoneName": f"{REGION}{each}", "State": "available"} for each in "ab"]
    account = Stubbed().says("ec2", "describe_availability_zones", {"AvailabilityZones": zones})
    account.says("ec2", "describe_instance_type_offerings", {"InstanceTypeOfferings": []})
    where = context(*subnets, TRAINING, account=account)
    (found,) = examined("zones", where)
    assert found.status == "problem" and "availability_zones: 2" in found.fix
    (found,) = examined("instance-types", where)
    assert (found.status, found.subject) == ("problem", "ml.m5.xlarge") and "another type" in found.fix


def test_the_root_user_is_warned_of(context: Any, examined: Look) -> None:
    (found,) = examined("identity", context(account=Stubbed(f"arn:aws:iam::{ACCOUNT}:root")))
    assert found.status == "warning" and "role" in found.expected
    (found,) = examined("permissions", context(resource("aws:kms/key:Key", "k"), account=Stubbed(f"arn:aws:iam::{ACCOUNT}:root")))
    assert found.status == "not_checked"


def simulated(*results: dict[str, Any]) -> Stubbed:
    role = {"Path": "/deployers/", "RoleName": "deployer", "RoleId": "A" * 16, "Arn": ROLE, "CreateDate": datetime.now(UTC)}
    account = Stubbed().says("iam", "get_role", {"Role": role}, RoleName="deployer")
    answer = {"EvaluationResults": list(results), "IsTruncated": False}
    expected = {"PolicySourceArn": ROLE, "ActionNames": ["kms:CreateKey"], "ContextEntries": ANY}
    return account.says("iam", "simulate_principal_policy", answer, **expected)


KEY = resource("aws:kms/key:Key", "k", tagsAll={"Project": "mlops"})
ASKED = {"EvalActionName": "kms:CreateKey", "EvalResourceName": "*"}


def test_the_simulators_answers_are_told_apart(context: Any, examined: Look) -> None:
    def look(**answer: Any) -> Finding:
        (found,) = examined("permissions", context(KEY, account=simulated({**ASKED, **answer})))
        return found

    assert look(EvalDecision="allowed").status == "ok"
    denied = look(EvalDecision="explicitDeny")
    assert denied.status == "problem" and "explicit deny" in denied.found and f"allow it to {ROLE}" in denied.fix
    organisation = look(EvalDecision="implicitDeny", OrganizationsDecisionDetail={"AllowedByOrganizations": False})
    assert "service control policy" in organisation.found
    conditional = look(EvalDecision="implicitDeny", MissingContextValues=["aws:PrincipalTag/team"])
    assert conditional.status == "warning" and "aws:PrincipalTag/team" in conditional.found


def test_who_may_not_simulate_is_told_whom_to_ask(context: Any, examined: Look) -> None:
    account = Stubbed(f"arn:aws:iam::{ACCOUNT}:user/me").refuses("iam", "simulate_principal_policy", "AccessDenied", "not authorized")
    (found,) = examined("permissions", context(KEY, account=account))
    assert found.status == "not_checked" and "iam:SimulatePrincipalPolicy" in found.fix


def test_every_action_that_is_asked_about_exists_and_every_limit_has_a_source() -> None:
    actions = {action for rights in RIGHTS.values() for right in rights for action in right.actions}
    assert sorted(action for action in actions if reference.action(action) is None) == []
    assert len(actions) > 60
    assert all(limit.source.startswith("https://docs.aws.amazon.com/") for limit in NAME_LIMITS.values())


def test_a_type_whose_actions_nobody_knows_is_told_and_not_passed_over(context: Any, examined: Look) -> None:
    known = [resource("aws:sqs/queue:Queue", "q", name="q"), resource("aws:sqs/queuePolicy:QueuePolicy", "p")]
    assert examined("permissions-coverage", context(*known)) == []
    (found,) = examined("permissions-coverage", context(*known, resource("aws:rds/instance:Instance", "i")))
    assert found.status == "not_checked" and "aws:rds/instance:Instance" in found.why


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr"])
def test_the_stacks_types_have_their_actions(stack: str) -> None:
    recording = Path(__file__).parents[2] / "recordings" / f"{stack}.json"
    types = {each["type"] for each in json.loads(recording.read_text())["resources"].values() if each["type"].startswith("aws:")}
    unknown = [each for each in types if each not in RIGHTS and not PARTS.match(each)]
    assert sorted(unknown) == []


@pytest.mark.parametrize(("foundation", "stack"), [("account", "dev"), ("account", "prod"), ("org", "prod")])
def test_the_foundations_types_have_their_actions(foundation: str, stack: str) -> None:
    where = Context(Project.at(Path(__file__).parents[3] / "foundations" / foundation), stack)
    (check,) = [each for each in all_checks() if each.id == "permissions-coverage"]
    assert looked(check, where) == [] and len(where.preview.resources) > 5


@pytest.mark.parametrize(
    ("status", "fix"), [("not-opted-in", "aws account enable-region"), ("opted-in", "--global-endpoint-token-version v2Token")]
)
def test_a_region_that_does_not_know_the_caller_is_told_from_bad_credentials(status: str, fix: str, context: Any, examined: Look) -> None:
    account = Stubbed()
    del account.__dict__["caller"]
    account.refuses("sts", "get_caller_identity", "InvalidClientTokenId", "The security token included in the request is invalid", 403)
    account.says("sts", "get_caller_identity", {"Account": ACCOUNT, "Arn": ROLE, "UserId": "A"})
    regions = [{"RegionName": REGION, "OptInStatus": status}, {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"}]
    account.says("ec2", "describe_regions", {"Regions": regions}, AllRegions=True)
    where = context(account=account, state=State())
    (found,) = examined("region", where)
    assert found.status == "problem" and fix in found.fix
    (found,) = examined("api-log-role", where)
    assert found.status == "not_checked" and "the check `region`" in found.fix and "InvalidClientTokenId" in found.why
    account.all_said()


def test_credentials_that_no_region_takes_are_refused(context: Any) -> None:
    account = Stubbed()
    del account.__dict__["caller"]
    for _ in range(2):
        account.refuses("sts", "get_caller_identity", "InvalidClientTokenId", "The security token included in the request is invalid", 403)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        account.caller  # noqa: B018
    assert account.refusal == ""


def test_credentials_that_aws_refuses_are_no_credentials(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def expired(_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "The security token is expired"}}, "GetCallerIdentity")

    monkeypatch.setattr(Account, "caller", property(expired))
    where = context()
    with pytest.raises(NoCredentials) as caught:
        open_account(where)
    assert "ExpiredToken" in caught.value.why and "aws sso login" in caught.value.fix
    examination = examine(where)
    assert examination.account == "no_credentials" and examination.exit_code in (1, 3)
    asked = [each for each in examination.examined if each.check.aws]
    assert len(asked) > 20 and {finding.status for each in asked for finding in each.findings} == {"not_checked"}


STATE = {
    "deployment": {
        "resources": [
            {"type": "mlops:blocks:Table", "custom": False},
            {
                "type": "aws:sqs/queue:Queue",
                "custom": True,
                "id": "https://sqs/mlops-dev-q",
                "outputs": {"name": "mlops-dev-q", "arn": "arn:q"},
            },
        ]
    }
}


def test_pulumis_state_tells_whose_a_name_is(context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = command(tmp_path / "bin", "pulumi", json.dumps(STATE))
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    state = pulumi_state(context())
    assert state.has("aws:sqs/queue:Queue", "mlops-dev-q") and not state.has("aws:sqs/queue:Queue", "other")
    assert state.types == {"aws:sqs/queue:Queue": 1}


@pytest.mark.parametrize(
    ("says", "known"), [("error: no stack named 'dev' found", True), ("error: PULUMI_ACCESS_TOKEN must be set for login", False)]
)
def test_a_stack_that_pulumi_does_not_know_has_nothing_yet_and_without_a_login_nobody_knows(
    says: str, known: bool, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = command(tmp_path / "bin", "pulumi", "")
    path.write_text(f'#!/bin/sh\necho "{says}" >&2\nexit 255\n')
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    if known:
        assert pulumi_state(context()) == State()
    else:
        with pytest.raises(NotChecked, match="stack export"):
            pulumi_state(context())
