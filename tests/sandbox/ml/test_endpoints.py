"""Endpoints answer from real serving processes; an update moves traffic and takes it back when an alarm goes off."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox

SERVE = Path(__file__).with_name("serve_example.py").read_text()


@pytest.fixture(scope="module")
def artifact(world):
    return world.put("artifacts/model.tar.gz", world.archive(code__serve_py=SERVE, weights="1"))


def model(world, artifact, **environment):
    name = world.name("model")
    container = {"Image": world.serving_image, "ModelDataUrl": artifact, "Environment": environment}
    world.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=world.sagemaker_role, PrimaryContainer=container)
    return name


def config(world, *variants, count=1):
    """A configuration with (variant, model, weight) entries."""
    name = world.name("config")
    entries = [
        {"VariantName": v, "ModelName": m, "InstanceType": "ml.m6g.large", "InitialInstanceCount": count, "InitialVariantWeight": w}
        for v, m, w in variants
    ]
    world.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=entries)
    return name


def settled(world, name):
    def done():
        endpoint = world.client("sagemaker").describe_endpoint(EndpointName=name)
        return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

    return world.eventually(done, 60)


def endpoint(world, *variants, count=1):
    name = world.name("endpoint")
    world.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config(world, *variants, count=count))
    assert settled(world, name)["EndpointStatus"] == "InService"
    return name


def invoke(world, name, body=b"1,2\n3,4\n", **options):
    answer = world.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, ContentType="text/csv", **options)
    return answer["Body"].read().decode().split(), answer["InvokedProductionVariant"]


def test_endpoint_predicts_with_the_model_of_its_variant(world, artifact):
    events = world.events("aws.sagemaker")
    name = endpoint(world, ("blue", model(world, artifact, SCALE="2"), 1))
    assert invoke(world, name) == (["6.0", "14.0"], "blue")
    described = world.client("sagemaker").describe_endpoint(EndpointName=name)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert described["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == world.serving_image
    world.eventually(lambda: "serving" in world.log(f"/aws/sagemaker/Endpoints/{name}", "blue"))
    statuses = world.eventually(
        lambda: {e["detail"]["EndpointStatus"] for e in events() if e["detail"]["EndpointName"] == name} >= {"CREATING", "IN_SERVICE"}
    )
    assert statuses


@pytest.mark.parametrize("strategy", ["RANDOM", "LEAST_OUTSTANDING_REQUESTS"])
def test_a_variant_answers_under_every_routing_strategy(world, artifact, strategy):
    sagemaker, name = world.client("sagemaker"), world.name("config")
    variant = {"VariantName": "blue", "ModelName": model(world, artifact), "InstanceType": "ml.m6g.large", "InitialInstanceCount": 2}
    variant["RoutingConfig"] = {"RoutingStrategy": strategy}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    kept = sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"][0]
    assert kept["RoutingConfig"] == {"RoutingStrategy": strategy}
    served = world.name("endpoint")
    sagemaker.create_endpoint(EndpointName=served, EndpointConfigName=name)
    assert settled(world, served)["EndpointStatus"] == "InService"
    assert invoke(world, served) == (["3.0", "7.0"], "blue")


def test_weights_share_traffic_and_target_variant_overrides_them(world, artifact):
    name = endpoint(world, ("a", model(world, artifact), 3), ("b", model(world, artifact, SCALE="10"), 1))
    chosen = [invoke(world, name)[1] for _ in range(80)]
    assert 40 <= chosen.count("a") <= 75
    assert invoke(world, name, TargetVariant="b") == (["30.0", "70.0"], "b")
    world.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "a", "DesiredWeight": 0}]
    )
    assert {invoke(world, name)[1] for _ in range(20)} == {"b"}


def test_unknown_endpoint_and_variant_are_validation_errors(world, artifact):
    with pytest.raises(ClientError, match="Endpoint nothing of account 123456789012 not found") as error:
        invoke(world, "nothing")
    assert error.value.response["Error"]["Code"] == "ValidationError"
    name = endpoint(world, ("blue", model(world, artifact), 1))
    with pytest.raises(ClientError, match="variant green not found"):
        invoke(world, name, TargetVariant="green")


def test_error_of_the_model_comes_back_as_model_error_and_metric(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1))
    with pytest.raises(ClientError, match="cannot predict") as error:
        invoke(world, name, b"wrong")
    assert error.value.response["Error"]["Code"] == "ModelError"
    assert error.value.response["OriginalStatusCode"] == 500
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    invoke(world, name)

    def errors():
        dimensions = [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "blue"}]
        now = time.time()
        points = world.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=dimensions,
            StartTime=now - 300,
            EndTime=now + 60,
            Period=3600,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        return points if sum(point["SampleCount"] for point in points) == 2 else None

    assert sum(point["Sum"] for point in world.eventually(errors, 15)) == 1


def test_dead_serving_process_is_started_again(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1))
    with pytest.raises(ClientError) as error:
        invoke(world, name, b"die")
    assert error.value.response["OriginalStatusCode"] == 503

    def answers():
        try:
            return invoke(world, name)[0] == ["3.0", "7.0"]
        except ClientError:
            return False

    world.eventually(answers, 20)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"FAULT": "import"}, "exit code 1: ImportError: No module named 'model'"),
        ({"FAULT": "ping"}, "did not pass the ping health check"),
        ({"SAGEMAKER_PROGRAM": "inference.py"}, "has no code/inference.py"),
    ],
)
def test_endpoint_fails_with_the_reason_of_its_process(world, artifact, environment, reason):
    name = world.name("endpoint")
    world.client("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=config(world, ("blue", model(world, artifact, **environment), 1))
    )
    failed = settled(world, name)
    assert failed["EndpointStatus"] == "Failed"
    assert reason in failed["FailureReason"]
    with pytest.raises(ClientError, match="is in status Failed"):
        invoke(world, name)
    with pytest.raises(ClientError, match="DeleteEndpoint is the only operation"):
        world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=failed["EndpointConfigName"])


@pytest.mark.spec("OPS-2c", "REL-5d")
def test_update_replaces_the_model_without_an_unanswered_request(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1))
    wrong, answers = [], []
    finished = threading.Event()

    def keep_asking():
        while not finished.is_set():
            try:
                answers.append(invoke(world, name)[0][0])
            except ClientError as error:
                wrong.append(error)

    thread = threading.Thread(target=keep_asking)
    thread.start()
    replacement = config(world, ("blue", model(world, artifact, SCALE="5"), 1))
    world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=replacement)
    updated = settled(world, name)
    time.sleep(0.3)
    finished.set()
    thread.join()
    assert updated["EndpointConfigName"] == replacement
    assert not wrong
    assert answers[0] == "3.0"
    assert answers[-1] == "15.0"


def test_failed_update_leaves_the_old_model_in_service(world, artifact):
    first = config(world, ("blue", model(world, artifact), 1))
    name = world.name("endpoint")
    world.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=first)
    settled(world, name)
    broken = config(world, ("blue", model(world, artifact, FAULT="import"), 1))
    world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=broken)
    after = settled(world, name)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", first)
    assert "ImportError" in after["FailureReason"]
    assert invoke(world, name)[0] == ["3.0", "7.0"]


def canary(alarm=None, wait=3):
    routing = {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": wait}
    deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}}
    if alarm:
        deployment["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": alarm}]}
    return deployment


@pytest.mark.spec("PERF-4c", "P4f")
def test_canary_takes_a_share_first_and_everything_after_the_bake(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1), count=2)
    new = config(world, ("blue", model(world, artifact, SCALE="5"), 1), count=2)
    world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=new, DeploymentConfig=canary())
    world.eventually(lambda: invoke(world, name)[0][0] == "15.0", 20, 0.01)
    during = {invoke(world, name)[0][0] for _ in range(30)}
    described = world.client("sagemaker").describe_endpoint(EndpointName=name)
    assert during == {"3.0", "15.0"}
    assert described["EndpointStatus"] == "Updating"
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == new
    assert settled(world, name)["EndpointConfigName"] == new
    assert {invoke(world, name)[0][0] for _ in range(10)} == {"15.0"}


@pytest.mark.spec("P4f", "PERF-4c")
def test_alarm_during_the_bake_rolls_the_canary_back(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1), count=2)
    before = world.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointConfigName"]
    alarm = world.name("alarm")
    world.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm,
        Namespace="tests",
        MetricName=alarm,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    new = config(world, ("blue", model(world, artifact, SCALE="5"), 1), count=2)
    world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=new, DeploymentConfig=canary(alarm, wait=60))
    world.eventually(lambda: invoke(world, name)[0][0] == "15.0", 20, 0.01)
    world.client("cloudwatch").put_metric_data(Namespace="tests", MetricData=[{"MetricName": alarm, "Value": 1.0}])
    after = settled(world, name)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert alarm in after["FailureReason"]
    assert {invoke(world, name)[0][0] for _ in range(10)} == {"3.0"}


def test_update_keeps_weights_when_asked_to(world, artifact):
    a, b = model(world, artifact), model(world, artifact, SCALE="10")
    name = endpoint(world, ("a", a, 1), ("b", b, 1))
    sagemaker = world.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "b", "DesiredWeight": 0, "DesiredInstanceCount": 4}]
    )
    sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=config(world, ("a", a, 1), ("b", b, 1)), RetainAllVariantProperties=True
    )
    variants = {variant["VariantName"]: variant for variant in settled(world, name)["ProductionVariants"]}
    assert (variants["b"]["CurrentWeight"], variants["b"]["CurrentInstanceCount"]) == (0, 4)


def test_deleted_endpoint_answers_no_more(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1))
    world.client("sagemaker").delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="not found"):
        invoke(world, name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        world.client("sagemaker").describe_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("deployment", "count", "message"),
    [
        (canary(), 1, "at least two instances|between 1 and 50 percent"),
        (canary("no-such-alarm"), 2, "there is no alarm no-such-alarm"),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 1}},
            2,
            "RollingUpdatePolicy",
        ),
    ],
)
def test_impossible_deployment_is_refused(world, artifact, deployment, count, message):
    name = world.name("endpoint")
    with pytest.raises(ClientError, match=message):
        world.client("sagemaker").create_endpoint(
            EndpointName=name,
            EndpointConfigName=config(world, ("blue", model(world, artifact), 1), count=count),
            DeploymentConfig=deployment,
        )


def test_canary_between_different_variant_names_is_refused(world, artifact):
    name = endpoint(world, ("blue", model(world, artifact), 1), count=2)
    other = config(world, ("green", model(world, artifact), 1), count=2)
    with pytest.raises(ClientError, match="same variant names before and after"):
        world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=other, DeploymentConfig=canary())


def test_a_routing_strategy_is_one_of_the_services(world, artifact):
    variant = {"VariantName": "blue", "ModelName": model(world, artifact), "InstanceType": "ml.m6g.large", "InitialInstanceCount": 2}
    sagemaker, name = world.client("sagemaker"), world.name("config")
    with pytest.raises(ClientError, match="LEAST_OUTSTANDING_REQUESTS.*got 'ROUND_ROBIN'"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "RoutingConfig": {"RoutingStrategy": "ROUND_ROBIN"}}]
        )
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**variant, "RoutingConfig": routing}])
    assert sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"][0]["RoutingConfig"] == routing


def test_model_needs_an_image_an_artifact_and_a_role_that_exist(world, artifact):
    sagemaker = world.client("sagemaker")
    good = {"Image": world.serving_image, "ModelDataUrl": artifact}
    cases = [
        (
            {**good, "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-training:1"},
            world.sagemaker_role,
            "does not run the image",
        ),
        ({**good, "ModelDataUrl": "s3://ml-data/none.tar.gz"}, world.sagemaker_role, "Could not find model data"),
        (good, world.glue_role, "Could not assume role"),
    ]
    for container, role, message in cases:
        with pytest.raises(ClientError, match=message):
            sagemaker.create_model(ModelName=world.name("model"), ExecutionRoleArn=role, PrimaryContainer=container)


def test_scalable_target_needs_a_variant_in_service_that_can_scale(world, artifact):
    scaling = world.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
    }
    with pytest.raises(ClientError, match="No SageMaker variant in service"):
        scaling.register_scalable_target(ResourceId="endpoint/none/variant/blue", **target)
    name = endpoint(world, ("blue", model(world, artifact), 1))
    scaling.register_scalable_target(ResourceId=f"endpoint/{name}/variant/blue", **target)
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{name}/variant/blue"])
    assert targets["ScalableTargets"][0]["MaxCapacity"] == 2
