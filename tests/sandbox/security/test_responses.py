"""Each case broken by somebody with an administrator's keys: mended, recorded, told. Nothing outside the stack is touched."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = [pytest.mark.sandbox, pytest.mark.spec("SEC-7c", "OPS-1c")]

PUBLIC = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
CLOSED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def public_access(stack: Any, bucket: str) -> dict[str, bool] | None:
    try:
        return stack.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError:
        return None


@pytest.mark.spec("SEC-7b", "SEC-4b")
def test_a_bucket_made_public_is_private_again_and_the_record_says_who_did_it(stack: Any, until: Any) -> None:
    bucket, s3 = stack.outputs["buckets"]["raw"], stack.client("s3")
    declared = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(PUBLIC))
    until(lambda: public_access(stack, bucket) == CLOSED)
    until(lambda: json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == declared)
    (record, *_) = until(lambda: stack.records("bucket exposed", bucket))
    assert record["status"] == "remediated" and record["caused_by"].endswith("user/sandbox-administrator")
    assert record["actions"] and all(action["undo"] for action in record["actions"])
    told = stack.told(bucket)
    assert "What was done" in told["Message"] and "take it back" in told["Message"] and "bucket exposed" in told["Subject"]


def test_a_deleted_bucket_policy_is_the_declared_one_again(stack: Any, until: Any) -> None:
    bucket, s3 = stack.outputs["buckets"]["predictions"], stack.client("s3")
    declared = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    s3.delete_bucket_policy(Bucket=bucket)
    until(lambda: _policy(s3, bucket) == declared)


def _policy(s3: Any, bucket: str) -> Any:
    try:
        return json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError:
        return None


@pytest.mark.spec("SEC-2a", "OPS-5b")
def test_a_stopped_trail_is_logging_again(stack: Any, until: Any) -> None:
    name = f"{stack.outputs['prefix']}-trail"
    stack.client("cloudtrail").stop_logging(Name=name)
    until(lambda: stack.client("cloudtrail").get_trail_status(Name=name)["IsLogging"])
    assert until(lambda: [each for each in stack.records("trail tampered with") if each["detected"] == "StopLogging"])


@pytest.mark.spec("SEC-2a")
def test_a_trail_that_records_nothing_any_more_records_what_it_did_before(stack: Any, until: Any) -> None:
    name, cloudtrail = f"{stack.outputs['prefix']}-trail", stack.client("cloudtrail")
    declared = cloudtrail.get_event_selectors(TrailName=name)["AdvancedEventSelectors"]
    blind = [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventSource", "Equals": ["nothing.amazonaws.com"]}]
    cloudtrail.put_event_selectors(TrailName=name, AdvancedEventSelectors=[{"Name": "blind", "FieldSelectors": blind}])
    until(lambda: cloudtrail.get_event_selectors(TrailName=name)["AdvancedEventSelectors"] == declared)


@pytest.mark.spec("SEC-2a")
def test_a_deleted_trail_is_there_again_with_its_bucket_and_its_key(stack: Any, until: Any) -> None:
    name, cloudtrail = f"{stack.outputs['prefix']}-trail", stack.client("cloudtrail")
    before = cloudtrail.describe_trails(trailNameList=[name])["trailList"][0]
    cloudtrail.delete_trail(Name=before["TrailARN"])
    (after,) = until(lambda: cloudtrail.describe_trails(trailNameList=[name])["trailList"])
    same = ("S3BucketName", "S3KeyPrefix", "KmsKeyId", "CloudWatchLogsLogGroupArn", "LogFileValidationEnabled", "IsMultiRegionTrail")
    assert {key: after.get(key) for key in same} == {key: before.get(key) for key in same}
    until(lambda: cloudtrail.get_trail_status(Name=name)["IsLogging"])


@pytest.mark.spec("SEC-8f")
def test_a_key_scheduled_for_deletion_stays_and_encrypts_again(stack: Any, until: Any) -> None:
    kms = stack.client("kms")
    key = kms.describe_key(KeyId=f"alias/{stack.outputs['prefix']}-data")["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    until(lambda: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled")
    assert kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert until(lambda: stack.records("key disabled or to be deleted", key))


@pytest.mark.spec("SEC-8f")
def test_a_key_that_was_disabled_or_stopped_rotating_does_so_again(stack: Any, until: Any) -> None:
    kms = stack.client("kms")
    key = kms.describe_key(KeyId=f"alias/{stack.outputs['prefix']}-models")["KeyMetadata"]["Arn"]
    kms.disable_key_rotation(KeyId=key)
    until(lambda: kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"])
    kms.disable_key(KeyId=key)
    until(lambda: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled")


def stack_group(stack: Any) -> str:
    groups = stack.client("ec2").describe_security_groups(Filters=[{"Name": "description", "Values": ["Lambda functions"]}])
    return groups["SecurityGroups"][0]["GroupId"]


def world_rules(stack: Any, group: str) -> list[dict[str, Any]]:
    rules = stack.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    return [rule for rule in rules if not rule["IsEgress"] and rule.get("CidrIpv4") == "0.0.0.0/0"]


OPEN = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@pytest.mark.spec("SEC-4c", "SEC-8b")
def test_a_security_group_opened_to_the_world_is_closed_again(stack: Any, until: Any) -> None:
    group = stack_group(stack)
    stack.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=OPEN)
    until(lambda: stack.records("security group opened", group))
    assert world_rules(stack, group) == []


@pytest.mark.spec("SEC-4c", "SEC-8b")
def test_a_security_group_opened_by_halves_of_the_world_is_closed_again(stack: Any, until: Any) -> None:
    group = stack_group(stack)
    halves = [{**OPEN[0], "IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]}]
    stack.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=halves)
    filters = [{"Name": "group-id", "Values": [group]}]
    rules = stack.client("ec2").describe_security_group_rules
    until(
        lambda: not [r for r in rules(Filters=filters)["SecurityGroupRules"] if not r["IsEgress"] and r.get("CidrIpv4", "").endswith("/1")]
    )


def role_of(stack: Any, name: str) -> str:
    """A role with the stack's prefix that may list buckets."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    stack.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return name


