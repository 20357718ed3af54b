"""The pack as a thing to publish: version, ready configurations, a copy outside the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import jsonschema
import pytest
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2_grpc
from wellarchitected import META_RULES, RULES, evaluate
from wellarchitected.crossguard import policies
from wellarchitected.ready import configurations, text
from wellarchitected.since import table, versions
from wellarchitected.version import PACK_VERSION

from .engine_requests import analyze_request, configure, servicer
from .examples import TODAY
from .test_evaluate import bucket

POLICY = Path(__file__).parents[2] / "policy"
CONFIGS = sorted((POLICY / "configs").glob("*.json"))


def test_the_pack_has_one_version() -> None:
    assert yaml.safe_load((POLICY / "PulumiPolicy.yaml").read_text())["version"] == PACK_VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", PACK_VERSION)


def test_every_rule_says_since_when_it_is_there() -> None:
    file = POLICY / "wellarchitected" / "data" / "since.tsv"
    assert file.read_text() == table(rule.id for rule in RULES), "python -m wellarchitected.ready policy enters new rules"
    order = [tuple(map(int, version.split("."))) for version in versions().values()]
    assert max(order) <= tuple(map(int, PACK_VERSION.split(".")))


def test_the_ready_configurations_are_fresh() -> None:
    assert {file.name: file.read_text() for file in CONFIGS} == {
        name: text(sections) for name, sections in configurations(RULES).items()
    }, "python -m wellarchitected.ready policy"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_ready_configuration_is_read_by_the_pack_and_fits_the_schemas_of_its_policies(file: Path, stack: str) -> None:
    config = json.loads(file.read_text())
    report = evaluate([bucket(acl="public-read")], stack=stack, config=config, today=TODAY)
    expected = {"first-week.json": stack, "dev.json": "dev", "prod.json": "prod"}[file.name]
    assert report.environment == expected
    plain = evaluate([bucket(acl="public-read")], stack=expected, today=TODAY)
    found = {finding.rule for finding in report.findings if finding.outcome == "fail"}
    assert found == {finding.rule for finding in plain.findings if finding.outcome == "fail"}
    assert bool(report.blocking) == (file.name != "first-week.json")
    schemas = {policy.name: policy.config_schema for policy in policies(RULES, "prod", lambda: TODAY)}
    assert set(config) == set(schemas)
    for name, section in config.items():
        schema = schemas[name]
        assert schema is not None
        properties = {key: value for key, value in section.items() if key != "enforcementLevel"}
        assert set(properties) <= set(schema.properties)
        jsonschema.validate(properties, {"type": "object", "properties": dict(schema.properties)})


def test_in_the_first_week_a_rule_of_development_judges_only_there() -> None:
    config = json.loads((POLICY / "configs" / "first-week.json").read_text())
    assert config["small-endpoints-outside-production"] == {"enforcementLevel": "advisory", "environments": ["dev"]}
    rule = next(rule for rule in RULES if rule.id == "small-endpoints-outside-production")
    from .examples import resources

    found = {}
    for stack in ("dev", "prod"):
        service = servicer([rule], "dev")
        configure(service, {rule.id: config[rule.id]})
        (resource,) = resources(rule.violating)
        resource.urn = resource.urn.replace("urn:pulumi:test:", f"urn:pulumi:{stack}:")
        found[stack] = [diagnostic.policyName for diagnostic in service.Analyze(analyze_request(resource), None).diagnostics]
    assert found == {"dev": [rule.id], "prod": []}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The pack's folder as `pulumi policy publish` packs it: without what Git ignores."""
    return Path(shutil.copytree(POLICY, tmp_path / "pack", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")))


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose Python has the pack's requirements and not this repository."""
    names = [re.split("==", line)[0] for line in (POLICY / "requirements.txt").read_text().split()]
    assert names == ["pulumi", "pulumi-policy"]
    folder = tmp_path / "packages"
    folder.mkdir()
    for path in (Path(each) for each in sys.path if each.endswith("site-packages")):
        for item in path.iterdir():
            if not item.name.startswith(("_editable", "__editable", "_mlops", "mlops", "wellarchitected")) and item.suffix != ".pth":
                (folder / item.name).symlink_to(item)
    yield {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "HOME": str(tmp_path)}


def test_a_copy_outside_the_repository_serves_every_rule(copy: Path, alone: dict[str, str]) -> None:
    found = subprocess.run(
        [sys.executable, "-S", "-c", "import wellarchitected; print(wellarchitected.__file__)"],
        cwd=copy, env=alone, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(found.stdout.strip()).is_relative_to(copy)
    process = subprocess.Popen([sys.executable, "-S", "-u", "__main__.py"], cwd=copy, env=alone, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            stub = analyzer_pb2_grpc.AnalyzerStub(channel)
            info = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=30)
            response = stub.Analyze(analyze_request(bucket(acl="public-read")), timeout=30)
        assert info.name == "wellarchitected"  # the version stands in PulumiPolicy.yaml; the SDK answers 0.0.1
        assert {policy.name for policy in info.policies} == {
            rule.id for rule in (*RULES, *META_RULES) if not getattr(rule, "offline", False)
        }
        assert "s3-no-public-acl" in {diagnostic.policyName for diagnostic in response.diagnostics}
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_the_requirements_are_those_the_project_is_tested_with() -> None:
    lock = (POLICY.parent / "requirements.lock").read_text()
    for line in (POLICY / "requirements.txt").read_text().split():
        assert f"{line} " in lock, line
