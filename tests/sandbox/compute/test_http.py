"""The endpoint answers every error in the shape of the called service, and names what it does not support."""

from __future__ import annotations

import pytest
import requests


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("sagemaker", "create_processing_job", {}),
        ("glue", "list_data_quality_results", {}),
        ("cloudwatch", "put_insight_rule", {"RuleName": "r", "RuleDefinition": "{}"}),
        ("lambda", "list_function_url_configs", {"FunctionName": "f"}),
        ("ec2", "describe_fleets", {}),
        ("codedeploy", "list_applications", {}),
    ],
)
def test_unsupported_operation_is_refused_by_name(aws, service, operation, parameters):
    client = aws.client(service)
    if service == "sagemaker":
        resources = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
        role = "arn:aws:iam::123456789012:role/role"
        parameters = {"ProcessingJobName": "j", "ProcessingResources": resources, "AppSpecification": {"ImageUri": "i"}, "RoleArn": role}
    with pytest.raises(client.exceptions.ClientError) as error:
        getattr(client, operation)(**parameters)
    assert error.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert f"{service}:{client.meta.method_to_api_mapping[operation]}" in error.value.response["Error"]["Message"]


def test_made_up_keys_are_refused(aws):
    class Nobody:
        access_key_id, secret_access_key, session_token = "AKIAIOSFODNN7EXAMPLE", "secret", None

    with pytest.raises(Exception, match=r"InvalidClientTokenId|security token"):
        aws.client("sts", Nobody).get_caller_identity()


def test_unsigned_request_is_no_html_page(aws):
    answer = requests.post(aws.running.endpoint, data="{}", headers={"X-Amz-Target": "AWSEvents.ListRules"}, timeout=10)
    assert answer.status_code == 403
    assert "html" not in answer.text.lower()


def test_object_of_any_name_and_size_survives(aws):
    bucket, s3 = aws.name("bucket"), aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    body = bytes(range(256)) * 40_000
    s3.put_object(Bucket=bucket, Key="a b/ü+%2F.csv", Body=body, Metadata={"run_id": "1"})
    found = s3.get_object(Bucket=bucket, Key="a b/ü+%2F.csv")
    assert found["Body"].read() == body
    assert found["Metadata"] == {"run_id": "1"}
