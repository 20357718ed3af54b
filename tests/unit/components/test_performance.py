"""What makes a stack faster or cheaper by setting: each part on and off, and settings that cannot work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from components.settings.reachability import CALLERS, NOWHERE, Caller
from components.settings.source import SettingsError, parse
from mlops import engine, policy

from .test_costs import changed_stack
from .test_program import ROOT, preview
from .test_settings import as_pulumi_sends_it, parsed, section, stack_file

STACKS = ("dev", "prod", "prod-dr", "local")


def of_type(record: engine.Record, type_: str) -> list[engine.RecordedResource]:
    return [resource for resource in record.resources if resource.type == type_]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    """Production with other values of all of it, without acceleration, and with DAX."""

    def change(config: dict[str, Any]) -> None:
        performance = config["mlops:performance"]
        performance["transfer_acceleration"] = False
        performance["api_cache"] = {"size_gb": "1.6", "ttl_seconds": 30}
        performance["archive"] = {"archive_days": 120, "deep_archive_days": 365}
        performance["concurrency"]["reserved"] = {"predict": 50, "clean_up": 1}
        config["mlops:recovery"]["accelerator"] = {"node_type": "dax.t3.small", "nodes": 3}

    return changed_stack(tmp_path_factory.mktemp("changed"), "prod", change)


@pytest.mark.spec("PERF-6c")
def test_only_the_raw_bucket_is_accelerated_and_only_by_setting(changed: engine.Record) -> None:
    kind = "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration"
    (acceleration,) = of_type(preview("prod"), kind)
    assert acceleration.inputs["status"] == "Enabled"
    (urn,) = acceleration.property_dependencies["bucket"]
    (raw,) = [bucket for bucket in of_type(preview("prod"), "aws:s3/bucket:Bucket") if bucket.urn == urn]
    # One label of the host name <bucket>.s3-accelerate.amazonaws.com.
    assert re.fullmatch(r"mlops-prod-raw-\d{12}", raw.inputs["bucket"])
    assert preview("prod").outputs["transfer_acceleration"] is True
    for record in (changed, *(preview(stack) for stack in ("dev", "prod-dr", "local"))):
        assert of_type(record, kind) == [] and record.outputs["transfer_acceleration"] is False


def states(definition: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The states of a machine, those of parallel branches and maps included."""
    waiting = [json.loads(definition)]
    while waiting:
        machine = waiting.pop()
        for name, state in machine["States"].items():
            inner = [*state.get("Branches", []), *(state[key] for key in ("Iterator", "ItemProcessor") if key in state)]
            waiting += inner
            yield name, {} if inner else state


@pytest.mark.spec("PERF-6a")
@pytest.mark.parametrize("stack", STACKS)
def test_what_is_read_again_moves_between_access_tiers_by_itself(stack: str) -> None:
    lifecycles = {each.name: each for each in of_type(preview(stack), "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")}
    for purpose in ("processed", "models"):
        ((rule,), name) = lifecycles[f"lake-{purpose}-lifecycle"].inputs["rules"], purpose
        assert rule["status"] == "Enabled" and rule["transitions"] == [{"days": 30, "storageClass": "INTELLIGENT_TIERING"}], name


@pytest.mark.spec("PERF-6a")
def test_archive_tiers_take_validated_rows_only_which_no_later_run_reads(changed: engine.Record) -> None:
    kind = "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration"
    (archive,) = of_type(changed, kind)
    assert archive.inputs["filter"] == {"prefix": "flights/validated/"}
    assert archive.inputs["tierings"] == [
        {"accessTier": "ARCHIVE_ACCESS", "days": 120},
        {"accessTier": "DEEP_ARCHIVE_ACCESS", "days": 365},
    ]
    (urn,) = archive.property_dependencies["bucket"]
    assert urn.endswith("lake-processed-bucket")
    assert [each.inputs["tierings"] for each in of_type(preview("prod"), kind)] == [[{"accessTier": "ARCHIVE_ACCESS", "days": 180}]]
    assert of_type(preview("dev"), kind) == of_type(preview("local"), kind) == []
    # Where rows are read later: features and manifests by trainings, models by deployments and rollbacks.
    folders = (ROOT / "lambdas", ROOT / "training", ROOT / "mlops/operations", ROOT / "glue_jobs")
    readers = [path.name for folder in folders for path in folder.rglob("*.py") if "validated/" in path.read_text()]
    assert readers == ["validate.py"]  # which writes them
    told = {
        machine.inputs["name"]: [name for name, state in states(machine.inputs["definition"]) if "$.validated" in json.dumps(state)]
        for machine in of_type(changed, "aws:sfn/stateMachine:StateMachine")
    }
    assert {name: found for name, found in told.items() if found} == {"mlops-prod-flights-data": ["Preprocess"]}