def give_rights(stack: Any, role: str) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    stack.client("iam").put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=json.dumps(everything))


def as_role(stack: Any, role: str) -> Any:
    made = stack.client("sts").assume_role(RoleArn=f"arn:aws:iam::123456789012:role/{role}", RoleSessionName="intruder")["Credentials"]
    from mlops.sandbox.context import Credentials

    return stack.aws.client("s3", Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))


def attached(stack: Any, role: str) -> list[str]:
    return [each["PolicyName"] for each in stack.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]]


@pytest.mark.spec("SEC-1a", "SEC-8h")
def test_a_role_that_was_given_rights_can_do_nothing_until_the_quarantine_is_taken_back(stack: Any, until: Any) -> None:
    role = role_of(stack, f"{stack.outputs['prefix']}-backdoor")
    give_rights(stack, role)
    until(lambda: attached(stack, role))
    with pytest.raises(ClientError, match="explicit deny"):
        as_role(stack, role).list_buckets()
    (record,) = until(lambda: stack.records("rights abused or changed", f"role/{role}"))
    command = record["actions"][0]["undo"]
    assert command.startswith("aws iam detach-role-policy")
    # What the record says takes it back, and taking it back is no new event.
    stack.client("iam").detach_role_policy(RoleName=role, PolicyArn=command.split("--policy-arn ")[1].split()[0])
    assert as_role(stack, role).list_buckets()["Buckets"]
    time.sleep(1)
    assert attached(stack, role) == []


@pytest.mark.spec("SEC-1a", "SEC-8e")
def test_a_role_that_was_made_an_administrator_or_opened_to_another_account_can_do_nothing(stack: Any, until: Any) -> None:
    iam, prefix = stack.client("iam"), stack.outputs["prefix"]
    administrator = role_of(stack, f"{prefix}-promoted")
    iam.attach_role_policy(RoleName=administrator, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    until(lambda: f"{prefix}-quarantine" in attached(stack, administrator))
    with pytest.raises(ClientError, match="explicit deny"):
        as_role(stack, administrator).list_buckets()
    (record,) = until(lambda: stack.records("rights abused or changed", f"role/{administrator}"))
    assert record["detected"] == "AttachRolePolicy" and record["status"] == "remediated"
    # What it had before is in the record, and stays attached for whoever looks into it.
    assert record["before"] == {"attached_policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}
    opened = role_of(stack, f"{prefix}-lent")
    foreign = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName=opened, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [foreign]}))
    until(lambda: attached(stack, opened) == [f"{prefix}-quarantine"])


def finding(role: str, severity: float = 8, kind: str = "AssumedRole") -> dict[str, Any]:
    return {
        "source": "aws.guardduty",
        "detail-type": "GuardDuty Finding",
        "detail": {
            "severity": severity,
            "type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
            "title": f"Credentials of {role} are used from outside AWS.",
            "resource": {"resourceType": "AccessKey", "accessKeyDetails": {"userType": kind, "userName": role}},
        },
    }


