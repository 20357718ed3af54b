"""The CI/CD pipeline as resources: stages, triggers, rights, and who owns the functions' code."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cicd.stages import MAXIMUM_ARTIFACTS, groups, with_artifacts
from mlops import engine

from .test_program import ROOT, preview

PARTS = ("components", "lambdas", "glue_jobs", "training", "contracts", "buildspecs")
PIPELINE, PROJECT, ALIAS, FUNCTION = (
    "aws:codepipeline/pipeline:Pipeline",
    "aws:codebuild/project:Project",
    "aws:lambda/alias:Alias",
    "aws:lambda/function:Function",
)


@pytest.fixture(scope="module")
def other_settings(tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    """Stack dev with CodeCommit, builds in the VPC, and the code in Pulumi's hands."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / file, folder / file)
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")
    settings = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    source = {"provider": "codecommit", "repository": "platform", "branch": "main"}
    settings["config"]["mlops:cicd"] = {"source": source, "in_vpc": True, "code_owner": "pulumi"}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(settings))
    return engine.preview(folder, "dev")


def of_type(record: engine.Record, type_: str) -> list[engine.RecordedResource]:
    return [resource for resource in record.resources if resource.type == type_]


def stages(record: engine.Record) -> dict[str, list[dict[str, Any]]]:
    (pipeline,) = of_type(record, PIPELINE)
    return {stage["name"]: stage["actions"] for stage in pipeline.inputs["stages"]}


@cache
def policies(stack: str) -> dict[str, list[dict[str, Any]]]:
    found = of_type(preview(stack), "aws:iam/rolePolicy:RolePolicy")
    return {policy.name: json.loads(policy.inputs["policy"])["Statement"] for policy in found}


def actions_of(stack: str, role: str) -> set[str]:
    return {action for statement in policies(stack)[role] for action in statement["Action"]}


@pytest.mark.spec("P2a", "REL-5b")
@pytest.mark.parametrize(("stack", "wanted"), [("dev", "Source Build Test Deploy"), ("prod", "Source Build Test Approval Deploy")])
def test_a_stack_deploys_only_what_was_built_tested_and_in_prod_approved(stack: str, wanted: str) -> None:
    assert " ".join(stages(preview(stack))) == wanted


@pytest.mark.spec("P2d", "REL-5c")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_function_is_deployed_to_its_alias_with_its_alarm(stack: str) -> None:
    record = preview(stack)
    deployed = {action["configuration"]["FunctionName"]: action for action in stages(record)["Deploy"]}
    assert set(deployed) == {function.inputs["name"] for function in of_type(record, FUNCTION)}
    alarms = {alarm.inputs["name"] for alarm in of_type(record, "aws:cloudwatch/metricAlarm:MetricAlarm")}
    built = {name for action in stages(record)["Build"] for name in action.get("outputArtifacts", [])}
    for name, action in deployed.items():
        assert (action["provider"], action["configuration"]["FunctionAlias"]) == ("Lambda", "live")
        assert action["configuration"]["Alarms"] == f"{name}-errors" and f"{name}-errors" in alarms
        assert action["inputArtifacts"][0] in built
    (pipeline,) = of_type(record, PIPELINE)
    assert pipeline.inputs["stages"][-1]["onFailure"] == {"result": "ROLLBACK"}


@pytest.mark.spec("P2d")
def test_code_has_one_owner(other_settings: engine.Record) -> None:
    theirs, ours = preview("dev"), other_settings
    for function, alias in zip(of_type(theirs, FUNCTION), of_type(theirs, ALIAS), strict=True):
        assert function.options["ignoreChanges"] == ["code", "sourceCodeHash"]
        assert alias.options["ignoreChanges"] == ["functionVersion", "routingConfig"]
    assert list(stages(ours)) == ["Source", "Build", "Test"]
    assert not any(resource.options.get("ignoreChanges") for type_ in (FUNCTION, ALIAS) for resource in of_type(ours, type_))


