"""A transform job sends its input through the model's serving process and writes one `.out` object for each."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox

SERVE = Path(__file__).with_name("serve_example.py").read_text()


@pytest.fixture(scope="module")
def model(world):
    artifact = world.put("artifacts/transform.tar.gz", world.archive(code__serve_py=SERVE))
    name = world.name("model")
    container = {"Image": world.serving_image, "ModelDataUrl": artifact}
    world.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=world.sagemaker_role, PrimaryContainer=container)
    return name


def run(world, model, folder, **changes):
    """Start a job and wait for its end."""
    name = world.name("transform")
    data = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{world.bucket}/{folder}/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    request = {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {**data, **changes.pop("input", {})},
        "TransformOutput": {"S3OutputPath": f"s3://{world.bucket}/out/{name}", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    sagemaker = world.client("sagemaker")
    sagemaker.create_transform_job(**{**request, **changes})

    def ended():
        job = sagemaker.describe_transform_job(TransformJobName=name)
        return job if job["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    return name, world.eventually(ended, 60)


def test_every_object_is_transformed_into_its_out_object(world, model):
    world.put("batch/a.csv", "1,2\n3,4\n")
    world.put("batch/deep/b.csv", "5,6\n")
    events = world.events("aws.sagemaker")
    name, job = run(world, model, "batch")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert world.get(f"s3://{world.bucket}/out/{name}/a.csv.out") == b"3.0\n7.0\n"
    assert world.get(f"s3://{world.bucket}/out/{name}/deep/b.csv.out") == b"11.0\n"
    assert job["TransformEndTime"] >= job["TransformStartTime"]
    found = world.eventually(lambda: [e for e in events() if e["detail"].get("TransformJobStatus") == "Completed"])
    assert found[0]["detail-type"] == "SageMaker Transform Job State Change"


def test_single_records_and_compressed_input_give_the_same_result(world, model):
    world.put("zipped/a.csv.gz", gzip.compress(b"1,2\n3,4\n"))
    name, job = run(world, model, "zipped", BatchStrategy="SingleRecord", input={"CompressionType": "Gzip"})
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert world.get(f"s3://{world.bucket}/out/{name}/a.csv.gz.out") == b"3.0\n7.0\n"


def test_row_that_the_model_refuses_fails_the_job(world, model):
    world.put("broken/a.csv", "wrong")
    _, job = run(world, model, "broken")
    assert job["TransformJobStatus"] == "Failed"
    assert "the model answered 500: cannot predict" in job["FailureReason"]


def test_process_that_dies_fails_the_job(world, model):
    world.put("dies/a.csv", "die")
    _, job = run(world, model, "dies")
    assert job["TransformJobStatus"] == "Failed"


def test_empty_input_fails_the_job(world, model):
    _, job = run(world, model, "nothing-here")
    assert "No S3 objects found" in job["FailureReason"]


def test_what_is_not_carried_out_is_refused(world, model):
    with pytest.raises(ClientError, match="SplitType RecordIO"):
        run(world, model, "batch", input={"SplitType": "RecordIO"})
    with pytest.raises(ClientError, match="with DataProcessing"):
        run(world, model, "batch", DataProcessing={"InputFilter": "$[1:]"})
    with pytest.raises(ClientError, match="Could not find model"):
        run(world, "none", "batch")
