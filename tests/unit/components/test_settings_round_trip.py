"""Property: settings written as Pulumi sends them are read back as the same settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from components.settings.settings import Settings
from components.settings.source import parse

ROOT = Path(__file__).parents[3]
TAGS = {"Project": "mlops", "ManagedBy": "pulumi"}

algorithms = st.lists(
    st.sampled_from(["hist_gradient_boosting", "lightgbm", "xgboost", "logistic_regression"]), min_size=1, max_size=4, unique=True
)
names = st.from_regex(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", fullmatch=True)


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, Any]:
    scaled = draw(st.booleans())
    minimum = draw(st.integers(2, 5))
    maximum = minimum + draw(st.integers(1, 5))
    count = draw(st.integers(minimum, maximum)) if scaled else draw(st.integers(1, 9))
    strategies = ["all-at-once", "blue-green"] + (["canary"] if count > 1 else [])
    return {
        "strategy": draw(st.sampled_from(strategies)),
        "instance_type": "ml.m6g.large" if scaled else draw(st.sampled_from(["ml.t2.medium", "ml.c6g.large"])),
        "instance_count": count,
        **({"scaling": {"minimum": minimum, "maximum": maximum}} if scaled else {}),
    }


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    runtime = draw(st.integers(60, 86400))
    return {
        "name": draw(names),
        "contract": draw(st.sampled_from(["contracts/flights.yaml", "contracts/breast_cancer.yaml"])),
        "gate": {"minimum": draw(st.floats(0, 1)), "improvement": draw(st.floats(0, 1))},
        "training": {
            "algorithms": draw(algorithms),
            "maximum_runtime_seconds": runtime,
            "maximum_wait_seconds": runtime + draw(st.integers(0, 1000)),
            "minimum_rows": draw(st.integers(1, 10**9)),
        },
        "deployment": draw(deployments()),
    }


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    environment = draw(st.sampled_from(["dev", "local"]))
    return {
        "stack": {
            "environment": environment,
            "owner": draw(st.text(min_size=1, max_size=20)),
            "cost_center": draw(st.sampled_from(["a", "42"])),
        },
        "network": {"nat": draw(st.sampled_from(["single", "per-az"])), "availability_zones": draw(st.integers(1, 3))},
        "notifications": {"emails": ["a@example.com"]},
        "pipelines": {"poll_seconds": draw(st.integers(1, 300))},
        "models": draw(st.lists(models(), min_size=1, max_size=3, unique_by=lambda model: model["name"])),
    }


@settings(deadline=None, max_examples=40)
@given(configurations())
def test_settings_survive_being_written_and_read(values: dict[str, Any]) -> None:
    stack = values["stack"]
    tags = {**TAGS, "Environment": stack["environment"], "Owner": stack["owner"], "CostCenter": stack["cost_center"]}
    config = {f"mlops:{key}": json.dumps(value) for key, value in values.items()}
    config |= {"aws:region": "eu-west-1", "aws:defaultTags": json.dumps({"tags": tags})}
    read = parse(config, project="mlops", stack="any", root=ROOT).settings
    assert read == Settings.model_validate(values)
    again = {f"mlops:{key}": json.dumps(value) for key, value in read.model_dump().items()}
    assert parse({**config, **again}, project="mlops", stack="any", root=ROOT).settings == read
