"""Builds are real processes: commands run, fail, are stopped, and leave logs, artifacts, reports and events."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.sandbox.conftest import eventually
from tests.sandbox.delivery.conftest import Delivery, phases, zip_of

JUNIT = """<testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_a" name="test_good" time="0.25"/>
<testcase classname="tests.test_a" name="test_also_good" time="0.5"/>
<testcase classname="tests.test_a" name="test_bad" time="0.1"><failure message="assert 1 == 2">trace</failure></testcase>
<testcase classname="tests.test_a" name="test_left_out" time="0"><skipped message="not here"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.spec("P2c")
def test_a_failing_command_stops_its_phase_and_its_log_is_in_cloudwatch_logs(delivery: Delivery):
    spec = """
version: 0.2
phases:
  pre_build:
    commands: [echo before]
  build:
    commands:
      - echo compiling
      - sh -c 'echo it is broken >&2; exit 3'
      - echo never reached-by-the-build
    finally: [echo tidied up]
  post_build:
    commands: ['echo succeeding=$CODEBUILD_BUILD_SUCCEEDING']
"""
    build = delivery.build(delivery.project(spec))
    assert build["buildStatus"] == "FAILED"
    assert phases(build) | {"COMPLETED": None} == {
        "SUBMITTED": "SUCCEEDED",
        "QUEUED": "SUCCEEDED",
        "PROVISIONING": "SUCCEEDED",
        "DOWNLOAD_SOURCE": "SUCCEEDED",
        "INSTALL": "SUCCEEDED",
        "PRE_BUILD": "SUCCEEDED",
        "BUILD": "FAILED",
        "POST_BUILD": "SUCCEEDED",
        "UPLOAD_ARTIFACTS": "SUCCEEDED",
        "FINALIZING": "SUCCEEDED",
        "COMPLETED": None,
    }
    context = next(phase for phase in build["phases"] if phase["phaseType"] == "BUILD")["contexts"][0]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert "exit status 3" in context["message"]
    lines = delivery.build_log(build).splitlines()
    assert "it is broken" in lines
    assert "tidied up" in lines
    assert "succeeding=0" in lines
    assert "never reached-by-the-build" not in lines


@pytest.mark.spec("P2c")
def test_a_failing_install_ends_the_build(delivery: Delivery):
    spec = "version: 0.2\nphases:\n  install:\n    commands: ['false']\n  build:\n    commands: [echo building]\n"
    build = delivery.build(delivery.project(spec))
    assert "BUILD" not in phases(build)
    assert phases(build)["FINALIZING"] == "SUCCEEDED"


def test_a_build_sees_its_role_and_nothing_of_the_developer(delivery: Delivery, monkeypatch: pytest.MonkeyPatch):
    spec = """
version: 0.2
env:
  shell: bash
  variables: {FROM_SPEC: spec, SHARED: spec}
phases:
  install:
    runtime-versions: {python: "3.99"}
  build:
    commands:
      - export REMEMBERED=yes; cd $HOME
      - python -c "import boto3; print('I am', boto3.client('sts').get_caller_identity()['Arn'])"
      - echo "names $(env | cut -d= -f1 | sort | tr '\\n' ' ')"
      - echo "$FROM_SPEC $SHARED $REMEMBERED $(pwd | grep -c home) $CODEBUILD_INITIATOR"
      - python -m pytest --version && pytest --version
"""
    project = delivery.project(spec)
    build = delivery.build(project, environmentVariablesOverride=[{"name": "SHARED", "value": "start"}])
    text = delivery.build_log(build)
    assert build["buildStatus"] == "SUCCEEDED", text
    assert f"assumed-role/{build['serviceRole'].rsplit('/', 1)[1]}/AWSCodeBuild-" in text
    assert "spec start yes 1 user/sandbox-administrator" in text
    names = next(line for line in text.splitlines() if line.startswith("names ")).split()[1:]
    assert {"CODEBUILD_BUILD_ID", "CODEBUILD_SRC_DIR", "AWS_ENDPOINT_URL"} <= set(names)
    known = ("CODEBUILD_", "AWS_", "PIP_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_", "LOKY_")
    own = {"FROM_SPEC", "SHARED", "REMEMBERED", "PATH", "HOME", "TMPDIR", "LANG", "VIRTUAL_ENV", "PYTHONUNBUFFERED", "CI", "PWD", "OLDPWD"}
    own |= {
        "SHLVL",
        "_",
        "NO_PROXY",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    }
    assert [name for name in names if name not in own and not name.startswith(known)] == []
    assert "MISMATCH: runtime version '3.99' of 'python'" in text


