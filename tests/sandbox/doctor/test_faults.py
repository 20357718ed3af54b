"""Each fault is found with its remedy, and nothing else is; an empty account has none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mlops.doctor.check import Finding
from mlops.doctor.context import State
from tests.sandbox.doctor.conftest import ENDPOINT, REGION, SPOT, Doctor

pytestmark = pytest.mark.sandbox
ACCOUNT = "123456789012"


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {each.subject: each for each in findings}


def problems(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.status == "problem"]


def test_a_new_account_lacks_the_spot_quota_and_what_its_foundation_makes_and_nothing_else(doctor: Doctor) -> None:
    found = doctor.all()
    assert {id_: [each.subject for each in problems(findings)] for id_, findings in found.items() if problems(findings)} == {
        "quotas": [SPOT],
        "api-log-role": [""],
    }
    spot = by_subject(found["quotas"])[SPOT]
    assert spot.found == "0" and "at least 1" in spot.expected
    assert "request-service-quota-increase --service-code sagemaker --quota-code L-" in spot.fix and "--desired-value 3" in spot.fix
    assert ENDPOINT not in by_subject(found["quotas"]), "two instances are enough: the deployment builds the second fleet beside the first"
    unasked = [each for findings in found.values() for each in findings if each.status == "not_checked"]
    assert {each.why for each in unasked} == {"the sandbox has no such quota: it would enforce none"}


def test_addresses_and_networks_that_others_use_are_counted(doctor: Doctor, undo: Any) -> None:
    ec2 = doctor.client("ec2")
    for _ in range(5):
        undo(ec2.release_address, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])
    for number in range(4):
        undo(ec2.delete_vpc, VpcId=ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"])
    found = by_subject(problems(doctor.look("quotas")))
    assert set(found) == {SPOT, "EC2-VPC Elastic IPs", "VPCs per Region"}
    assert found["VPCs per Region"].found == "5, 5 in use" and "at least 6" in found["VPCs per Region"].expected
    assert "--quota-code L-0263D0A3" in found["EC2-VPC Elastic IPs"].fix
    own = State(types={"aws:ec2/eip:Eip": 5, "aws:ec2/vpc:Vpc": 4})
    assert set(by_subject(problems(doctor.look("quotas", state=own)))) == {SPOT}, "what the stack has itself is not needed a second time"


def test_lambda_must_keep_a_hundred_unreserved(doctor: Doctor) -> None:
    (found,) = doctor.look("lambda-concurrency")
    assert found.status == "ok" and "1000 at the same time" in found.found


def test_five_trails_leave_no_room_for_one_more(doctor: Doctor, undo: Any) -> None:
    trails, s3 = doctor.client("cloudtrail"), doctor.client("s3")
    s3.create_bucket(Bucket="others-trail", CreateBucketConfiguration={"LocationConstraint": REGION})
    undo(s3.delete_bucket, Bucket="others-trail")
    for number in range(5):
        trails.create_trail(Name=f"other-{number}", S3BucketName="others-trail")
        undo(trails.delete_trail, Name=f"other-{number}")
    (found,) = doctor.look("trails")
    assert found.status == "problem" and "mode: existing" in found.fix and "other-0" in found.fix


LEFT_OVER = {
    "LogGroup /aws/lambda/mlops-dev-flights-predict": (
        "logs",
        "create_log_group",
        {"logGroupName": "/aws/lambda/mlops-dev-flights-predict"},
        "delete_log_group",
    ),
    "Queue mlops-dev-health-failures": ("sqs", "create_queue", {"QueueName": "mlops-dev-health-failures"}, None),
    "Table mlops-dev-ledger": (
        "dynamodb",
        "create_table",
        {
            "TableName": "mlops-dev-ledger",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
        "delete_table",
    ),
}


@pytest.mark.parametrize("subject", LEFT_OVER)
def test_a_name_left_over_by_an_earlier_stack_is_found_and_no_other(subject: str, doctor: Doctor) -> None:
    service, make, parameters, _ = LEFT_OVER[subject]
    client = doctor.client(service)
    made = getattr(client, make)(**parameters)
    try:
        (found,) = doctor.look("names")
        assert (found.status, found.subject) == ("problem", subject)
        assert "delete" in found.fix and "pulumi import" in found.fix
        type_, name = found.fix.split("pulumi import ")[1].split()[0], subject.split()[1]
        assert [each.status for each in doctor.look("names", state=State(frozenset({(type_, name)})))] == ["ok"], "its own is no obstacle"
        (unknown,) = doctor.look("names", state=None)
        assert unknown.status == "warning" and "Pulumi's state" in unknown.expected
    finally:
        if service == "sqs":
            client.delete_queue(QueueUrl=made["QueueUrl"])
        else:
            first = next(iter(parameters))
            getattr(client, str(LEFT_OVER[subject][3]))(**{first: parameters[first]})


def test_a_bucket_that_is_there_is_found(doctor: Doctor, undo: Any) -> None:
    s3, name = doctor.client("s3"), f"mlops-dev-raw-{ACCOUNT}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    undo(s3.delete_bucket, Bucket=name)
    (found,) = doctor.look("buckets")
    assert (found.status, found.subject) == ("problem", name) and f"aws s3 rb s3://{name}" in found.fix


def test_of_several_faults_at_once_each_is_found_and_nothing_else_changes(doctor: Doctor, undo: Any) -> None:
    def seen() -> set[tuple[str, str, str]]:
        return {(id_, each.subject, each.status) for id_, findings in doctor.all().items() for each in findings}

    before, bucket, table = seen(), f"mlops-dev-logs-{ACCOUNT}", "mlops-dev-ledger"
    ec2, s3, dynamodb = (doctor.client(each) for each in ("ec2", "s3", "dynamodb"))
    for _ in range(5):
        undo(ec2.release_address, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    undo(s3.delete_bucket, Bucket=bucket)
    dynamodb.create_table(**LEFT_OVER[f"Table {table}"][2])
    undo(dynamodb.delete_table, TableName=table)
    assert seen() - before == {
        ("quotas", "EC2-VPC Elastic IPs", "problem"),
        ("buckets", bucket, "problem"),
        ("names", f"Table {table}", "problem"),
    }


def test_a_region_that_is_off_or_not_there_is_a_problem(doctor: Doctor) -> None:
    (found,) = doctor.look("region")
    assert (found.status, found.subject) == ("ok", REGION)
    settings = {"mlops:recovery": json.dumps({"peer": {"stack": "prod-dr", "region": "ap-east-1"}})}
    off = by_subject(doctor.look("region", settings=settings))["ap-east-1"]
    assert off.status == "problem" and "aws account enable-region --region-name ap-east-1" in off.fix
    settings = {"mlops:recovery": json.dumps({"peer": {"stack": "prod-dr", "region": "eu-moon-1"}})}
    assert by_subject(doctor.look("region", settings=settings))["eu-moon-1"].status == "problem"


def test_things_of_another_account_in_the_settings_are_a_problem(doctor: Doctor) -> None:
    assert [each.status for each in doctor.look("account")] == ["ok"]
    foreign = "arn:aws:iam::999999999999:policy/boundary/company"
    (found,) = doctor.look("account", settings={"mlops:identity": json.dumps({"boundary": "existing", "boundary_arn": foreign})})
    assert found.status == "problem" and found.found == foreign and found.subject == "mlops:identity"
    (found,) = doctor.look("account", settings={"aws:allowedAccountIds": '["999999999999"]'})
    assert found.status == "problem" and "AWS_PROFILE" in found.fix


def test_the_log_role_of_another_stack_is_told_before_it_is_replaced(doctor: Doctor, account_doctor: Doctor, undo: Any) -> None:
    doctor = replace(doctor, stack="local")  # which is alone in its account
    gateway, iam = doctor.client("apigateway"), doctor.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName="others-api-logs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    undo(iam.delete_role, RoleName="others-api-logs")
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}])
    undo(gateway.update_account, patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}])
    (found,) = doctor.look("api-log-role")
    assert (found.status, found.found) == ("warning", arn) and "mlops:api: { log_role: existing }" in found.fix
    (found,) = account_doctor.look("api-log-role")
    assert found.status == "warning" and "mlops-account:guards: { api_gateway_log_role: existing }" in found.fix
    (own,) = doctor.look("api-log-role", state=State(types={"aws:apigateway/account:Account": 1}))
    assert own.status == "ok"


def test_what_exists_once_is_free_in_an_empty_account(account_doctor: Doctor) -> None:
    ids = ("guardduty", "security-hub", "config-recorder", "config-role", "password-policy", "oidc", "registry-policy", "api-log-role")
    ids += ("public-access-block", "ebs-encryption")
    assert [(each.status, each.found) for each in account_doctor.look(*ids)] == [("ok", "none yet: the stack makes it")] * len(ids)


def test_a_second_detector_hub_and_provider_are_problems_and_settings_that_would_be_replaced_are_warnings(
    account_doctor: Doctor, undo: Any
) -> None:
    guardduty, hub, iam, config = (account_doctor.client(each) for each in ("guardduty", "securityhub", "iam", "config"))
    undo(guardduty.delete_detector, DetectorId=guardduty.create_detector(Enable=True)["DetectorId"])
    hub.enable_security_hub(EnableDefaultStandards=False)
    undo(hub.disable_security_hub)
    host = "token.actions.githubusercontent.com"
    arn = iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
    undo(iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
    config.put_configuration_recorder(ConfigurationRecorder={"name": "theirs", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config"})
    undo(config.delete_configuration_recorder, ConfigurationRecorderName="theirs")
    iam.update_account_password_policy(MinimumPasswordLength=20)
    undo(iam.delete_account_password_policy)
    ids = {"guardduty": "guardduty", "security-hub": "security_hub", "config-recorder": "config", "oidc": "mode"}
    for id_, member in ids.items():
        (found,) = account_doctor.look(id_)
        assert found.status == "problem" and f"{member}: existing" in found.fix, id_
    (found,) = account_doctor.look("password-policy")
    assert found.status == "warning" and "password_policy: existing" in found.fix
    (found,) = account_doctor.look("public-access-block")
    assert found.status == "ok"


def test_a_singleton_that_the_settings_take_over_must_be_there(account_doctor: Doctor, undo: Any) -> None:
    settings = {"mlops-account:detection": json.dumps({"emails": ["a@example.com"], "macie": "existing"})}
    (found,) = account_doctor.look("macie", settings=settings)
    assert found.status == "problem" and "macie: create" in found.fix
    macie = account_doctor.client("macie2")
    macie.enable_macie()
    undo(macie.disable_macie)
    (found,) = account_doctor.look("macie", settings=settings)
    assert found.status == "ok"


def test_a_network_that_is_brought_along_must_have_its_subnets_in_two_zones_for_prod(doctor: Doctor, undo: Any) -> None:
    ec2 = doctor.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    undo(ec2.delete_vpc, VpcId=vpc)
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"] for n in range(2)
    ]
    for subnet in subnets:
        undo(ec2.delete_subnet, SubnetId=subnet)

    def settings(vpc_id: str, environment: str = "prod") -> dict[str, str]:
        network = {"mode": "existing", "vpc_id": vpc_id, "private_subnet_ids": subnets}
        return {"mlops:network": json.dumps(network), "mlops:stack": json.dumps({"environment": environment})}

    (found,) = doctor.look("existing-network", settings=settings(vpc))
    assert (found.status, found.subject) == ("problem", "zones")
    assert [each.status for each in doctor.look("existing-network", settings=settings(vpc, "dev"))] == ["ok"]
    (found,) = doctor.look("existing-network", settings=settings("vpc-0123456789abcdef0"))
    assert found.status == "problem" and "not there" in found.found
    assert doctor.look("existing-network") == [], "the stack makes its own"


def test_keys_that_are_brought_along_must_be_enabled_and_admit_the_services(doctor: Doctor) -> None:
    kms = doctor.client("kms")
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}

    def key(*services: str) -> str:
        admit = [{"Effect": "Allow", "Principal": {"Service": each}, "Action": "kms:*", "Resource": "*"} for each in services]
        return kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [root, *admit]}))["KeyMetadata"]["Arn"]

    disabled, plain, logs = key(), key(), key(f"logs.{REGION}.amazonaws.com")
    kms.disable_key(KeyId=disabled)
    gone = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    keys = {"mode": "existing", "data": plain, "models": disabled, "predictions": gone, "logs": logs, "operations": plain}
    found = by_subject(doctor.look("existing-keys", settings={"mlops:keys": json.dumps(keys)}))
    assert {subject: each.status for subject, each in found.items()} == {
        "data": "ok",
        "models": "problem",
        # A key that is not there has no policy that lets anybody look, in the sandbox as for most on AWS.
        "predictions": "not_checked",
        "logs": "ok",
        "operations": "problem",
    }
    assert "enable-key" in found["models"].fix and "kms:DescribeKey" in found["predictions"].why
    assert "events.amazonaws.com" in found["operations"].found and "budgets.amazonaws.com" in found["operations"].found


def test_a_bucket_that_is_brought_along_must_tell_eventbridge(doctor: Doctor, undo: Any) -> None:
    s3 = doctor.client("s3")
    s3.create_bucket(Bucket="company-raw", CreateBucketConfiguration={"LocationConstraint": REGION})
    undo(s3.delete_bucket, Bucket="company-raw")
    settings = {"mlops:lake": json.dumps({"raw_mode": "existing", "raw_bucket": "company-raw"})}
    (found,) = doctor.look("existing-bucket", settings=settings)
    assert (found.status, found.subject) == ("problem", "events") and "put-bucket-notification-configuration" in found.fix
    s3.put_bucket_notification_configuration(Bucket="company-raw", NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert [each.status for each in doctor.look("existing-bucket", settings=settings)] == ["ok"]


def test_a_stack_that_brings_no_log_role_needs_the_accounts(doctor: Doctor, undo: Any) -> None:
    (found,) = doctor.look("api-log-role")
    assert found.status == "problem" and "foundations/account" in found.fix and "mlops:api: { log_role: create }" in found.fix
    gateway, arn = doctor.client("apigateway"), f"arn:aws:iam::{ACCOUNT}:role/mlops-account-api-logs"
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}])
    undo(gateway.update_account, patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}])
    (found,) = doctor.look("api-log-role")
    assert found.status == "ok" and arn in found.found


def test_a_boundary_a_trail_a_connection_and_administrators_that_are_not_there_are_problems(doctor: Doctor) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/mlops/mlops-boundary"
    settings = {
        "mlops:identity": json.dumps({"boundary": "existing", "boundary_arn": boundary}),
        "mlops:audit": json.dumps({"mode": "existing", "trail_arn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/none"}),
        "mlops:keys": json.dumps({"administrators": [f"arn:aws:iam::{ACCOUNT}:role/nobody"]}),
        "mlops:recovery": json.dumps({"peer": {"stack": "prod-dr", "region": "eu-north-1"}, "replicate": ["buckets"]}),
    }
    remedies = {
        "existing-boundary": "foundations/account",
        "existing-trail": "mlops:audit.trail_arn",
        "key-administrators": "mlops:keys.administrators",
        "peer": "pulumi up --stack prod-dr first",
    }
    for id_, remedy in remedies.items():
        (found,) = doctor.look(id_, settings=settings)
        assert found.status == "problem" and remedy in found.fix, id_


def test_a_pending_connection_stops_the_pipeline(doctor: Doctor) -> None:
    (own,) = doctor.look("connection")
    assert own.status == "warning" and "Update pending connection" in own.fix
    client = doctor.client("codeconnections")
    arn = client.create_connection(ProviderType="GitHub", ConnectionName="company")["ConnectionArn"]
    source = {"provider": "codeconnections", "repository": "example/mlops", "connection_arn": arn}
    (found,) = doctor.look("connection", settings={"mlops:cicd": json.dumps({"source": source})})
    assert found.status == "problem" and found.found == f"{arn} is PENDING" and "Update pending connection" in found.fix


def test_addresses_that_will_be_asked_to_confirm_are_named(doctor: Doctor, undo: Any) -> None:
    (before,) = doctor.look("subscriptions")
    assert before.status == "ok" and "ml-platform-dev@example.com gets a message to confirm" in before.found
    sns = doctor.client("sns")
    arn = sns.create_topic(Name="mlops-dev-alerts")["TopicArn"]
    undo(sns.delete_topic, TopicArn=arn)
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ml-platform-dev@example.com")
    (after,) = doctor.look("subscriptions")
    assert after.found == "1 confirmed", "the sandbox sends no mail and confirms by itself"


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SIMULATE = {"Effect": "Allow", "Action": ["iam:GetRole", "iam:SimulatePrincipalPolicy"], "Resource": "*"}


def test_a_denied_right_is_found_with_the_statement_that_gives_it_and_no_other(doctor: Doctor) -> None:
    no_queues = {"Effect": "Deny", "Action": "sqs:CreateQueue", "Resource": "*"}
    found = doctor.look("permissions", keys=doctor.role("deployer-without-queues", EVERYTHING, no_queues))
    assert {each.status for each in found} == {"problem"} and {each.subject.split()[0] for each in found} == {"sqs:CreateQueue"}
    assert "explicit deny" in found[0].found and '"Action": "sqs:CreateQueue"' in found[0].fix and "deployer-without-queues" in found[0].fix


def test_rights_within_a_boundary_only_count_there(doctor: Doctor) -> None:
    iam = doctor.client("iam")
    lid = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": "kms:CreateKey", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="lid", PolicyDocument=json.dumps(lid))["Policy"]["Arn"]
    (found,) = doctor.look("permissions", keys=doctor.role("bounded-deployer", EVERYTHING, boundary=arn))
    assert found.status == "problem" and found.subject == "kms:CreateKey on *"


def test_who_may_not_simulate_is_told_so_and_nothing_is_called_allowed(doctor: Doctor) -> None:
    (found,) = doctor.look("permissions", keys=doctor.role("deployer-in-the-dark", {**EVERYTHING, "Action": "s3:*"}))
    assert found.status == "not_checked" and "permission" in found.why


def test_a_caller_without_rights_gets_no_ok_from_any_account_check_that_asks(doctor: Doctor) -> None:
    keys = doctor.role("nobody-in-particular", {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"})
    found = doctor.all(keys=keys)
    asked = {"quotas", "names", "buckets", "nat", "iam-quotas", "trails", "region", "zones", "permissions", "api-log-role"}
    assert asked <= set(found)
    statuses = {each.status for id_ in asked - {"buckets"} for each in found[id_]}
    assert statuses == {"not_checked"}


def test_the_role_that_deploys_should_be_named_in_the_settings(doctor: Doctor) -> None:
    keys = doctor.role("some-deployer", EVERYTHING)
    settings = {"mlops:security": json.dumps({"deployers": ["github-mlops-dev-deploy"], "dry_run": False})}
    found = by_subject(doctor.look("identity", keys=keys, settings=settings))
    assert found["deployers"].status == "warning" and "deployers: [some-deployer]" in found["deployers"].fix
    settings = {"mlops:security": json.dumps({"deployers": ["some-deployer"], "dry_run": False})}
    assert "deployers" not in by_subject(doctor.look("identity", keys=keys, settings=settings))


def test_a_service_role_that_nobody_may_make_is_a_problem(account_doctor: Doctor) -> None:
    assert {each.status for each in account_doctor.look("service-linked-roles")} == {"ok"}
    denied = {"Effect": "Deny", "Action": "iam:CreateServiceLinkedRole", "Resource": "*"}
    keys = account_doctor.role("deployer-without-service-roles", EVERYTHING, denied)
    found = by_subject(account_doctor.look("service-linked-roles", keys=keys))
    assert {each.status for each in found.values()} == {"problem"}
    assert "create-service-linked-role --aws-service-name guardduty.amazonaws.com" in found["AWSServiceRoleForAmazonGuardDuty"].fix