def send(stack: Any, event: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{stack.aws.running.endpoint}/_sandbox/events", data=json.dumps(event).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {stack.aws.running.administrator.secret_access_key}")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.spec("SEC-8g", "SEC-7b")
def test_a_role_that_guardduty_names_is_quarantined_and_people_are_told(stack: Any, until: Any) -> None:
    role = role_of(stack, f"{stack.outputs['prefix']}-exfiltrated")
    send(stack, finding(role, severity=5))
    assert "severity 5" in stack.told(role)["Message"]
    assert attached(stack, role) == [], "a finding of medium severity is told, not acted on"
    send(stack, finding(role))
    until(lambda: attached(stack, role))


@pytest.mark.spec("SEC-8g", "SEC-7c")
def test_the_role_of_a_function_that_guardduty_names_is_quarantined(stack: Any, until: Any) -> None:
    role = role_of(stack, f"{stack.outputs['prefix']}-mining")
    details = {"functionName": "miner", "role": f"arn:aws:iam::123456789012:role/{role}"}
    event = finding(role)
    detail = {
        **event["detail"],
        "type": "CryptoCurrency:Lambda/BitcoinTool.B",
        "resource": {"resourceType": "Lambda", "lambdaDetails": details},
    }
    send(stack, {**event, "detail": detail})
    until(lambda: attached(stack, role))


@pytest.mark.spec("SEC-8g")
def test_a_sample_finding_of_guardduty_is_told_and_nobody_is_quarantined_for_it(stack: Any) -> None:
    guardduty = stack.client("guardduty")
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    kind = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
    guardduty.create_sample_findings(DetectorId=detector, FindingTypes=[kind])
    assert "severity 8" in stack.told("[SAMPLE]")["Message"]
    (found,) = guardduty.get_findings(DetectorId=detector, FindingIds=guardduty.list_findings(DetectorId=detector)["FindingIds"])[
        "Findings"
    ]
    assert found["Type"] == kind
    with pytest.raises(ClientError, match="no samples of Made:Up"):
        guardduty.create_sample_findings(DetectorId=detector, FindingTypes=["Made:Up/Finding"])
    guardduty.delete_detector(DetectorId=detector)


def test_neither_the_deploying_role_nor_a_responder_is_ever_quarantined(stack: Any, until: Any) -> None:
    responder = f"{stack.outputs['prefix']}-quarantine-role"
    for name in ("sandbox-deployer", responder):
        send(stack, finding(name))
        give_rights(stack, name)
    marker = role_of(stack, f"{stack.outputs['prefix']}-marker")
    send(stack, finding(marker))
    until(lambda: attached(stack, marker))
    assert attached(stack, responder) == attached(stack, "sandbox-deployer") == []
    stack.client("iam").delete_role_policy(RoleName=responder, PolicyName="more")


@pytest.mark.spec("SEC-1c", "SEC-7b")
def test_an_access_key_made_for_a_user_of_the_stack_is_inactive(stack: Any, until: Any) -> None:
    iam, user = stack.client("iam"), f"{stack.outputs['prefix']}-somebody"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    until(lambda: iam.list_access_keys(UserName=user)["AccessKeyMetadata"][0]["Status"] == "Inactive")
    assert "CreateAccessKey" in stack.told("CreateAccessKey")["Message"]
    assert key["AccessKeyId"] in json.dumps(until(lambda: stack.records("rights abused or changed", f"user/{user}")))


def exposed(key: str) -> dict[str, Any]:
    """What AWS Health sends of a key that was found in public."""
    return {
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "detail": {
            "service": "RISK",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
            "eventTypeCategory": "issue",
            "affectedEntities": [{"entityValue": key}],
        },
    }


@pytest.mark.spec("SEC-1c", "SEC-7b", "SEC-7c")
def test_a_key_that_aws_found_in_public_is_inactive_and_its_user_may_do_nothing(stack: Any, until: Any) -> None:
    iam, user = stack.client("iam"), f"{stack.outputs['prefix']}-careless"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]

    def status() -> str:
        return iam.list_access_keys(UserName=user)["AccessKeyMetadata"][0]["Status"]

    # Somebody had looked into the new key, and released both.
    until(lambda: status() == "Inactive" and stack.records("rights abused or changed", f"user/{user}"))
    quarantine = iam.list_attached_user_policies(UserName=user)["AttachedPolicies"][0]["PolicyArn"]
    iam.detach_user_policy(UserName=user, PolicyArn=quarantine)
    iam.update_access_key(UserName=user, AccessKeyId=key, Status="Active")
    send(stack, exposed(key))
    assert "AWS_RISK_CREDENTIALS_EXPOSED" in stack.told(f"in public: {key}")["Message"]
    until(lambda: status() == "Inactive")
    records = until(
        lambda: [each for each in stack.records("rights abused or changed", f"user/{user}") if each["caused_by"] == "aws.health"]
    )
    assert [action["operation"] for action in records[0]["actions"]] == ["attach_user_policy", "update_access_key"]