@pytest.mark.spec("P2c")
def test_test_reports_are_counted_from_the_junit_file(delivery: Delivery):
    bucket = delivery.bucket()
    spec = """
version: 0.2
phases:
  build:
    commands: [mkdir out, mv results.xml out/]
reports:
  tests: {files: ['*.xml'], base-directory: out, file-format: JUNITXML}
artifacts:
  files: ['out/**/*']
"""
    delivery.client("s3").put_object(Bucket=bucket, Key="source.zip", Body=zip_of(results__xml=JUNIT, buildspec__yml=spec))
    actions = (
        "s3:GetObject",
        "s3:PutObject",
        *(f"codebuild:{each}" for each in ("CreateReportGroup", "CreateReport", "UpdateReport", "BatchPutTestCases")),
    )
    project = delivery.project(
        None,
        *actions,
        source={"type": "S3", "location": f"{bucket}/source.zip"},
        artifacts={"type": "S3", "location": bucket, "path": "builds", "name": "out.zip", "packaging": "ZIP"},
    )
    build = delivery.build(project)
    assert build["buildStatus"] == "SUCCEEDED", delivery.build_log(build)
    codebuild = delivery.client("codebuild")
    group = f"arn:aws:codebuild:us-east-1:123456789012:report-group/{project}-tests"
    assert codebuild.list_reports_for_report_group(reportGroupArn=group)["reports"] == build["reportArns"]
    report = codebuild.batch_get_reports(reportArns=build["reportArns"])["reports"][0]
    assert report["status"] == "FAILED"
    assert report["testSummary"]["total"] == 4
    assert report["testSummary"]["statusCounts"] == {"SUCCEEDED": 2, "FAILED": 1, "SKIPPED": 1, "ERROR": 0, "UNKNOWN": 0}
    failed = codebuild.describe_test_cases(reportArn=report["arn"], filter={"status": "FAILED"})["testCases"]
    assert [(case["name"], case["message"]) for case in failed] == [("test_bad", "assert 1 == 2")]
    archive = delivery.client("s3").get_object(Bucket=bucket, Key="builds/out.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["out/results.xml"]


@pytest.mark.spec("SEC-1a")
def test_a_role_that_may_not_write_its_artifact_fails_in_upload(delivery: Delivery):
    bucket = delivery.bucket()
    spec = "version: 0.2\nphases:\n  build:\n    commands: ['echo 1 > a.txt']\nartifacts:\n  files: [a.txt]\n"
    project = delivery.project(spec, artifacts={"type": "S3", "location": bucket, "name": "a.zip", "packaging": "ZIP"})
    build = delivery.build(project)
    assert phases(build)["UPLOAD_ARTIFACTS"] == "FAILED"
    context = next(phase for phase in build["phases"] if phase["phaseType"] == "UPLOAD_ARTIFACTS")["contexts"][0]
    assert "s3:PutObject" in context["message"]
    assert delivery.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_role_that_may_not_write_logs_builds_nothing(delivery: Delivery):
    silent = delivery.role("codebuild.amazonaws.com")
    project = delivery.project("version: 0.2\nphases:\n  build:\n    commands: [echo hello]\n", serviceRole=silent)
    build = delivery.build(project)
    assert phases(build)["PROVISIONING"] == "FAILED"
    assert "DOWNLOAD_SOURCE" not in phases(build)


def test_stopping_a_build_ends_its_processes(delivery: Delivery, tmp_path):
    spec = f"version: 0.2\nphases:\n  build:\n    commands:\n      - 'sleep 61 & echo $! > {tmp_path}/pid; wait'\n"
    codebuild = delivery.client("codebuild")
    build = codebuild.start_build(projectName=delivery.project(spec))["build"]
    pid = int(eventually(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip(), timeout=30))
    codebuild.stop_build(id=build["id"])
    assert delivery.built(build["id"])["buildStatus"] == "STOPPED"
    eventually(lambda: not alive(pid))


def test_a_build_that_takes_too_long_is_ended(delivery: Delivery):
    # Minutes are a third of a second here.
    project = delivery.project("version: 0.2\nphases:\n  build:\n    commands: [sleep 60]\n", timeoutInMinutes=5)
    build = delivery.build(project)
    assert build["buildStatus"] == "TIMED_OUT"
    assert next(phase for phase in build["phases"] if phase["phaseType"] == "BUILD")["contexts"][0]["statusCode"] == "BUILD_TIMED_OUT"


def test_variables_are_exported_as_they_are_at_the_end(delivery: Delivery):
    spec = """
version: 0.2
env: {exported-variables: [VERSION, NOTHING]}
phases:
  build: {commands: ['export VERSION=1']}
  post_build: {commands: ['export VERSION=2']}
"""
    build = delivery.build(delivery.project(spec))
    assert build["exportedEnvironmentVariables"] == [{"name": "VERSION", "value": "2"}]


def test_a_buildspec_that_is_wrong_names_the_key(delivery: Delivery):
    build = delivery.build(delivery.project("version: 0.2\nphases:\n  compile:\n    commands: [make]\n"))
    context = next(phase for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")["contexts"][0]
    assert context["statusCode"] == "YAML_FILE_ERROR"
    assert "phases.compile" in context["message"]


def test_the_end_of_a_build_is_an_event_and_a_metric(delivery: Delivery):
    url, arn = delivery.queue()
    delivery.admit(url, arn, "events.amazonaws.com")
    project = delivery.project("version: 0.2\nphases:\n  build:\n    commands: ['true']\n")
    pattern = {"detail-type": ["CodeBuild Build State Change"], "detail": {"project-name": [project]}}
    delivery.client("events").put_rule(Name=project, EventPattern=json.dumps(pattern))
    delivery.client("events").put_targets(Rule=project, Targets=[{"Id": "queue", "Arn": arn}])
    delivery.build(project)
    events = delivery.received(url, 2)
    assert {event["detail"]["build-status"] for event in events} == {"IN_PROGRESS", "SUCCEEDED"}
    metrics = delivery.client("cloudwatch").list_metrics(Namespace="AWS/CodeBuild", Dimensions=[{"Name": "ProjectName", "Value": project}])
    assert {"Builds", "SucceededBuilds", "Duration", "BuildDuration"} <= {metric["MetricName"] for metric in metrics["Metrics"]}


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
