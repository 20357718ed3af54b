"""Call → permissions: by hand from https://docs.aws.amazon.com/service-authorization/latest/reference/."""

from __future__ import annotations

import io
from typing import Any

import pytest

from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.actions import UnmappedOperation, needs_of
from mlops.sandbox.identity.decoding import decode
from mlops.sandbox.identity.signature import InvalidSignature, verify

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def arn(service: str, path: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{path}"


FUNCTION = arn("lambda", "function:f")
CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    ("s3", "put_object", {"Bucket": "b", "Key": "a b/ü", "Body": b"x"}, [("s3:PutObject", "arn:aws:s3:::b/a b/ü")]),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Tagging": "a=b"}, [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:PutObjectTagging", "arn:aws:s3:::b/k")]),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
    ("s3", "get_object", {"Bucket": "b", "Key": "k", "VersionId": "1"}, [("s3:GetObjectVersion", "arn:aws:s3:::b/k")]),
    ("s3", "head_object", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
    ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "p/"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
    ("s3", "list_object_versions", {"Bucket": "b"}, [("s3:ListBucketVersions", "arn:aws:s3:::b")]),
    ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l", "VersionId": "1"}]}},
     [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/l")]),
    ("s3", "copy_object", {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "c", "Key": "l m"}},
     [("s3:GetObject", "arn:aws:s3:::c/l m"), ("s3:PutObject", "arn:aws:s3:::b/k")]),
    ("s3", "list_buckets", {}, [("s3:ListAllMyBuckets", "*")]),
    ("s3", "upload_part", {"Bucket": "b", "Key": "k", "PartNumber": 1, "UploadId": "u", "Body": b"x"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
    ("s3", "put_bucket_encryption", {"Bucket": "b", "ServerSideEncryptionConfiguration": {"Rules": []}},
     [("s3:PutEncryptionConfiguration", "arn:aws:s3:::b")]),
    ("s3", "get_bucket_lifecycle_configuration", {"Bucket": "b"}, [("s3:GetLifecycleConfiguration", "arn:aws:s3:::b")]),
    ("s3", "get_public_access_block", {"Bucket": "b"}, [("s3:GetBucketPublicAccessBlock", "arn:aws:s3:::b")]),
    ("dynamodb", "update_item", {"TableName": "t", "Key": {"id": {"S": "x"}}}, [("dynamodb:UpdateItem", arn("dynamodb", "table/t"))]),
    ("dynamodb", "query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", arn("dynamodb", "table/t/index/i"))]),
    ("dynamodb", "batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": {"id": {"S": "x"}}}}]}},
     [("dynamodb:BatchWriteItem", arn("dynamodb", "table/t"))]),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {"TableName": "t", "Item": {"id": {"S": "x"}}}}]},
     [("dynamodb:PutItem", arn("dynamodb", "table/t"))]),
    ("dynamodb", "describe_table", {"TableName": "t"}, [("dynamodb:DescribeTable", arn("dynamodb", "table/t"))]),
    ("sqs", "send_message_batch", {"QueueUrl": f"http://127.0.0.1/{ACCOUNT}/q", "Entries": [{"Id": "1", "MessageBody": "x"}]}, [("sqs:SendMessage", arn("sqs", "q"))]),
    ("sqs", "get_queue_url", {"QueueName": "q"}, [("sqs:GetQueueUrl", arn("sqs", "q"))]),
    ("sns", "create_topic", {"Name": "t", "Tags": [{"Key": "a", "Value": "b"}]}, [("sns:CreateTopic", arn("sns", "t")), ("sns:TagResource", arn("sns", "t"))]),
    ("logs", "create_log_group", {"logGroupName": "g", "tags": {"a": "b"}},
     [("logs:CreateLogGroup", arn("logs", "log-group:g:log-stream:")), ("logs:TagResource", arn("logs", "log-group:g"))]),
    ("sns", "publish", {"TopicArn": arn("sns", "t"), "Message": "m"}, [("sns:Publish", arn("sns", "t"))]),
    ("sns", "unsubscribe", {"SubscriptionArn": arn("sns", "t:1-2")}, [("sns:Unsubscribe", arn("sns", "t"))]),
    ("sns", "create_topic", {"Name": "t"}, [("sns:CreateTopic", arn("sns", "t"))]),
    ("lambda", "invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", FUNCTION)]),
    ("lambda", "invoke", {"FunctionName": f"{FUNCTION}:live"}, [("lambda:InvokeFunction", f"{FUNCTION}:live")]),
    ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "3"}, [("lambda:InvokeFunction", f"{FUNCTION}:3")]),
    ("lambda", "get_function", {"FunctionName": "f"}, [("lambda:GetFunction", FUNCTION)]),
    ("lambda", "update_alias", {"FunctionName": "f", "Name": "live"}, [("lambda:UpdateAlias", FUNCTION)]),
    ("lambda", "update_function_configuration", {"FunctionName": "f", "Role": ROLE},
     [("lambda:UpdateFunctionConfiguration", FUNCTION), ("iam:PassRole", ROLE)]),
    ("lambda", "publish_layer_version", {"LayerName": "l", "Content": {"ZipFile": b"x"}}, [("lambda:PublishLayerVersion", arn("lambda", "layer:l"))]),
    ("stepfunctions", "start_execution", {"stateMachineArn": arn("states", "stateMachine:m")}, [("states:StartExecution", arn("states", "stateMachine:m"))]),
    ("stepfunctions", "describe_execution", {"executionArn": arn("states", "execution:m:e")}, [("states:DescribeExecution", arn("states", "execution:m:e"))]),
    ("stepfunctions", "send_task_success", {"taskToken": "t", "output": "{}"}, [("states:SendTaskSuccess", "*")]),
    ("events", "put_events", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}, [("events:PutEvents", arn("events", "event-bus/default"))]),
    ("events", "put_rule", {"Name": "r"}, [("events:PutRule", arn("events", "rule/r"))]),
    ("events", "put_targets", {"Rule": "r", "EventBusName": "bus", "Targets": [{"Id": "1", "Arn": FUNCTION, "RoleArn": ROLE}]},
     [("events:PutTargets", arn("events", "rule/bus/r")), ("iam:PassRole", ROLE)]),
    ("glue", "start_job_run", {"JobName": "j"}, [("glue:StartJobRun", arn("glue", "job/j"))]),
    ("glue", "start_crawler", {"Name": "c"}, [("glue:StartCrawler", arn("glue", "crawler/c"))]),
    ("glue", "get_crawler", {"Name": "c"}, [("glue:GetCrawler", arn("glue", "crawler/c"))]),
    ("glue", "get_partitions", {"DatabaseName": "d", "TableName": "t"},
     [("glue:GetPartitions", arn("glue", "catalog")), ("glue:GetPartitions", arn("glue", "database/d")), ("glue:GetPartitions", arn("glue", "table/d/t"))]),
    ("glue", "create_table", {"DatabaseName": "d", "TableInput": {"Name": "t"}},
     [("glue:CreateTable", arn("glue", "catalog")), ("glue:CreateTable", arn("glue", "database/d")), ("glue:CreateTable", arn("glue", "table/d/t"))]),
    ("glue", "get_security_configuration", {"Name": "s"}, [("glue:GetSecurityConfiguration", "*")]),
    ("sagemaker", "describe_training_job", {"TrainingJobName": "j"}, [("sagemaker:DescribeTrainingJob", arn("sagemaker", "training-job/j"))]),
    ("sagemaker", "describe_model_package", {"ModelPackageName": arn("sagemaker", "model-package/g/1")},
     [("sagemaker:DescribeModelPackage", arn("sagemaker", "model-package/g/1"))]),
    ("sagemaker", "update_model_package", {"ModelPackageArn": arn("sagemaker", "model-package/g/1"), "ModelApprovalStatus": "Approved"},
     [("sagemaker:UpdateModelPackage", arn("sagemaker", "model-package/g/1"))]),
    ("sagemaker", "create_model_package", {"ModelPackageGroupName": "g"}, [("sagemaker:CreateModelPackage", arn("sagemaker", "model-package/g/*"))]),
    ("sagemaker", "list_model_packages", {"ModelPackageGroupName": "g"}, [("sagemaker:ListModelPackages", arn("sagemaker", "model-package/g/*"))]),
    ("sagemaker", "list_training_jobs", {}, [("sagemaker:ListTrainingJobs", "*")]),
    ("sagemaker", "update_endpoint", {"EndpointName": "e", "EndpointConfigName": "c"},
     [("sagemaker:UpdateEndpoint", arn("sagemaker", "endpoint/e")), ("sagemaker:UpdateEndpoint", arn("sagemaker", "endpoint-config/c"))]),
    ("sagemaker", "describe_endpoint", {"EndpointName": "e"}, [("sagemaker:DescribeEndpoint", arn("sagemaker", "endpoint/e"))]),
    ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b"1"}, [("sagemaker:InvokeEndpoint", arn("sagemaker", "endpoint/e"))]),
    ("logs", "put_log_events", {"logGroupName": "g", "logStreamName": "s", "logEvents": []}, [("logs:PutLogEvents", arn("logs", "log-group:g:log-stream:s"))]),
    ("logs", "filter_log_events", {"logGroupName": "g"}, [("logs:FilterLogEvents", arn("logs", "log-group:g:log-stream:"))]),
    ("logs", "describe_log_groups", {}, [("logs:DescribeLogGroups", arn("logs", "log-group::log-stream:"))]),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, [("cloudwatch:PutMetricData", "*")]),
    ("cloudwatch", "describe_alarms", {"AlarmNames": ["a"]}, [("cloudwatch:DescribeAlarms", arn("cloudwatch", "alarm:a"))]),
    ("cloudwatch", "get_metric_data", {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1}, [("cloudwatch:GetMetricData", "*")]),
    ("kms", "describe_key", {"KeyId": "1-2"}, [("kms:DescribeKey", arn("kms", "key/1-2"))]),
    ("kms", "encrypt", {"KeyId": arn("kms", "key/1-2"), "Plaintext": b"x"}, [("kms:Encrypt", arn("kms", "key/1-2"))]),
    ("iam", "get_role", {"RoleName": "r"}, [("iam:GetRole", ROLE)]),
    ("iam", "attach_role_policy", {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, [("iam:AttachRolePolicy", ROLE)]),
    ("iam", "list_roles", {}, [("iam:ListRoles", "*")]),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "night"}, [("sts:AssumeRole", ROLE)]),
    ("sts", "get_caller_identity", {}, []),
    ("ecr", "batch_get_image", {"repositoryName": "r", "imageIds": []}, [("ecr:BatchGetImage", arn("ecr", "repository/r"))]),
    ("ecr", "get_authorization_token", {}, [("ecr:GetAuthorizationToken", "*")]),
    ("ec2", "describe_vpcs", {}, [("ec2:DescribeVpcs", "*")]),
    ("apigateway", "get_stage", {"restApiId": "a", "stageName": "s"}, [("apigateway:GET", "arn:aws:apigateway:us-east-1::/restapis/a/stages/s")]),
    ("xray", "put_trace_segments", {"TraceSegmentDocuments": ["{}"]}, [("xray:PutTraceSegments", "*")]),
    ("scheduler", "create_schedule", {"Name": "s", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "GroupName": "default",
                                      "Target": {"Arn": FUNCTION, "RoleArn": ROLE}},
     [("scheduler:CreateSchedule", arn("scheduler", "schedule/default/s")), ("iam:PassRole", ROLE)]),
    ("firehose", "put_record", {"DeliveryStreamName": "d", "Record": {"Data": b"x"}}, [("firehose:PutRecord", arn("firehose", "deliverystream/d"))]),
    ("cloudtrail", "describe_trails", {}, [("cloudtrail:DescribeTrails", "*")]),
]  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(ACCOUNT, "us-east-1")