def test_an_exposed_key_of_somebody_outside_the_stack_is_told_and_left_to_people(stack: Any) -> None:
    iam = stack.client("iam")
    iam.create_user(UserName="outsider")
    key = iam.create_access_key(UserName="outsider")["AccessKey"]["AccessKeyId"]
    send(stack, exposed(key))
    stack.told(f"in public: {key}")
    time.sleep(1)
    assert iam.list_access_keys(UserName="outsider")["AccessKeyMetadata"][0]["Status"] == "Active"
    assert iam.list_attached_user_policies(UserName="outsider")["AttachedPolicies"] == []


@pytest.mark.spec("SEC-7a", "SEC-7b", "OPS-4d")
def test_people_are_told_of_a_sign_in_of_the_root_user_and_of_one_without_a_second_factor(stack: Any) -> None:
    kind = "AWS Console Sign In via CloudTrail"
    root = {"userIdentity": {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}, "sourceIPAddress": "203.0.113.7"}
    send(stack, {"source": "aws.signin", "detail-type": kind, "detail": root})
    assert "203.0.113.7" in stack.told(":root")["Message"]
    person = {
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/careless"},
        "additionalEventData": {"MFAUsed": "No"},
        "responseElements": {"ConsoleLogin": "Success"},
        "sourceIPAddress": "203.0.113.8",
    }
    send(stack, {"source": "aws.signin", "detail-type": kind, "detail": person})
    stack.told("careless")


def test_what_does_not_belong_to_the_stack_is_left_alone(stack: Any, until: Any) -> None:
    s3, ec2 = stack.client("s3"), stack.client("ec2")
    s3.create_bucket(Bucket="somebody-elses", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_policy(Bucket="somebody-elses", Policy=json.dumps(PUBLIC))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="somebody-elses", Description="x", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=OPEN)
    key = stack.client("kms").create_key()["KeyMetadata"]["KeyId"]
    stack.client("kms").disable_key(KeyId=key)
    other = role_of(stack, "somebody-elses")
    give_rights(stack, other)
    # The responses to these came before the one to this.
    ours = stack_group(stack)
    ec2.authorize_security_group_ingress(GroupId=ours, IpPermissions=OPEN)
    until(lambda: not world_rules(stack, ours))
    time.sleep(1)
    assert json.loads(s3.get_bucket_policy(Bucket="somebody-elses")["Policy"]) == PUBLIC
    assert len(world_rules(stack, group)) == 1 and attached(stack, other) == []
    assert stack.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert not any(
        "somebody-elses" in json.dumps(each) for case in ("bucket exposed", "rights abused or changed") for each in stack.records(case)
    )


@pytest.mark.spec("SEC-2a")
def test_every_record_is_in_the_ledger_too(stack: Any, until: Any) -> None:
    (record, *_) = until(lambda: stack.records("security group opened"))
    key = {"id": {"S": f"security#{record['event']}#{record['case']}"}}
    item = stack.client("dynamodb").get_item(TableName=stack.outputs["ledger_table"], Key=key)["Item"]
    assert item["status"] == {"S": "remediated"} and item["record"]["S"].startswith("s3://")


def test_responses_answer_no_response_and_needed_no_right_they_do_not_have(stack: Any) -> None:
    by_responders = [
        record for case in _cases(stack) for record in stack.records(case) if "assumed-role/mlops-local" in record["caused_by"]
    ]
    assert by_responders == []
    queue = stack.client("sqs").get_queue_url(QueueName=f"{stack.outputs['prefix']}-security-failures")["QueueUrl"]
    failed = stack.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
    assert [(message["Body"], message.get("MessageAttributes")) for message in failed] == []
    quarantined = ("backdoor", "exfiltrated", "marker", "mining", "promoted", "lent", "careless")
    assert [entry for entry in stack.denied() if not entry["principal"].endswith(quarantined)] == []


def _cases(stack: Any) -> set[str]:
    bucket = stack.outputs["buckets"]["logs"]
    found = stack.client("s3").list_objects_v2(Bucket=bucket, Prefix="security/", Delimiter="/")["CommonPrefixes"]
    return {prefix["Prefix"].split("/")[1] for prefix in found}
