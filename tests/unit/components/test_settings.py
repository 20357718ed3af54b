"""Settings: the three stacks are valid, a mistake is one error that names file, key, value and what is allowed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from components.settings import schema as settings_schema
from components.settings.reachability import ENDPOINTS
from components.settings.source import MARKER, SettingsError, StackConfig, parse

ROOT = Path(__file__).parents[3]
STACKS = ("dev", "prod", "local")
Config = dict[str, Any]


def stack_file(stack: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())


def as_pulumi_sends_it(config: Config) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def parsed(stack: str, change: Callable[[Config], object] | None = None) -> StackConfig:
    config = stack_file(stack)["config"]
    if change:
        change(config)
    return parse(as_pulumi_sends_it(config), project="mlops", stack=stack, root=ROOT)


@pytest.mark.parametrize("stack", STACKS)
def test_stack_files_are_valid(stack: str) -> None:
    config = parsed(stack)
    assert config.settings.stack.environment == stack
    assert [model.name for model in config.settings.models] == ["flights"]
    assert config.contracts["flights"]["target"] == "late"


@pytest.mark.parametrize("stack", STACKS)
def test_stack_files_follow_the_editors_schema(stack: str) -> None:
    jsonschema.Draft202012Validator(settings_schema.schema()).validate(stack_file(stack))
    assert (ROOT / f"Pulumi.{stack}.yaml").read_text().startswith("# yaml-language-server: $schema=schemas/settings.schema.json\n")


def test_editors_schema_refuses_an_unknown_key() -> None:
    document = stack_file("dev")
    document["config"]["mlops:netwrk"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(settings_schema.schema()).validate(document)


def test_schema_file_is_fresh() -> None:
    assert (ROOT / settings_schema.FILE).read_text() == settings_schema.text(), "run python -m components.settings.schema"


KEY_CLASSES = ("data", "models", "predictions", "logs", "operations")
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def model(config: Config) -> dict[str, Any]:
    return config["mlops:models"][0]


def deployment(**values: Any) -> Callable[[Config], object]:
    return lambda config: model(config)["deployment"].update(values)


def training(**values: Any) -> Callable[[Config], object]:
    return lambda config: model(config)["training"].update(values)


def section(key: str, **values: Any) -> Callable[[Config], object]:
    return lambda config: config.setdefault(f"mlops:{key}", {}).update(values)


MISTAKES: dict[str, tuple[str, Callable[[Config], object], str, str, str]] = {
    "unknown key": ("dev", section("network", natt="single"), "mlops:network.natt", '"single"', "nat"),
    "unknown section": ("dev", lambda c: c.update({"mlops:foo": "x"}), "mlops:foo", '"x"', "network"),
    "missing section": ("dev", lambda c: c.pop("mlops:stack"), "mlops:stack", "missing", "set it"),
    "value not in list": ("dev", section("network", nat="two"), "mlops:network.nat", '"two"', "'per-az'"),
    "digits without quotes": ("dev", section("stack", cost_center=42), "mlops:stack.cost_center", "42", "quotes"),
    "out of range": ("dev", section("functions", memory_mb=64), "mlops:functions.memory_mb", "64", "128"),
    "wrong type": ("dev", training(spot="yes"), "mlops:models[0].training.spot", '"yes"', "boolean"),
    "burstable type scales": ("dev", deployment(scaling={"minimum": 2, "maximum": 4}), "deployment.scaling", "", "ml.m6g.large"),
    "canary of one": ("dev", deployment(strategy="canary"), "deployment.instance_count", "1", "at least 2"),
    "count outside scaling": ("prod", deployment(instance_count=9), "deployment.instance_count", "9", "scaling.maximum 6"),
    "scaling without range": ("prod", deployment(scaling={"minimum": 3, "maximum": 3}), "scaling.maximum", "3", "above minimum"),
    "graviton training": ("dev", training(instance_type="ml.m6g.large"), "training.instance_type", "ml.m6g.large", "pattern"),
    "short spot wait": ("dev", training(maximum_wait_seconds=60), "maximum_wait_seconds", "60", "3600"),
    "several hosts for an algorithm of one": ("dev", training(instance_count=2), "instance_count", "logistic_regression", "lightgbm"),
    "algorithm twice": ("dev", training(algorithms=["lightgbm", "lightgbm"]), "training.algorithms", "lightgbm", "twice"),
    "model twice": ("dev", lambda c: c["mlops:models"].append(model(c)), "mlops:models", "flights", "twice"),
    "too many models": (
        "dev",
        lambda c: c.update({"mlops:models": [{**model(c), "name": f"model-{number}"} for number in range(21)]}),
        "mlops:models",
        "21 models",
        "a stack of their own",
    ),
    "models without data": ("dev", section("stack", parts=["models"]), "mlops:stack.parts", '["models"]', "add data"),
    "part twice": ("dev", section("stack", parts=["cicd", "cicd"]), "mlops:stack.parts", "cicd", "twice"),
    "data without a model": ("dev", lambda c: c.pop("mlops:models"), "mlops:models", "null (not set)", "leave both parts out"),
    "responses without deployers": ("prod", section("security", deployers=[]), "mlops:security.deployers", "[]", "dry_run"),
    "images without repositories": (
        "dev",
        lambda c: (section("stack", parts=["cicd"])(c), c.pop("mlops:models"), c.pop("mlops:cost", None)),
        "mlops:cicd.images",
        "true",
        "add it",
    ),
    "missing contract": (
        "dev",
        lambda c: model(c).update(contract="contracts/no.yaml"),
        "models[0].contract",
        "contracts/no.yaml",
        "folder contracts",
    ),
    "unprotected production": ("prod", section("stack", protected=False), "mlops:stack.protected", "false", "true"),
    "production in one zone": ("prod", section("network", availability_zones=1), "network.availability_zones", "1", "2 zones"),
    "production with one NAT": ("prod", section("network", nat="single"), "network.nat", "single", "per-az"),
    "functions without a way out": ("dev", section("network", nat="none"), "network.interface_endpoints", "sqs", "in_vpc"),
    "responses without a way to IAM": (
        "dev",
        section("network", nat="none", interface_endpoints=sorted(ENDPOINTS.values())),
        "security.response",
        "IAM",
        "in_vpc",
    ),
    "logs gone before they are archived": (
        "dev",
        section("lake", logs_expire_days=30),
        "lake.logs_expire_days",
        "30",
        "archive_after_days",
    ),
    "existing VPC without id": ("dev", section("network", mode="existing"), "network.mode", "existing", "vpc_id"),
    "existing keys without ARNs": ("dev", section("keys", mode="existing"), "keys.mode", "existing", "operations"),
    "existing keys without one where forwarded events fail": (
        "dev",
        lambda c: c.update({"mlops:keys": {"mode": "existing", **dict.fromkeys(KEY_CLASSES, KEY_ARN)}}),
        "keys.global_operations",
        "null",
        "forward_global_events to false",
    ),
    "existing trail without ARN": ("dev", section("audit", mode="existing"), "audit.trail_arn", "null", "required"),
    "existing bucket without name": ("dev", section("lake", raw_mode="existing"), "lake.raw_bucket", "null", "required"),
    "host runtime on AWS": ("dev", section("functions", runtime="host"), "functions.runtime", "host", "fixed"),
    "moving image tag": ("dev", section("images", serving_tag="latest"), "images.serving_tag", "latest", "version"),
    "burst below rate": ("dev", section("api", burst_limit=1), "api.burst_limit", "1", "rate_limit"),
    "a section that is no section": ("dev", lambda c: c.update({"mlops:network": "on"}), "mlops:network", "on", "an object with keys"),
    "no region": ("dev", lambda c: c.pop("aws:region"), "aws:region", "''", "eu-west-1"),
    "repository missing": ("dev", section("cicd", source={"provider": "codecommit"}), "cicd.source.repository", "null", "required"),
    "repository without owner": (
        "dev",
        section("cicd", source={"provider": "codeconnections", "repository": "platform"}),
        "cicd.source.repository",
        '"platform"',
        "owner/name",
    ),
    "unknown strategy": ("dev", section("cicd", strategy="Canary100Percent5Minutes"), "cicd.strategy", "Canary100", "pattern"),
    "production without approval": ("prod", section("cicd", approval=False), "cicd.approval", "false", "true"),
    "approval of nothing": ("prod", section("cicd", code_owner="pulumi"), "cicd.approval", "true", "code_owner"),
    "code owned by no pipeline": (
        "dev",
        section("stack", parts=["data", "models"]),
        "cicd.code_owner",
        '"pipeline"',
        "add the part cicd",
    ),
    "images in the sandbox": (
        "local",
        lambda c: c.update({"mlops:cicd": {"images": True}, "mlops:stack": {**c["mlops:stack"], "parts": ["data", "models", "cicd"]}}),
        "cicd.images",
        "true",
        "Docker",
    ),
    "builds without a way out": (
        "dev",
        lambda c: (section("network", nat="none")(c), section("functions", in_vpc=False)(c), section("cicd", in_vpc=True)(c)),
        "cicd.in_vpc",
        "true",
        "false",
    ),
    "deployer as administrator of keys": (
        "prod",
        section("keys", administrators=["arn:aws:iam::123456789012:role/github-mlops-prod-deploy"]),
        "keys.administrators",
        "github-mlops-prod-deploy",
        "another role",
    ),
    "tag missing": ("dev", lambda c: c["aws:defaultTags"]["tags"].pop("Owner"), "aws:defaultTags.tags", "Owner", "CostCenter"),
    "tag differs": ("dev", lambda c: c["aws:defaultTags"]["tags"].update(Owner="x"), "aws:defaultTags.tags", "'x'", "ml-platform"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake_names_file_key_value_and_what_is_allowed(case: str) -> None:
    stack, change, key, value, allowed = MISTAKES[case]
    with pytest.raises(SettingsError) as caught:
        parsed(stack, change)
    error = caught.value
    assert error.where.startswith(f"Pulumi.{stack}.yaml: ") and key in error.where
    assert value in error.message
    assert allowed in f"{error.message} {error.hint}"


def test_existing_infrastructure_is_accepted() -> None:
    def change(config: Config) -> None:
        section("network", mode="existing", vpc_id="vpc-0a", private_subnet_ids=["subnet-0a", "subnet-0b"])(config)
        there = KEY_ARN.replace("eu-west-1", "us-east-1")
        config["mlops:keys"] = {"mode": "existing", **dict.fromkeys(KEY_CLASSES, KEY_ARN), "global_operations": there}
        section("audit", mode="existing", trail_arn="arn:aws:cloudtrail:eu-west-1:123456789012:trail/company")(config)
        section("lake", raw_mode="existing", raw_bucket="company-raw")(config)

    assert parsed("dev", change).settings.lake.raw_bucket == "company-raw"


PROGRAM = """
from pulumi.runtime import Settings, configure
from components.settings import source as settings_source
configure(Settings(project="mlops", stack="dev"))
settings_source.read()
print("registered")
"""


def test_wrong_setting_ends_the_program_with_status_2_and_one_error() -> None:
    config = stack_file("dev")["config"]
    config["mlops:network"]["nat"] = "two"
    environment = {**os.environ, "PULUMI_CONFIG": json.dumps(as_pulumi_sends_it(config))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    document = json.loads(done.stderr.splitlines()[-1].removeprefix(MARKER))
    assert document["where"] == "Pulumi.dev.yaml: mlops:network.nat"
    assert set(document) == {"code", "message", "where", "hint"}