@pytest.mark.parametrize(
    ("service", "method", "parameters", "expected"), CASES, ids=[f"{service}-{method}-{n}" for n, (service, method, *_) in enumerate(CASES)]
)
def test_a_call_needs_exactly_these_permissions(request_of, account, service, method, parameters, expected):
    needs = needs_of(decode(request_of(service, method, **parameters)), account)
    assert [(need.action, need.resource) for need in needs] == expected


def test_condition_keys_come_from_the_request(request_of, account):
    def keys(service: str, method: str, **parameters: Any) -> Any:
        return needs_of(decode(request_of(service, method, **parameters)), account)[-1].keys

    assert keys("s3", "list_objects_v2", Bucket="b", Prefix="p/")["s3:prefix"] == ("p/",)
    assert keys("cloudwatch", "put_metric_data", Namespace="n", MetricData=[])["cloudwatch:namespace"] == ("n",)
    assert keys("lambda", "update_function_configuration", FunctionName="f", Role=ROLE)["iam:passedtoservice"] == ("lambda.amazonaws.com",)
    tagged = keys("sns", "create_topic", Name="t", Tags=[{"Key": "stack", "Value": "dev"}])
    assert (tagged["aws:requesttag/stack"], tagged["aws:tagkeys"]) == (("dev",), ("stack",))


