"""The registry keeps versions, who approved them and why, and tells the event bus about every change."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox


@pytest.fixture
def group(world):
    name = world.name("packages")
    world.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return name


def register(world, group, **fields):
    specification = {
        "Containers": [{"Image": world.serving_image, "ModelDataUrl": f"s3://{world.bucket}/m/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    return world.client("sagemaker").create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification, **fields)[
        "ModelPackageArn"
    ]


def test_approval_records_who_and_why_and_sends_the_event(world, group):
    events = world.events("aws.sagemaker")
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{world.bucket}/e.json"}}}
    arn = register(world, group, CustomerMetadataProperties={"algorithm": "xgboost"}, ModelMetrics=metrics)
    sagemaker = world.client("sagemaker")
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "PendingManualApproval"
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better by 0.02")
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == "better by 0.02"
    assert package["CustomerMetadataProperties"] == {"algorithm": "xgboost"}
    assert package["ModelMetrics"] == metrics
    assert package["ModelPackageVersion"] == 1
    caller = world.client("sts").get_caller_identity()["Arn"]
    assert package["LastModifiedBy"]["IamIdentity"]["Arn"] == caller
    found = world.eventually(lambda: [e for e in events() if e["detail"].get("UpdatedModelPackageFields")])[0]
    assert found["detail-type"] == "SageMaker Model Package State Change"
    assert found["resources"] == [arn]
    detail = found["detail"]
    assert detail["ModelPackageGroupName"] == group
    assert (detail["ModelPackageVersion"], detail["ModelPackageArn"]) == (1, arn)
    assert (detail["ModelApprovalStatus"], detail["ApprovalDescription"]) == ("Approved", "better by 0.02")
    assert detail["LastModifiedBy"]["IamIdentity"]["Arn"] == caller
    assert [e["detail"]["ModelApprovalStatus"] for e in events() if e["detail"]["ModelPackageArn"] == arn][0] == "PendingManualApproval"


def test_properties_are_merged_and_removed_one_by_one(world, group):
    sagemaker = world.client("sagemaker")
    arn = register(world, group, CustomerMetadataProperties={"a": "1", "b": "2"}, ModelApprovalStatus="Rejected")
    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"b": "3"}, CustomerMetadataPropertiesToRemove=["a"])
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["CustomerMetadataProperties"] == {"b": "3"}
    assert package["ModelApprovalStatus"] == "Rejected"


def test_a_version_number_is_never_given_twice(world, group):
    sagemaker = world.client("sagemaker")
    arns = [register(world, group) for _ in range(2)]
    sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(register(world, group, ModelApprovalStatus="Approved"))
    assert arns[2].endswith("/3")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending")[
        "ModelPackageSummaryList"
    ]
    assert [entry["ModelPackageVersion"] for entry in listed] == [3, 1]
    approved = sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")["ModelPackageSummaryList"]
    assert [entry["ModelPackageArn"] for entry in approved] == [arns[2]]


def test_version_has_tags(world, group):
    arn = register(world, group)
    world.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": "r1"}])
    assert world.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "run", "Value": "r1"}]


def test_unknown_group_status_and_version_are_refused(world, group):
    sagemaker = world.client("sagemaker")
    with pytest.raises(ClientError, match="ModelPackageGroup nothing does not exist"):
        register(world, "nothing")
    with pytest.raises(ClientError, match="modelApprovalStatus"):
        register(world, group, ModelApprovalStatus="Perhaps")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.update_model_package(ModelPackageArn=register(world, group)[:-1] + "9", ModelApprovalStatus="Approved")
    with pytest.raises(ClientError, match="does not execute sagemaker:CreateModelPackage with ModelLifeCycle"):
        register(world, group, ModelLifeCycle={"Stage": "x", "StageStatus": "y"})


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("StartPipelineExecution", {"PipelineName": "p"}),
        ("CreateMonitoringSchedule", {"MonitoringScheduleName": "m", "MonitoringScheduleConfig": {}}),
        ("CreateExperiment", {"ExperimentName": "e"}),
        ("DescribeProcessingJob", {"ProcessingJobName": "p"}),
    ],
)
def test_work_that_nobody_would_do_is_refused_by_name(world, operation, arguments):
    method = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
    with pytest.raises(ClientError, match=f"sagemaker:{operation}"):
        getattr(world.client("sagemaker"), method)(**arguments)