@pytest.mark.spec("REL-3a")
def test_predict_is_kept_warm_by_its_utilization_in_production_only() -> None:
    provisioned = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    record = preview("prod")
    (warm,) = of_type(record, provisioned)
    assert (warm.inputs["functionName"], warm.inputs["qualifier"]) == ("mlops-prod-flights-predict", "live")
    assert warm.inputs["provisionedConcurrentExecutions"] == 1
    (target,) = of_type(record, "aws:appautoscaling/target:Target")
    assert target.inputs["resourceId"] == "function:mlops-prod-flights-predict:live"
    assert target.inputs["scalableDimension"] == "lambda:function:ProvisionedConcurrency"
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (1, 5)
    (policy,) = of_type(record, "aws:appautoscaling/policy:Policy")
    tracking = policy.inputs["targetTrackingScalingPolicyConfiguration"]
    assert tracking["targetValue"] == 0.7
    assert tracking["predefinedMetricSpecification"] == {"predefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}
    for other in (preview("dev"), preview("prod-dr"), preview("local")):
        assert of_type(other, provisioned) == of_type(other, "aws:appautoscaling/target:Target") == []


@pytest.mark.spec("REL-3a")
def test_functions_reserve_what_the_settings_say_and_the_others_share_the_rest(changed: engine.Record) -> None:
    def reserved(record: engine.Record) -> dict[str, int]:
        functions = of_type(record, "aws:lambda/function:Function")
        return {
            each.inputs["name"]: each.inputs["reservedConcurrentExecutions"]
            for each in functions
            if "reservedConcurrentExecutions" in each.inputs
        }

    assert reserved(preview("prod")) == {"mlops-prod-flights-predict": 100}
    assert reserved(changed) == {"mlops-prod-flights-predict": 50, "mlops-prod-clean-up": 1}
    assert reserved(preview("dev")) == reserved(preview("local")) == {}


@pytest.mark.spec("PERF-6e")
def test_only_descriptions_are_cached_encrypted_and_under_the_limits_of_all_methods(changed: engine.Record) -> None:
    (stage,) = of_type(changed, "aws:apigateway/stage:Stage")
    assert (stage.inputs["cacheClusterEnabled"], stage.inputs["cacheClusterSize"]) == (True, "1.6")
    settings = {
        each.inputs["methodPath"]: each.inputs["settings"] for each in of_type(changed, "aws:apigateway/methodSettings:MethodSettings")
    }
    assert set(settings) == {"*/*", "~1models~1flights/GET"}
    every, cached = settings["*/*"], settings["~1models~1flights/GET"]
    assert every["cachingEnabled"] is False
    assert cached["cachingEnabled"] and cached["cacheDataEncrypted"] and cached["cacheTtlInSeconds"] == 30
    assert cached["requireAuthorizationForCacheControl"] and cached["unauthorizedCacheControlHeaderStrategy"] == "FAIL_WITH_403"
    assert {key: value for key, value in cached.items() if "ach" not in key} == {
        key: value for key, value in every.items() if "ach" not in key
    }
    judged = policy.evaluate(changed, None, date(2026, 1, 1)).outcomes("api-cache-safe")
    assert judged["pass"] == 1 and not judged["fail"]


@pytest.mark.spec("PERF-6e")
@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_pays_for_a_cache_unasked(stack: str) -> None:
    assert [stage.inputs["cacheClusterEnabled"] for stage in of_type(preview(stack), "aws:apigateway/stage:Stage")] == [False]
    settings = of_type(preview(stack), "aws:apigateway/methodSettings:MethodSettings")
    assert [each.inputs["methodPath"] for each in settings] == ["*/*"] and "cachingEnabled" not in settings[0].inputs["settings"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_models_description_is_signed_and_read_only(stack: str) -> None:
    (get,) = [each for each in of_type(preview(stack), "aws:apigateway/method:Method") if each.name == "api-descriptions-flights-get"]
    assert (get.inputs["httpMethod"], get.inputs["authorization"]) == ("GET", "AWS_IAM")
    (rights,) = [
        each for each in of_type(preview(stack), "aws:iam/rolePolicy:RolePolicy") if each.name == "api-descriptions-function-policy"
    ]
    actions = {action for statement in json.loads(rights.inputs["policy"])["Statement"] for action in statement["Action"]}
    of_data = {action for action in actions if action.startswith(("sagemaker:", "dynamodb:", "s3:"))}
    assert of_data == {
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "dynamodb:GetItem",
        "s3:GetObject",
    }


@pytest.mark.spec("PERF-6d")
def test_dax_is_there_by_setting_encrypted_and_reached_by_functions_only(changed: engine.Record) -> None:
    (cluster,) = of_type(changed, "aws:dax/cluster:Cluster")
    assert (cluster.inputs["nodeType"], cluster.inputs["replicationFactor"]) == ("dax.t3.small", 3)
    assert cluster.inputs["serverSideEncryption"] == {"enabled": True} and cluster.inputs["clusterEndpointEncryptionType"] == "TLS"
    (group,) = cluster.property_dependencies["securityGroupIds"]
    (way_in,) = [
        rule
        for rule in of_type(changed, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.property_dependencies["securityGroupId"] == [group]
    ]
    (source,) = way_in.property_dependencies["referencedSecurityGroupId"]
    assert source.endswith("network-functions") and (way_in.inputs["fromPort"], way_in.inputs["toPort"]) == (9111, 9111)
    for stack in STACKS:
        assert of_type(preview(stack), "aws:dax/cluster:Cluster") == []


@pytest.mark.spec("PERF-6g")
@pytest.mark.parametrize("stack", STACKS)
def test_requests_stay_in_the_region(stack: str) -> None:
    record = preview(stack)
    region = stack_file(stack)["config"]["aws:region"]
    assert [api.inputs["endpointConfiguration"]["types"] for api in of_type(record, "aws:apigateway/restApi:RestApi")] == ["REGIONAL"]
    endpoints = [each.inputs["serviceName"] for each in of_type(record, "aws:ec2/vpcEndpoint:VpcEndpoint")]
    assert len(endpoints) >= 2 and all(name.startswith(f"com.amazonaws.{region}.") for name in endpoints)
    # A standby's copies are elsewhere; nothing that answers or computes is.
    works = ("aws:apigateway/", "aws:lambda/", "aws:sfn/", "aws:glue/", "aws:ec2/")
    placed = [each.inputs.get("region", region) for each in record.resources if each.type.startswith(works)]
    assert len(placed) > 50 and set(placed) == {region}


@pytest.mark.spec("PERF-6g")
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.handler)
def test_functions_call_the_regional_endpoint_of_every_service_that_has_one(caller: Caller) -> None:
    region = "eu-north-1"
    for service in {*caller.services, "s3", "dynamodb"} - set(NOWHERE):
        host = str(urlsplit(boto3.client(service, region_name=region).meta.endpoint_url).hostname)
        assert f".{region}." in f".{host}", (service, host)
    # test_reachability.py: these are all services that the function's code makes clients of.
    code = "\n".join(path.read_text() for path in (ROOT / "lambdas" / caller.handler).glob("*.py"))
    assert set(re.findall(r'region_name="([^"]+)"', code)) == ({"us-east-1"} if "ce" in caller.services else set())


@pytest.mark.spec("REL-4d")
@pytest.mark.parametrize("stack", STACKS)
def test_no_store_of_data_has_a_size_that_somebody_guessed(stack: str) -> None:
    record = preview(stack)
    sized = re.compile(r"aws:(ebs/volume|efs/|fsx/|rds/|redshift/|elasticache/|opensearch/|memorydb/|docdb/|neptune/|storagegateway/)")
    assert [resource.urn for resource in record.resources if sized.match(resource.type)] == []
    made = {bucket.inputs["bucket"].split("-")[-2] for bucket in of_type(record, "aws:s3/bucket:Bucket")}
    assert {"raw", "processed", "quarantine", "models", "predictions", "logs"} <= made


MISTAKES: dict[str, tuple[str, Callable[[dict[str, Any]], object], str, str]] = {
    "acceleration in the sandbox": (
        "local",
        section("performance", transfer_acceleration=True),
        "performance.transfer_acceleration",
        "the sandbox has no edge locations",
    ),
    "warm functions in the sandbox": (
        "local",
        section("performance", concurrency={"provisioned": {}}),
        "performance.concurrency.provisioned",
        "the sandbox has no function environments",
    ),
    "somebody else's bucket": (
        "prod",
        section("lake", raw_mode="existing", raw_bucket="company-raw"),
        "performance.transfer_acceleration",
        "an existing raw bucket is never changed",
    ),
    "archive tier too early": ("prod", section("performance", archive={"archive_days": 30}), "performance.archive.archive_days", "90"),
    "deep archive too early": (
        "prod",
        section("performance", archive={"archive_days": 200, "deep_archive_days": 190}),
        "performance.archive.deep_archive_days",
        "is not after archive_days 200",
    ),
    "cache without an API": (
        "dev",
        lambda config: (
            section("stack", parts=["data", "cicd"])(config),
            section("cicd", images=False)(config),
            section("performance", api_cache={})(config),
        ),
        "performance.api_cache",
        "belong to the part models",
    ),
    "cache for a day": ("prod", section("performance", api_cache={"ttl_seconds": 86400}), "performance.api_cache.ttl_seconds", "3600"),
    "warm range that is none": (
        "prod",
        section("performance", concurrency={"provisioned": {"minimum": 5, "maximum": 5}}),
        "performance.concurrency.provisioned.maximum",
        "must be above minimum 5",
    ),
    "more kept warm than reserved": (
        "prod",
        section("performance", concurrency={"reserved": {"predict": 4}, "provisioned": {}}),
        "performance.concurrency.provisioned.maximum",
        "above reserved.predict 4",
    ),
    "nothing left unreserved": (
        "prod",
        section("performance", concurrency={"reserved": {"predict": 901}}),
        "performance.concurrency.reserved",
        "allowed: 900 in all",
    ),
    "a new account's quota": (
        "prod",
        section("performance", concurrency={"reserved": {"predict": 1}, "account": 10}),
        "performance.concurrency.reserved",
        "allowed: 0 in all",
    ),
    "no such function": (
        "prod",
        section("performance", concurrency={"reserved": {"predikt": 1}}),
        "performance.concurrency.reserved",
        "'predikt' is no function of the platform",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_setting_that_cannot_work_is_one_clear_error(case: str) -> None:
    stack, change, where, says = MISTAKES[case]
    with pytest.raises(SettingsError) as caught:
        parsed(stack, change)
    assert caught.value.where.startswith(f"Pulumi.{stack}.yaml: mlops:{where}")
    assert says in f"{caught.value.message}; {caught.value.hint}"


def test_each_model_reserves_for_itself() -> None:
    def two_models(config: dict[str, Any]) -> None:
        config["mlops:models"].append({**config["mlops:models"][0], "name": "delays"})
        section("performance", concurrency={"reserved": {"predict": 451}})(config)

    with pytest.raises(SettingsError, match="902 in all"):
        parsed("prod", two_models)


def test_a_bucket_with_a_dot_in_its_name_is_not_accelerated() -> None:
    config = json.loads(json.dumps(stack_file("prod")["config"]))
    config["aws:defaultTags"]["tags"]["Stack"] = "v1.prod"
    with pytest.raises(SettingsError, match="no bucket with a dot in its name"):
        parse(as_pulumi_sends_it(config), project="mlops", stack="v1.prod", root=Path(ROOT))
    config["mlops:performance"]["transfer_acceleration"] = False
    assert parse(as_pulumi_sends_it(config), project="mlops", stack="v1.prod", root=Path(ROOT)).stack == "v1.prod"