def test_an_operation_without_a_mapping_names_itself(request_of, account):
    with pytest.raises(UnmappedOperation, match="which permission ec2:CreateNetworkInterface needs"):
        needs_of(decode(request_of("ec2", "create_network_interface", SubnetId="subnet-1")), account)


def test_the_payload_of_an_upload_is_left_in_the_stream(request_of):
    class Untouchable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the payload was read")

    for service, method, parameters in (
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x" * 100}),
        ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b"1"}),
    ):
        made = {**request_of(service, method, **parameters), "wsgi.input": Untouchable()}
        assert decode(made).service == service


def test_a_body_that_was_read_is_there_again(request_of):
    made = request_of("dynamodb", "get_item", TableName="t", Key={"id": {"S": "x"}})
    body = made["wsgi.input"].getvalue()
    decode(made)
    assert made["wsgi.input"].read() == body


@pytest.mark.parametrize(
    ("service", "method", "parameters"),
    [
        ("s3", "put_object", {"Bucket": "b", "Key": "a b/ü+(c)", "Body": b"x"}),
        ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "p q/"}),
        ("lambda", "invoke", {"FunctionName": f"{FUNCTION}:live", "Payload": b"{}"}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"id": {"S": "x"}}}),
        ("sns", "publish", {"TopicArn": arn("sns", "t"), "Message": "a & b"}),
        ("ec2", "describe_vpcs", {}),
    ],
)
def test_a_signature_is_that_of_the_secret_key_and_of_this_request(request_of, service, method, parameters):
    verify(request_of(service, method, **parameters), "secret")
    with pytest.raises(InvalidSignature):
        verify(request_of(service, method, **parameters), "another")
    with pytest.raises(InvalidSignature):
        verify({**request_of(service, method, **parameters), "REQUEST_METHOD": "PATCH"}, "secret")
