"""Real boto3 calls over HTTP: exact ARNs let through, everything else refused in AWS's shape."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.exceptions import ClientError

from mlops.sandbox.context import Credentials, Sandbox
from mlops.sandbox.identity import AccessDenied, InvalidSignature

pytestmark = [pytest.mark.sandbox, pytest.mark.spec("SEC-1a", "SEC-1b", "SEC-1d", "SEC-6d", "SEC-8d")]

ARN = "arn:aws:{}:us-east-1:123456789012:{}"


def allow(actions: str | list[str], resources: str | list[str] = "*", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **({"Condition": condition} if condition else {})}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def denial(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_role_reads_the_object_it_was_granted_and_no_other(sandbox, administrator, make_role):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    for key in ("mine/a", "other/a"):
        s3.put_object(Bucket="data", Key=key, Body=b"content")
    role = make_role("reader", allow("s3:GetObject", "arn:aws:s3:::data/mine/*"))
    client = sandbox.client("s3", role)
    assert client.get_object(Bucket="data", Key="mine/a")["Body"].read() == b"content"
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket="data", Key="other/a")
    assert denial(caught) == (
        "AccessDenied",
        "User: arn:aws:sts::123456789012:assumed-role/reader/test is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::data/other/a because no identity-based policy allows the s3:GetObject action",
        403,
    )
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="data", Key="mine/a", Body=b"x")
    assert denial(caught)[0] == "AccessDenied"


def test_a_large_upload_reaches_the_store_unchanged(sandbox, administrator, make_role):
    administrator("s3").create_bucket(Bucket="data")
    client = sandbox.client("s3", make_role("writer", allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::data/*")))
    body = bytes(range(256)) * 8192
    client.put_object(Bucket="data", Key="big", Body=body)
    assert client.get_object(Bucket="data", Key="big")["Body"].read() == body


def test_listing_is_limited_to_the_prefix_of_the_condition(sandbox, administrator, make_role):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="mine/a", Body=b"x")
    client = sandbox.client("s3", make_role("lister", allow("s3:ListBucket", "arn:aws:s3:::data", {"StringLike": {"s3:prefix": "mine/*"}})))
    assert client.list_objects_v2(Bucket="data", Prefix="mine/")["KeyCount"] == 1
    with pytest.raises(ClientError, match="s3:ListBucket on resource: arn:aws:s3:::data because"):
        client.list_objects_v2(Bucket="data")


def test_a_missing_object_is_forbidden_without_the_right_to_list(sandbox, administrator, make_role):
    administrator("s3").create_bucket(Bucket="data")
    read = allow("s3:GetObject", "arn:aws:s3:::data/*")
    with pytest.raises(ClientError, match="s3:ListBucket"):
        sandbox.client("s3", make_role("blind", read)).get_object(Bucket="data", Key="missing")
    with pytest.raises(ClientError, match="NoSuchKey"):
        sandbox.client("s3", make_role("seeing", read, allow("s3:ListBucket", "arn:aws:s3:::data"))).get_object(
            Bucket="data", Key="missing"
        )


def test_a_policy_that_denies_plain_http_lets_the_loopback_through(sandbox, administrator, make_role):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    tls_only = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket="data", Policy=document(tls_only))
    client = sandbox.client("s3", make_role("writer", allow("s3:PutObject", "arn:aws:s3:::data/*")))
    assert client.put_object(Bucket="data", Key="a", Body=b"x")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_deny_in_the_bucket_policy_beats_the_role_and_the_administrator(sandbox, administrator, make_role):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::data/*"}
    s3.put_bucket_policy(Bucket="data", Policy=document(deny))
    for client in (sandbox.client("s3", make_role("deleter", allow("s3:*"))), s3):
        with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
            client.delete_object(Bucket="data", Key="a")


def test_an_anonymous_caller_reads_only_what_a_bucket_policy_opens(sandbox, administrator):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="public/a", Body=b"open")
    anonymous = boto3.client("s3", endpoint_url=sandbox.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError) as caught:
        anonymous.get_object(Bucket="data", Key="public/a")
    assert denial(caught)[0] == "AccessDenied"
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/public/*"}
    s3.put_bucket_policy(Bucket="data", Policy=document(public))
    assert anonymous.get_object(Bucket="data", Key="public/a")["Body"].read() == b"open"
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    with pytest.raises(ClientError):
        anonymous.get_object(Bucket="data", Key="public/a")


def test_a_presigned_address_carries_the_rights_of_its_signer(sandbox, administrator, make_role):
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    for key in ("mine", "other"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")
    role = make_role("signer", allow("s3:GetObject", "arn:aws:s3:::data/mine"))
    session = boto3.Session(role.access_key_id, role.secret_access_key, role.session_token, "us-east-1")
    client = session.client("s3", endpoint_url=sandbox.endpoint, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    status = {
        key: requests.get(client.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": key}), timeout=5).status_code
        for key in ("mine", "other")
    }
    assert status == {"mine": 200, "other": 403}


def test_an_encrypted_object_needs_the_callers_right_to_the_key(sandbox, administrator, make_role):
    key = administrator("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = administrator("s3")
    s3.create_bucket(Bucket="data")
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="data", ServerSideEncryptionConfiguration={"Rules": [default]})
    access = allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::data/*")
    keyless = sandbox.client("s3", make_role("keyless", access))
    with pytest.raises(ClientError, match=f"kms:GenerateDataKey on resource: {key}"):
        keyless.put_object(Bucket="data", Key="a", Body=b"x")
    via_s3 = {
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::data/*"},
    }
    keyed = sandbox.client("s3", make_role("keyed", access, allow(["kms:GenerateDataKey", "kms:Decrypt"], key, via_s3)))
    keyed.put_object(Bucket="data", Key="a", Body=b"x")
    assert keyed.get_object(Bucket="data", Key="a")["Body"].read() == b"x"
    with pytest.raises(ClientError, match=f"kms:Decrypt on resource: {key}"):
        keyless.get_object(Bucket="data", Key="a")


def test_without_an_allow_in_the_key_policy_nobody_uses_the_key(sandbox, administrator, make_role):
    only_root_describes = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "kms:Describe*",
        "Resource": "*",
    }
    kms = administrator("kms")
    key = kms.create_key(Policy=document(only_root_describes))["KeyMetadata"]["Arn"]
    client = sandbox.client("kms", make_role("user", allow("kms:*")))
    assert client.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    with pytest.raises(ClientError, match="because no resource-based policy allows the kms:Encrypt action"):
        client.encrypt(KeyId=key, Plaintext=b"x")


def test_a_ciphertext_names_its_key_itself(sandbox, administrator, make_role):
    kms = administrator("kms")
    mine, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    client = sandbox.client("kms", make_role("user", allow("kms:Decrypt", mine)))
    assert client.decrypt(CiphertextBlob=kms.encrypt(KeyId=mine, Plaintext=b"secret")["CiphertextBlob"])["Plaintext"] == b"secret"
    with pytest.raises(ClientError, match=f"kms:Decrypt on resource: {other}"):
        client.decrypt(CiphertextBlob=kms.encrypt(KeyId=other, Plaintext=b"secret")["CiphertextBlob"])


def test_dynamodb_is_judged_by_the_exact_table(sandbox, administrator, make_role):
    for name in ("ledger", "other"):
        administrator("dynamodb").create_table(
            TableName=name, KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
        )  # fmt: skip
    client = sandbox.client(
        "dynamodb", make_role("claimer", allow(["dynamodb:PutItem", "dynamodb:GetItem"], ARN.format("dynamodb", "table/ledger")))
    )
    client.put_item(TableName="ledger", Item={"pk": {"S": "a"}})
    assert client.get_item(TableName="ledger", Key={"pk": {"S": "a"}})["Item"] == {"pk": {"S": "a"}}
    with pytest.raises(ClientError) as caught:
        client.put_item(TableName="other", Item={"pk": {"S": "a"}})
    assert denial(caught)[0::2] == ("AccessDeniedException", 400)
    with pytest.raises(ClientError, match="dynamodb:Scan on resource: arn:aws:dynamodb:us-east-1:123456789012:table/ledger "):
        client.scan(TableName="ledger")
    with pytest.raises(ClientError, match="dynamodb:DeleteItem"):
        client.transact_write_items(TransactItems=[{"Delete": {"TableName": "ledger", "Key": {"pk": {"S": "a"}}}}])


def test_a_queue_is_judged_by_the_exact_queue(sandbox, administrator, make_role):
    urls = [administrator("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("work", "other")]
    client = sandbox.client("sqs", make_role("sender", allow("sqs:SendMessage", ARN.format("sqs", "work"))))
    client.send_message(QueueUrl=urls[0], MessageBody="x")
    client.send_message_batch(QueueUrl=urls[0], Entries=[{"Id": "1", "MessageBody": "x"}])
    with pytest.raises(ClientError) as caught:
        client.send_message(QueueUrl=urls[1], MessageBody="x")
    assert denial(caught)[0] in ("AccessDenied", "AccessDeniedException")
    assert "sqs:SendMessage on resource: arn:aws:sqs:us-east-1:123456789012:other" in denial(caught)[1]


def test_starting_an_execution_needs_the_state_machine_and_making_one_needs_pass_role(sandbox, administrator, make_role):
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    make_role("machine", service="states.amazonaws.com")
    machine_role = "arn:aws:iam::123456789012:role/machine"
    states = administrator("stepfunctions")
    machine = states.create_state_machine(name="data", definition=definition, roleArn=machine_role)["stateMachineArn"]
    starter = sandbox.client(
        "stepfunctions", make_role("starter", allow("states:StartExecution", machine), allow("states:CreateStateMachine"))
    )
    assert starter.start_execution(stateMachineArn=machine)["executionArn"]
    with pytest.raises(ClientError, match="iam:PassRole on resource: arn:aws:iam::123456789012:role/machine"):
        starter.create_state_machine(name="mine", definition=definition, roleArn=machine_role)
    passing = allow("iam:PassRole", machine_role, {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}})
    maker = sandbox.client("stepfunctions", make_role("maker", allow("states:CreateStateMachine"), passing))
    assert maker.create_state_machine(name="mine", definition=definition, roleArn=machine_role)["stateMachineArn"].endswith(":mine")


def test_sagemaker_needs_the_resource_the_tags_and_the_passed_role(sandbox, administrator, make_role):
    model, role = ARN.format("sagemaker", "model/m-1"), "arn:aws:iam::123456789012:role/serving"
    make_role("serving", service="sagemaker.amazonaws.com")
    request = {"ModelName": "m-1", "ExecutionRoleArn": role, "PrimaryContainer": {"Image": "i"}, "Tags": [{"Key": "stack", "Value": "dev"}]}
    grants = [allow("sagemaker:CreateModel", model), allow("sagemaker:AddTags", model), allow("iam:PassRole", role)]
    for index, missing in enumerate(("CreateModel", "AddTags", "PassRole")):
        client = sandbox.client("sagemaker", make_role(f"no-{missing}", *(grant for n, grant in enumerate(grants) if n != index)))
        with pytest.raises(ClientError, match=missing):
            client.create_model(**request)
    assert sandbox.client("sagemaker", make_role("deployer", *grants)).create_model(**request)["ModelArn"] == model


def test_glue_needs_the_job_or_catalog_database_and_table(sandbox, administrator, make_role):
    make_role("job", service="glue.amazonaws.com")
    administrator("glue").create_job(
        Name="validate", Role="arn:aws:iam::123456789012:role/job", Command={"Name": "glueetl", "ScriptLocation": "s3://x/y"}
    )
    client = sandbox.client("glue", make_role("runner", allow("glue:StartJobRun", ARN.format("glue", "job/validate"))))
    assert client.start_job_run(JobName="validate")["JobRunId"]
    with pytest.raises(ClientError, match="glue:StartJobRun on resource: arn:aws:glue:us-east-1:123456789012:job/other"):
        client.start_job_run(JobName="other")
    administrator("glue").create_database(DatabaseInput={"Name": "raw"})
    administrator("glue").create_table(DatabaseName="raw", TableInput={"Name": "flights"})
    paths = ["catalog", "database/raw", "table/raw/flights"]
    reader = sandbox.client("glue", make_role("reader", allow("glue:GetTable", [ARN.format("glue", path) for path in paths])))
    assert reader.get_table(DatabaseName="raw", Name="flights")["Table"]["Name"] == "flights"
    partial = sandbox.client("glue", make_role("partial", allow("glue:GetTable", [ARN.format("glue", path) for path in paths[1:]])))
    with pytest.raises(ClientError, match="glue:GetTable on resource: arn:aws:glue:us-east-1:123456789012:catalog"):
        partial.get_table(DatabaseName="raw", Name="flights")


def test_log_groups_are_granted_with_a_star_at_the_end_as_on_aws(sandbox, make_role):
    group = ARN.format("logs", "log-group:/aws/lambda/f")
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    with pytest.raises(ClientError, match="logs:CreateLogGroup"):
        sandbox.client("logs", make_role("without", allow(actions, group))).create_log_group(logGroupName="/aws/lambda/f")
    client = sandbox.client("logs", make_role("with", allow(actions, f"{group}:*")))
    client.create_log_group(logGroupName="/aws/lambda/f")
    client.create_log_stream(logGroupName="/aws/lambda/f", logStreamName="s")
    with pytest.raises(ClientError, match="logs:CreateLogGroup"):
        client.create_log_group(logGroupName="/aws/lambda/g")


def test_metrics_are_granted_by_namespace(sandbox, make_role):
    client = sandbox.client(
        "cloudwatch", make_role("metrics", allow("cloudwatch:PutMetricData", "*", {"StringEquals": {"cloudwatch:namespace": "ours"}}))
    )
    client.put_metric_data(Namespace="ours", MetricData=[{"MetricName": "x", "Value": 1.0}])
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
        client.put_metric_data(Namespace="theirs", MetricData=[{"MetricName": "x", "Value": 1.0}])


def test_a_permissions_boundary_limits_what_the_policy_grants(sandbox, administrator, make_role):
    boundary = administrator("iam").create_policy(PolicyName="boundary", PolicyDocument=document(allow("s3:ListAllMyBuckets")))["Policy"][
        "Arn"
    ]
    client = sandbox.client("s3", make_role("bounded", allow("s3:*"), PermissionsBoundary=boundary))
    assert client.list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="because no permissions boundary allows the s3:CreateBucket action"):
        client.create_bucket(Bucket="data")


def test_a_policy_that_aws_manages_is_judged_like_any_other(sandbox, administrator, make_role):
    role = make_role("function")
    administrator("iam").attach_role_policy(
        RoleName="function", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    )
    logs = sandbox.client("logs", role)
    logs.create_log_group(logGroupName="/aws/lambda/f")
    with pytest.raises(ClientError, match="logs:DeleteLogGroup"):
        logs.delete_log_group(logGroupName="/aws/lambda/f")


def test_an_unknown_access_key_is_refused_by_every_protocol(sandbox: Sandbox):
    nobody = Credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    calls = {
        "s3": ("list_buckets", "InvalidAccessKeyId", 403),
        "sts": ("get_caller_identity", "InvalidClientTokenId", 403),
        "dynamodb": ("list_tables", "UnrecognizedClientException", 400),
        "lambda": ("list_functions", "UnrecognizedClientException", 403),
        "ec2": ("describe_vpcs", "AuthFailure", 401),
    }
    for service, (method, code, status) in calls.items():
        with pytest.raises(ClientError) as caught:
            getattr(sandbox.client(service, nobody), method)()
        assert denial(caught)[0::2] == (code, status), service


def test_a_session_token_that_is_not_the_keys_own_is_refused(sandbox, make_role):
    role = make_role("role", allow("s3:*"))
    forged = Credentials(role.access_key_id, role.secret_access_key, "another token")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        sandbox.client("s3", forged).list_buckets()


def test_a_secret_key_that_is_not_the_keys_own_is_refused(sandbox, administrator):
    administrator_keys = sandbox.principals.administrator()
    thief = Credentials(administrator_keys.access_key_id, "guessed")
    for service, method, code in (
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("dynamodb", "list_tables", "InvalidSignatureException"),
    ):
        with pytest.raises(ClientError, match=code):
            getattr(sandbox.client(service, thief), method)()


def test_a_log_group_takes_a_key_only_when_the_key_admits_cloudwatch_logs(sandbox, administrator):
    kms, logs = administrator("kms"), administrator("logs")
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
    admit = {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*",
             "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ARN.format("logs", "log-group:/aws/*")}}}  # fmt: skip
    closed, open_ = (kms.create_key(Policy=document(*statements))["KeyMetadata"]["Arn"] for statements in ((root,), (root, admit)))
    with pytest.raises(ClientError, match="User: logs.us-east-1.amazonaws.com is not authorized to perform: kms:GenerateDataKey"):
        logs.create_log_group(logGroupName="/aws/f", kmsKeyId=closed)
    logs.create_log_group(logGroupName="/aws/f", kmsKeyId=open_)
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        logs.create_log_group(logGroupName="/other/f", kmsKeyId=open_)


def test_a_training_volume_key_needs_a_grant_of_the_caller_or_of_the_jobs_role(sandbox, administrator, make_role):
    key = administrator("kms").create_key()["KeyMetadata"]["Arn"]
    role = "arn:aws:iam::123456789012:role/training"
    make_role("training", service="sagemaker.amazonaws.com")
    starter = make_role(
        "starter", allow("sagemaker:CreateTrainingJob", ARN.format("sagemaker", "training-job/*")), allow("iam:PassRole", role)
    )
    request = {
        "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"}, "RoleArn": role, "OutputDataConfig": {"S3OutputPath": "s3://x"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1, "VolumeKmsKeyId": key},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }  # fmt: skip
    client = sandbox.client("sagemaker", starter)
    with pytest.raises(ClientError, match=f"kms:CreateGrant on resource: {key}"):
        client.create_training_job(TrainingJobName="first", **request)
    grant = allow("kms:CreateGrant", key, {"Bool": {"kms:GrantIsForAWSResource": "true"}})
    administrator("iam").put_role_policy(RoleName="training", PolicyName="key", PolicyDocument=document(grant))
    assert client.create_training_job(TrainingJobName="second", **request)["TrainingJobArn"].endswith("second")


def test_an_operation_nobody_mapped_is_denied_by_name_but_not_for_the_administrator(sandbox, administrator, make_role):
    statement = {"Statement": "SELECT * FROM ledger"}
    with pytest.raises(ClientError, match="does not know which permission dynamodb:ExecuteStatement needs"):
        sandbox.client("dynamodb", make_role("reader", allow("dynamodb:*"))).execute_statement(**statement)
    with pytest.raises(ClientError) as caught:
        administrator("dynamodb").execute_statement(**statement)
    assert denial(caught)[0] not in ("AccessDenied", "AccessDeniedException")


def test_assuming_a_role_needs_its_trust_and_the_session_has_its_rights(sandbox, administrator, make_role):
    iam = administrator("iam")
    caller = make_role("caller", allow("sts:AssumeRole", "arn:aws:iam::123456789012:role/target"))
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}}}  # fmt: skip
    target = iam.create_role(RoleName="target", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="target", PolicyName="p", PolicyDocument=document(allow("s3:ListAllMyBuckets")))
    sts = sandbox.client("sts", caller)
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        sts.assume_role(RoleArn=target, RoleSessionName="nightly")
    keys = sts.assume_role(RoleArn=target, RoleSessionName="nightly", ExternalId="agreed")["Credentials"]
    session = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert sandbox.client("sts", session).get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/target/nightly"
    assert sandbox.client("s3", session).list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        sandbox.client("s3", session).create_bucket(Bucket="b")


def test_keys_of_a_user_made_over_the_api_work_until_they_are_switched_off(sandbox, administrator):
    iam = administrator("iam")
    iam.create_user(UserName="ann")
    own = allow("s3:ListBucket", "arn:aws:s3:::home-${aws:username}")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(own))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    for name in ("home-ann", "home-bob"):
        administrator("s3").create_bucket(Bucket=name)
    ann = sandbox.client("s3", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    assert ann.list_objects_v2(Bucket="home-ann")["KeyCount"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        ann.list_objects_v2(Bucket="home-bob")
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        ann.list_objects_v2(Bucket="home-ann")


def test_a_service_gets_credentials_only_of_roles_that_trust_it(sandbox: Sandbox, make_role):
    make_role("function", service="lambda.amazonaws.com")
    role = "arn:aws:iam::123456789012:role/function"
    assert sandbox.principals.issue(role, "lambda.amazonaws.com", "a") is sandbox.principals.issue(role, "lambda.amazonaws.com", "a")
    with pytest.raises(AccessDenied, match="glue.amazonaws.com is not authorized to perform: sts:AssumeRole"):
        sandbox.principals.issue(role, "glue.amazonaws.com", "a")
    with pytest.raises(AccessDenied, match="there is no such role"):
        sandbox.principals.issue(role + "-missing", "lambda.amazonaws.com", "a")


def test_credentials_follow_a_changed_trust_policy(sandbox: Sandbox, administrator, make_role):
    make_role("function", service="lambda.amazonaws.com")
    role = "arn:aws:iam::123456789012:role/function"
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    administrator("iam").update_assume_role_policy(RoleName="function", PolicyDocument=document(trust))
    with pytest.raises(AccessDenied):
        sandbox.principals.issue(role, "lambda.amazonaws.com", "test")


def test_a_service_acts_on_a_queue_only_for_the_source_its_policy_names(sandbox: Sandbox, administrator):
    url = administrator("sqs").create_queue(QueueName="work")["QueueUrl"]
    queue, topic = ARN.format("sqs", "work"), ARN.format("sns", "alerts")
    admit = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue,
             "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}  # fmt: skip
    administrator("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(admit)})
    allows = sandbox.principals.allows
    assert allows("sns.amazonaws.com", "sqs:SendMessage", queue, topic)
    assert not allows("sns.amazonaws.com", "sqs:SendMessage", queue, topic + "-other")
    assert not allows("events.amazonaws.com", "sqs:SendMessage", queue, topic)


def test_eventbridge_invokes_a_function_only_with_its_permission(sandbox: Sandbox, administrator, make_role):
    make_role("function")
    function = administrator("lambda").create_function(
        FunctionName="trigger",
        Runtime="python3.11",
        Role="arn:aws:iam::123456789012:role/function",
        Handler="handler.handler",
        Code={"ZipFile": b"x"},
    )["FunctionArn"]
    rule = ARN.format("events", "rule/created")
    allows = sandbox.principals.allows
    assert not allows("events.amazonaws.com", "lambda:InvokeFunction", function, rule)
    administrator("lambda").add_permission(
        FunctionName="trigger", StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule
    )
    assert allows("events.amazonaws.com", "lambda:InvokeFunction", function, rule)
    assert not allows("events.amazonaws.com", "lambda:InvokeFunction", function, rule + "-other")
    assert not allows("s3.amazonaws.com", "lambda:InvokeFunction", function, rule)


def test_invoking_an_api_is_judged_by_the_callers_rights_and_the_apis_policy(sandbox: Sandbox, administrator, make_role):
    predict = "arn:aws:execute-api:us-east-1:123456789012:api1/local/POST/models/flights/predictions"

    def signed(credentials: Credentials) -> dict[str, Any]:
        request = AWSRequest("POST", "http://127.0.0.1:9000/api1/local/models", data=b"{}", headers={"Host": "127.0.0.1:9000"})
        SigV4Auth(
            BotocoreCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token),
            "execute-api",
            "us-east-1",
        ).add_auth(request)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        return {"REQUEST_METHOD": "POST", "PATH_INFO": "/api1/local/models", "RAW_URI": "/api1/local/models", "QUERY_STRING": "",
                "CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(b"{}"), **headers}  # fmt: skip

    client = make_role(
        "client", allow("execute-api:Invoke", "arn:aws:execute-api:us-east-1:123456789012:api1/local/POST/models/*/predictions")
    )
    authorise = sandbox.principals.authorise
    assert authorise(signed(client), "execute-api:Invoke", predict).arn == client.principal_arn
    with pytest.raises(AccessDenied, match="execute-api:Invoke"):
        authorise(signed(client), "execute-api:Invoke", predict.replace("POST", "DELETE"))
    with pytest.raises(InvalidSignature):
        authorise(signed(Credentials(client.access_key_id, "guessed", client.session_token)), "execute-api:Invoke", predict)
    with pytest.raises(AccessDenied, match="anonymous"):
        authorise({"REQUEST_METHOD": "POST"}, "execute-api:Invoke", predict)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/local/POST/*"}
    with pytest.raises(AccessDenied, match="explicit deny in a resource-based policy"):
        authorise(signed(client), "execute-api:Invoke", predict, document(deny))


def test_the_audit_tells_what_was_denied_and_what_was_never_used(sandbox: Sandbox, administrator, make_role):
    administrator("s3").create_bucket(Bucket="data")
    role = make_role("writer", allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::data/*"))
    client = sandbox.client("s3", role)
    client.put_object(Bucket="data", Key="a", Body=b"x")
    with pytest.raises(ClientError):
        client.list_objects_v2(Bucket="data")
    arn = "arn:aws:iam::123456789012:role/writer"
    assert [(entry.action, entry.resource) for entry in sandbox.principals.audit.denied(arn)] == [("s3:ListBucket", "arn:aws:s3:::data")]
    assert [grant.action for grant in sandbox.principals.unused(arn)] == ["s3:GetObject"]
    headers = {"Authorization": f"Bearer {sandbox.principals.administrator().secret_access_key}"}
    answer = requests.get(
        f"{sandbox.endpoint}/_sandbox/audit", params={"view": "unused", "principal": arn}, headers=headers, timeout=5
    ).json()
    assert [grant["action"] for grant in answer["unused"]] == ["s3:GetObject"]
    assert requests.get(f"{sandbox.endpoint}/_sandbox/audit", timeout=5).status_code == 403
    lines = [json.loads(line) for line in (sandbox.directory / "audit.jsonl").read_text().splitlines()]
    assert {"s3:PutObject", "s3:ListBucket"} <= {line["action"] for line in lines if line["principal"] == arn}


def test_the_internal_principal_is_neither_judged_nor_recorded(sandbox: Sandbox):
    sandbox.service_client("s3").create_bucket(Bucket="data")
    assert sandbox.principals.audit.entries() == []


def test_motos_own_control_paths_are_closed(sandbox: Sandbox):
    assert requests.post(f"{sandbox.endpoint}/moto-api/reset", timeout=5).status_code == 403