@pytest.mark.spec("P2b")
def test_a_git_host_triggers_by_push_and_nothing_polls(other_settings: engine.Record) -> None:
    (pipeline,) = of_type(preview("dev"), PIPELINE)
    (trigger,) = pipeline.inputs["triggers"]
    assert trigger["gitConfiguration"]["pushes"] == [{"branches": {"includes": ["main"]}}]
    assert stages(preview("dev"))["Source"][0]["configuration"]["DetectChanges"] == "false"
    assert not [
        rule for rule in of_type(preview("dev"), "aws:cloudwatch/eventRule:EventRule") if rule.inputs["name"].endswith("cicd-start")
    ]

    (source,) = stages(other_settings)["Source"]
    assert (source["provider"], source["configuration"]["PollForSourceChanges"]) == ("CodeCommit", "false")
    (rule,) = [r for r in of_type(other_settings, "aws:cloudwatch/eventRule:EventRule") if r.inputs["name"].endswith("cicd-start")]
    assert json.loads(rule.inputs["eventPattern"])["detail"]["referenceName"] == ["main"]
    (target,) = [t for t in of_type(other_settings, "aws:cloudwatch/eventTarget:EventTarget") if "cicd-events-start" in t.name]
    transformer = target.inputs["inputTransformer"]
    assert transformer["inputPaths"] == {"revision": "$.detail.commitId"} and "COMMIT_ID" in transformer["inputTemplate"]


def test_only_the_source_role_of_a_connection_sets_access_control_lists(other_settings: engine.Record) -> None:
    assert [role for role in policies("dev") if "s3:PutObjectAcl" in actions_of("dev", role)] == ["cicd-source-policy"]
    assert not [p.name for p in of_type(other_settings, "aws:iam/rolePolicy:RolePolicy") if "PutObjectAcl" in p.inputs["policy"]]


