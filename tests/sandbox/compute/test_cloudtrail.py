"""CloudTrail records what was changed, by whom; a trail delivers it to EventBridge, its bucket and its log group while it is logging."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox


def bucket_of_a_trail(aws: Any, trail: str) -> str:
    name = aws.name("trail-bucket")
    aws.client("s3").create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/trail/*",
        "Condition": {"StringEquals": {"aws:SourceArn": aws.arn("cloudtrail", f"trail/{trail}")}},
    }
    aws.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


@pytest.fixture
def trail(aws: Any) -> Iterator[Any]:
    """(name, bucket, queue address) of a trail that is logging; the queue gets its events."""
    name = aws.name("trail")
    bucket = bucket_of_a_trail(aws, name)
    aws.client("cloudtrail").create_trail(Name=name, S3BucketName=bucket, S3KeyPrefix="trail", IsMultiRegionTrail=True)
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    rule = aws.name("rule")
    aws.client("events").put_rule(Name=rule, EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"]}))
    aws.client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    aws.client("cloudtrail").start_logging(Name=name)
    yield name, bucket, url
    aws.client("events").remove_targets(Rule=rule, Ids=["1"])
    for each in aws.client("cloudtrail").list_trails()["Trails"]:
        aws.client("cloudtrail").delete_trail(Name=each["TrailARN"])


def seen(aws: Any, url: str, event_name: str, wait: Any) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def arrived() -> bool:
        for message in aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"]))
            aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return any(event["detail"]["eventName"] == event_name for event in found)

    wait(arrived)
    return next(event for event in found if event["detail"]["eventName"] == event_name)


@pytest.mark.spec("SEC-2a", "OPS-5b")
def test_a_changed_bucket_policy_becomes_an_event_that_says_who_and_what(aws: Any, trail: Any, wait: Any) -> None:
    bucket = aws.name("changed")
    aws.client("s3").create_bucket(Bucket=bucket)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    event = seen(aws, trail[2], "PutBucketPolicy", wait)
    detail = event["detail"]
    assert event["source"] == "aws.s3" and detail["eventSource"] == "s3.amazonaws.com"
    assert detail["requestParameters"]["bucketName"] == bucket
    assert detail["userIdentity"]["type"] == "IAMUser" and detail["userIdentity"]["userName"] == "sandbox-administrator"
    assert detail["readOnly"] is False and "errorCode" not in detail


@pytest.mark.spec("SEC-2a")
def test_a_refused_call_is_recorded_with_its_error_and_the_role_behind_the_session(aws: Any, trail: Any, wait: Any) -> None:
    code = "import boto3\ndef handler(event, context):\n    boto3.client('iam').create_user(UserName='intruder')\n"
    function = aws.function(code)
    assert "FunctionError" in aws.invoke(function)
    detail = seen(aws, trail[2], "CreateUser", wait)["detail"]
    assert detail["errorCode"] == "AccessDenied" and detail["requestParameters"] == {"userName": "intruder"}
    issuer = detail["userIdentity"]["sessionContext"]["sessionIssuer"]
    assert detail["userIdentity"]["type"] == "AssumedRole" and issuer["arn"].startswith("arn:aws:iam::123456789012:role/role-")


def test_an_opened_security_group_is_shaped_as_ec2_shapes_it(aws: Any, trail: Any, wait: Any) -> None:
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = aws.client("ec2").create_security_group(GroupName=aws.name("group"), Description="x", VpcId=vpc)["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    detail = seen(aws, trail[2], "AuthorizeSecurityGroupIngress", wait)["detail"]
    (item,) = detail["requestParameters"]["ipPermissions"]["items"]
    assert detail["requestParameters"]["groupId"] == group and item["ipRanges"]["items"] == [{"cidrIp": "0.0.0.0/0"}]
    (made,) = detail["responseElements"]["securityGroupRules"]["items"]
    assert made["securityGroupRuleId"].startswith("sgr-")


@pytest.mark.spec("SEC-2a", "OPS-5b")
def test_records_are_written_to_the_trails_bucket(aws: Any, trail: Any, wait: Any) -> None:
    name, bucket, _ = trail
    aws.client("iam").create_group(GroupName=aws.name("recorded"))

    def records() -> list[dict[str, Any]]:
        found = []
        for item in aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="trail/AWSLogs/123456789012/CloudTrail/").get("Contents", []):
            body = aws.client("s3").get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            found += json.loads(gzip.decompress(body))["Records"]
        return found

    wait(lambda: any(entry["eventName"] == "CreateGroup" for entry in records()))
    assert not any(entry["eventName"].startswith(("Get", "List", "Describe")) for entry in records())
    assert aws.client("cloudtrail").get_trail_status(Name=name)["LatestDeliveryTime"]


def test_a_bucket_that_does_not_admit_the_trail_gets_nothing_and_the_status_says_why(aws: Any, trail: Any, wait: Any) -> None:
    name, bucket, _ = trail
    aws.client("s3").delete_bucket_policy(Bucket=bucket)
    aws.client("iam").create_group(GroupName=aws.name("unrecorded"))
    wait(lambda: aws.client("cloudtrail").get_trail_status(Name=name).get("LatestDeliveryError"))


@pytest.mark.spec("SEC-2a")
def test_a_stopped_trail_delivers_its_own_end_and_nothing_after_it(aws: Any, trail: Any, wait: Any) -> None:
    name, _, url = trail
    aws.client("cloudtrail").stop_logging(Name=name)
    assert aws.client("cloudtrail").get_trail_status(Name=name)["IsLogging"] is False
    assert seen(aws, url, "StopLogging", wait)["detail"]["requestParameters"] == {"name": name}
    group = aws.name("silent")
    aws.client("iam").create_group(GroupName=group)
    wait(lambda: any(group in event["CloudTrailEvent"] for event in looked_up(aws, "CreateGroup")))
    messages = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert not [message for message in messages if group in message["Body"]]


def looked_up(aws: Any, name: str) -> list[dict[str, Any]]:
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    return aws.client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]


def test_the_event_history_is_kept_without_a_trail_and_names_the_user(aws: Any, wait: Any) -> None:
    aws.client("iam").create_group(GroupName=aws.name("history"))
    wait(lambda: looked_up(aws, "CreateGroup"))
    assert looked_up(aws, "CreateGroup")[0]["Username"] == "sandbox-administrator"
    assert looked_up(aws, "ListGroups") == []


@pytest.mark.spec("SEC-2a")
def test_objects_are_recorded_where_the_selectors_ask_for_them(aws: Any, trail: Any, wait: Any) -> None:
    name, _, url = trail
    watched, other = aws.name("watched"), aws.name("other")
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{watched}/"]},
    ]
    aws.client("cloudtrail").put_event_selectors(TrailName=name, AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": fields}])
    for bucket in (other, watched):
        aws.client("s3").create_bucket(Bucket=bucket)
        aws.client("s3").put_object(Bucket=bucket, Key="a/b", Body=b"x")
    detail = seen(aws, url, "PutObject", wait)["detail"]
    assert detail["requestParameters"]["bucketName"] == watched and detail["resources"][0]["ARN"] == f"arn:aws:s3:::{watched}/a/b"
    assert detail["managementEvent"] is False


def test_deleting_a_trail_that_is_not_there_is_refused(aws: Any) -> None:
    with pytest.raises(ClientError, match="TrailNotFound"):
        aws.client("cloudtrail").delete_trail(Name="nobody-made-me")


def post(aws: Any, event: Any, secret: str) -> int:
    request = urllib.request.Request(f"{aws.running.endpoint}/_sandbox/events", data=json.dumps(event).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {secret}")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_what_only_aws_can_send_enters_by_the_administrators_door(aws: Any) -> None:
    url, arn = aws.queue()
    aws.admit(url, arn, "events.amazonaws.com")
    rule = aws.name("rule")
    aws.client("events").put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.signin"]}))
    aws.client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    event = {"source": "aws.signin", "detail-type": "AWS Console Sign In via CloudTrail", "detail": {"userIdentity": {"type": "Root"}}}
    assert post(aws, event, "guessed") == 403
    assert post(aws, {"source": "aws.signin"}, aws.running.administrator.secret_access_key) == 400
    assert post(aws, event, aws.running.administrator.secret_access_key) == 200
    assert aws.received(url)[0]["detail"] == event["detail"]
