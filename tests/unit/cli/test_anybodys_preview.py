"""`mlops preview` of a program that nobody here wrote: no stack file, other packages, components that only their provider can build."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.cli.main import run
from mlops.engine.answers import FILE

PROGRAM = """
import pulumi
import pulumi_aws as aws

size = pulumi.Config().require_int("size")
ami = aws.ec2.get_ami(owners=["amazon"], most_recent=True, filters=[{"name": "name", "values": ["al2023-ami-*-arm64"]}])


class Component(pulumi.ComponentResource):
    def __init__(self, type_, name, props):
        super().__init__(type_, name, props, remote=True)


Component("eks:index:Cluster", "cluster", {"desired_capacity": size, "image": ami.id})
Component("kubernetes:yaml/v2:ConfigFile", "manifests", {"file": "app.yaml"})
pulumi.CustomResource("gitlab:index/project:Project", "project", {"name": "app"})
"""
Preview = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: anybody\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def preview(capsys: pytest.CaptureFixture[str], project: Path) -> Preview:
    def run_it(*options: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as stopped:
            run(["preview", "--stack", "dev", "--project", str(project), "--json", *options])
        assert isinstance(stopped.value.code, int)
        return stopped.value.code, json.loads(capsys.readouterr().out)

    return run_it


GIVEN = ("--config-value", "aws:region=eu-west-1", "--config-value", "size=3")


def unjudged(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in document["policy"]["findings"] if finding["rule"] == "provider-components-judged"]


def test_a_component_nobody_could_build_stops_the_deployment_and_one_that_is_not_of_aws_does_not(preview: Preview) -> None:
    code, document = preview(*GIVEN)
    assert code == 1
    [finding] = unjudged(document)
    assert (finding["outcome"], finding["level"], finding["file"], finding["line"]) == ("fail", "mandatory", "__main__.py", 14)
    assert "'cluster' is a eks:index:Cluster" in finding["message"]
    told = " ".join(each["message"] for each in document["policy"]["findings"] if each["rule"] == "escape-hatches-named")
    assert all(type_ in told for type_ in ("eks:index:Cluster", "kubernetes:yaml/v2:ConfigFile", "gitlab:index/project:Project"))
    assert {resource["name"] for resource in document["resources"]} >= {"cluster", "manifests", "project"}


def test_what_a_preview_rests_on_is_in_its_document(preview: Preview) -> None:
    _, document = preview(*GIVEN)
    assert document["answers"] == [{"function": "aws:ec2/getAmi:getAmi", "source": "example"}]
    assert document["interpreter"]["packages"]["pulumi-aws"]


@pytest.mark.parametrize(("expires", "outcome"), [("2999-01-01", "exempt"), ("2026-01-01", "fail")])
def test_it_can_be_accepted_with_a_reason_until_a_day(preview: Preview, project: Path, expires: str, outcome: str) -> None:
    entry = f"{{component: 'eks:*', reason: reviewed by hand, owner: platform, expires: '{expires}'}}"
    (project / FILE).write_text(f"accepted: [{entry}]\n")
    code, document = preview(*GIVEN)
    [finding] = unjudged(document)
    assert finding["outcome"] == outcome
    assert code == (1 if outcome == "fail" else 0), [each for each in document["policy"]["findings"] if each["level"] == "mandatory"]
    assert ("reviewed by hand" if outcome == "exempt" else "expired") in finding["message"]


def test_a_missing_value_is_an_error_that_says_how_to_give_it(preview: Preview) -> None:
    code, document = preview("--config-value", "aws:region=eu-west-1")
    assert (code, document["error"]["code"]) == (2, "missing-config")
    assert "--config-value anybody:size='<number>'" in document["error"]["hint"]


@pytest.mark.parametrize("given", [("size",), ("=3",), ("size=1", "size=2")])
def test_a_value_that_is_none_is_bad_input(preview: Preview, given: tuple[str, ...]) -> None:
    code, document = preview(*(part for value in given for part in ("--config-value", value)))
    assert (code, document["error"]["code"]) == (2, "usage")


def test_a_file_of_answers_that_is_not_there_is_bad_input(preview: Preview, project: Path) -> None:
    code, document = preview(*GIVEN, "--answers", str(project / "none.yaml"))
    assert (code, document["error"]["code"]) == (2, "no-answers")