def test_builds_in_the_vpc_let_nobody_in(other_settings: engine.Record) -> None:
    projects = of_type(other_settings, PROJECT)
    assert projects and all("vpcConfig" in project.inputs for project in projects)
    (group,) = [group for group in of_type(other_settings, "aws:ec2/securityGroup:SecurityGroup") if "cicd" in group.name]
    rules = of_type(other_settings, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert not [rule for rule in rules if group.urn in str(rule.property_dependencies.get("securityGroupId"))]


def test_builds_in_the_vpc_reach_the_interface_endpoints_whose_names_lead_there() -> None:
    rules = of_type(preview("prod"), "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert [rule.inputs["fromPort"] for rule in rules if rule.inputs["description"] == "HTTPS from builds"] == [443]


@pytest.mark.parametrize("purpose", ["training", "serving"])
def test_images_are_built_over_https_only(purpose: str) -> None:
    assert "s|http://|https://|" in (ROOT / f"training/Dockerfile.{purpose}").read_text()


@pytest.mark.spec("SEC-1a", "SEC-1b")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_each_stage_may_do_its_own_part_only(stack: str) -> None:
    assert "lambda:UpdateFunctionCode" in actions_of(stack, "cicd-deploy-policy")
    deployed = [
        one for each in policies(stack)["cicd-deploy-policy"] if "lambda:UpdateFunctionCode" in each["Action"] for one in each["Resource"]
    ]
    assert deployed and all(f":function:mlops-{stack}-" in arn for arn in deployed)
    for role in ("cicd-policy", "cicd-source-policy", "cicd-build-policy"):
        assert not [action for action in actions_of(stack, role) if action.startswith("lambda:")], role
    builds = [role for role in policies(stack) if role.startswith("cicd-builds-")]
    assert len(builds) == len(of_type(preview(stack), PROJECT))
    for role in builds:
        assert not [a for a in actions_of(stack, role) if a.split(":")[0] in ("lambda", "iam", "codepipeline", "sts")], role


@pytest.mark.spec("P2c")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_reports_of_the_tests_have_groups_by_the_names_that_codebuild_looks_for(stack: str) -> None:
    buildspec = yaml.safe_load((ROOT / "buildspecs/test.yml").read_text())
    groups = {group.inputs["name"]: group.inputs["type"] for group in of_type(preview(stack), "aws:codebuild/reportGroup:ReportGroup")}
    kinds = {"JUNITXML": "TEST", "COBERTURAXML": "CODE_COVERAGE"}
    assert groups == {f"mlops-{stack}-test-{name}": kinds[report["file-format"]] for name, report in buildspec["reports"].items()}


@pytest.mark.spec("P3g")
def test_images_are_built_for_the_processor_they_run_on() -> None:
    for stack, serving in (("dev", "linux/amd64"), ("prod", "linux/arm64")):
        projects = {project.inputs["name"]: project.inputs["environment"] for project in of_type(preview(stack), PROJECT)}
        for purpose, platform in (("training", "linux/amd64"), ("serving", serving)):
            environment = projects[f"mlops-{stack}-{purpose}-image"]
            variables = {item["name"]: item["value"] for item in environment["environmentVariables"]}
            assert environment["privilegedMode"] and variables["PLATFORM"] == platform and variables["TAG"] == "1.0.0"
            assert environment["type"] == ("ARM_CONTAINER" if platform == "linux/arm64" else "LINUX_CONTAINER")
            assert (ROOT / variables["DOCKERFILE"]).is_file()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_builds_are_bounded_encrypted_and_hold_no_secret(stack: str) -> None:
    for project in of_type(preview(stack), PROJECT):
        assert project.inputs["buildTimeout"] <= 60 and "encryptionKey" in project.inputs
        assert project.inputs["environment"]["image"].startswith("aws/codebuild/amazonlinux-")
        assert project.inputs["logsConfig"]["cloudwatchLogs"]["groupName"] == f"/aws/codebuild/{project.inputs['name']}"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_new_account_takes_the_builds_as_they_are(stack: str) -> None:
    """Its quota may be one build at a time, and no project may promise more; in a VPC there is no local cache."""
    for project in of_type(preview(stack), PROJECT):
        assert project.inputs.get("concurrentBuildLimit", 1) <= 1
        assert ("cache" in project.inputs) == ("vpcConfig" not in project.inputs)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_role_of_the_tests_may_do_all_that_a_report_asks_for(stack: str) -> None:
    (policy,) = [p for p in of_type(preview(stack), "aws:iam/rolePolicy:RolePolicy") if p.name == "cicd-builds-test-policy"]
    granted = {
        (resource.rsplit("/", 1)[1], action)
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        for resource in statement["Resource"]
        for action in statement["Action"]
        if ":report-group/" in resource
    }
    # "Test report permissions" in CodeBuild's user guide.
    for report, put in (("unit", "BatchPutTestCases"), ("coverage", "BatchPutCodeCoverages")):
        for action in ("CreateReportGroup", "CreateReport", "UpdateReport", put):
            assert (f"mlops-{stack}-test-{report}", f"codebuild:{action}") in granted


def test_packages_are_grouped_as_codepipeline_allows() -> None:
    packages = [f"p{number}" for number in range(11)]
    made = groups(packages)
    assert [name for group in made for name in group] == packages
    assert max(len(group) for group in made) <= MAXIMUM_ARTIFACTS and len(made) == 3


@pytest.mark.parametrize("packages", [["predict"], ["predict", "layers"]])
def test_a_lone_package_is_the_primary_artefact_and_several_go_by_name(packages: list[str]) -> None:
    text = with_artifacts((Path(ROOT) / "buildspecs/build.yml").read_text(), packages, "dist")
    artifacts = yaml.safe_load(text)["artifacts"]
    made = artifacts["secondary-artifacts"] if len(packages) > 1 else {packages[0]: artifacts}
    assert made == {name: {"base-directory": f"dist/{name}", "files": ["**/*"]} for name in packages}
    assert yaml.safe_load(text)["phases"]["build"]["commands"]
