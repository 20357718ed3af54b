"""Names: the list of the longest is what the stacks register, and what AWS would refuse is refused before anything is registered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from components.settings.name_lengths import LONGEST, too_long
from components.settings.source import SettingsError, parse

ROOT = Path(__file__).parents[3]
# Pulumi's type → (kind, property with the name)
KINDS = {
    "aws:s3/bucket:Bucket": ("S3 bucket", "bucket"),
    "aws:iam/role:Role": ("IAM role", "name"),
    "aws:lambda/function:Function": ("Lambda function", "name"),
    "aws:sqs/queue:Queue": ("SQS queue", "name"),
    "aws:sfn/stateMachine:StateMachine": ("state machine", "name"),
    "aws:scheduler/schedule:Schedule": ("schedule", "name"),
    "aws:cloudwatch/eventRule:EventRule": ("event rule", "name"),
    "aws:backup/vault:Vault": ("backup vault", "name"),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ("model package group", "modelPackageGroupName"),
}


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr"])
def test_no_registered_name_is_longer_than_the_list_says(stack: str) -> None:
    resources = json.loads((ROOT / "tests" / "recordings" / f"{stack}.json").read_text())["resources"]
    prefix, seen = f"mlops-{stack}", 0
    for resource in resources.values():
        if resource["type"] not in KINDS:
            continue
        kind, name_property = KINDS[resource["type"]]
        end = resource["inputs"][name_property].removeprefix(prefix)
        of_model = end.startswith("-flights")
        longest = max((len(each.end) for each in LONGEST if (each.kind, each.of_model) == (kind, of_model)), default=-1)
        assert len(end.removeprefix("-flights")) <= longest, f"{kind} {resource['inputs'][name_property]}: add it to name_lengths.LONGEST"
        seen += 1
    assert seen > 80


def test_what_fits_by_one_character_is_accepted_and_one_more_is_not() -> None:
    prefix = "p" * (63 - len("-predictions-123456789012"))
    assert too_long(prefix, []) is None
    found = too_long(prefix + "p", [])
    assert found is not None and (found.length.kind, found.over) == ("S3 bucket", 1)


def test_a_long_model_is_refused_for_the_name_of_its_endpoint_configuration() -> None:
    found = too_long("mlops-staging-eu-west", ["flights", "m" * 20])
    assert found is not None and found.length.kind == "endpoint configuration" and "m" * 20 in found.name


@pytest.mark.parametrize(
    ("stack", "model", "kind"),
    [("d" * 40, "flights", "endpoint configuration"), ("development-of-ireland", "flights-of-new-york", "endpoint configuration")],
)
def test_a_long_name_is_one_error_that_says_what_is_allowed_and_by_how_much_to_shorten(stack: str, model: str, kind: str) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    config["aws:defaultTags"]["tags"].pop("Stack", None)
    config["mlops:models"][0]["name"] = model
    config["mlops:cost"]["budget"].pop("models_monthly_usd")
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    with pytest.raises(SettingsError) as caught:
        parse(flat, project="mlops", stack=stack, root=ROOT)
    assert kind in caught.value.message and "characters" in caught.value.message
    assert stack in caught.value.where and "shorten" in caught.value.hint and "allowed: 63" in caught.value.hint
