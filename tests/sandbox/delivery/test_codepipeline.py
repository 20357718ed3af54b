"""Pipelines execute: sources, builds, approvals and deployments with their effects, in order, and with the rights of their roles."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import eventually, package
from tests.sandbox.delivery.conftest import Delivery, document, zip_of

BUILDSPEC = """
version: 0.2
env: {exported-variables: [RELEASE]}
phases:
  build:
    commands:
      - export RELEASE=r-$(cat answer.txt)
      - sh check.sh
      - mkdir package && printf "def handler(event, context):\\n    return '%s'\\n" "$(cat answer.txt)" > package/handler.py
artifacts:
  base-directory: package
  files: ['**/*']
"""
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")


class Release:
    """A pipeline S3 → CodeBuild → Lambda with everything it needs."""

    def __init__(
        self, delivery: Delivery, *, strategy: str = "AllAtOnce", alarms: str = "", approval: bool = False, **settings: Any
    ) -> None:
        self.delivery, self.bucket = delivery, delivery.bucket()
        self.function = delivery.function("def handler(event, context):\n    return 'first'\n")
        lambda_ = delivery.client("lambda")
        version = lambda_.publish_version(FunctionName=self.function)["Version"]
        lambda_.create_alias(FunctionName=self.function, Name="live", FunctionVersion=version)
        self.project = delivery.project(
            None,
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
            source={"type": "CODEPIPELINE"},
            artifacts={"type": "CODEPIPELINE"},
        )
        self.role = delivery.role("codepipeline.amazonaws.com", *settings.pop("rights", ALL_RIGHTS))
        self.name = delivery.name("pipeline")
        deploy = {
            "FunctionName": self.function,
            "FunctionAlias": "live",
            "DeployStrategy": strategy,
            **({"Alarms": alarms} if alarms else {}),
        }
        source = {"S3Bucket": self.bucket, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"}
        stages = [
            {"name": "Source", "actions": [action("Source", "Source", "S3", source, outputs=["source"], namespace="Code")]},
            {
                "name": "Build",
                "actions": [action("Build", "Build", "CodeBuild", {"ProjectName": self.project}, ["source"], ["code"], namespace="Built")],
            },
            *(
                [{"name": "Approval", "actions": [action("Approve", "Approval", "Manual", {"CustomData": "look at #{Built.RELEASE}"})]}]
                if approval
                else []
            ),
            {"name": "Deploy", "actions": [action("Function", "Deploy", "Lambda", deploy, ["code"])], **settings.pop("deploy_stage", {})},
        ]
        self.declaration = {
            "name": self.name,
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": self.bucket},
            "stages": stages,
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            **settings,
        }
        self.api = delivery.client("codepipeline")
        self.api.create_pipeline(pipeline=self.declaration)

    def push(self, answer: str, check: str = "true") -> str:
        """New source; its version."""
        body = zip_of(answer__txt=answer, check__sh=check, buildspec__yml=BUILDSPEC)
        return self.delivery.client("s3").put_object(Bucket=self.bucket, Key="source.zip", Body=body)["VersionId"]

    def start(self, **options: Any) -> str:
        return self.api.start_pipeline_execution(name=self.name, **options)["pipelineExecutionId"]

    def execution(self, id_: str) -> dict[str, Any]:
        return self.api.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=id_)["pipelineExecution"]

    def ended(self, id_: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            found = self.execution(id_)
            return found if found["status"] not in ("InProgress", "Stopping") else None

        return eventually(over, timeout=40)

    def actions(self, id_: str) -> dict[str, dict[str, Any]]:
        found = self.api.list_action_executions(pipelineName=self.name, filter={"pipelineExecutionId": id_})["actionExecutionDetails"]
        return {each["actionName"]: each for each in reversed(found)}

    def answer(self) -> str:
        return self.delivery.invoke(f"{self.function}:live", {})["body"]

    def stage(self, name: str) -> dict[str, Any]:
        return next(each for each in self.api.get_pipeline_state(name=self.name)["stageStates"] if each["stageName"] == name)


ALL_RIGHTS = (
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "codebuild:StartBuild",
    "codebuild:BatchGetBuilds",
    "lambda:GetAlias",
    "lambda:GetFunctionConfiguration",
    "lambda:PublishVersion",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "lambda:InvokeFunction",
    "cloudwatch:DescribeAlarms",
    "codecommit:GetBranch",
    "codecommit:GetCommit",
    "codecommit:UploadArchive",
    "codecommit:GetUploadArchiveStatus",
    "codeconnections:UseConnection",
    "sns:Publish",
)


def action(
    name: str, category: str, provider: str, configuration: dict[str, str], inputs: Any = (), outputs: Any = (), **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": each} for each in inputs],
        "outputArtifacts": [{"name": each} for each in outputs],
        **more,
    }


def alarm(delivery: Delivery) -> str:
    name = delivery.name("alarm")
    settings = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60, "Threshold": 1.0, "Statistic": "Sum"}
    delivery.client("cloudwatch").put_metric_alarm(AlarmName=name, Namespace=name, MetricName="Errors", **settings)
    return name


@pytest.mark.spec("P2a", "P2d", "OPS-1b", "REL-5b")
def test_an_upload_starts_the_pipeline_and_its_code_answers_in_the_end(delivery: Delivery):
    release = Release(delivery)
    rule, s3 = delivery.name("rule"), delivery.client("s3")
    s3.put_bucket_notification_configuration(Bucket=release.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"detail-type": ["Object Created"], "detail": {"bucket": {"name": [release.bucket]}, "object": {"key": ["source.zip"]}}}
    delivery.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    role = delivery.role("events.amazonaws.com", "codepipeline:StartPipelineExecution", resource=delivery.arn("codepipeline", release.name))
    revision = {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<revision>"}
    transformer = {
        "InputPathsMap": {"revision": "$.detail.object.version-id"},
        "InputTemplate": json.dumps({"sourceRevisions": [revision]}),
    }
    target = {"Id": "pipeline", "Arn": delivery.arn("codepipeline", release.name), "RoleArn": role, "InputTransformer": transformer}
    delivery.client("events").put_targets(Rule=rule, Targets=[target])
    version = release.push("second")
    started = eventually(lambda: release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"])
    execution = release.ended(started[0]["pipelineExecutionId"])
    assert execution["status"] == "Succeeded", execution
    assert execution["trigger"]["triggerType"] == "CloudWatchEvent"
    assert execution["artifactRevisions"][0]["revisionId"] == version
    assert release.answer() == "second"
    actions = release.actions(execution["pipelineExecutionId"])
    assert actions["Build"]["output"]["outputVariables"] == {"RELEASE": "r-second"}
    assert actions["Function"]["output"]["outputVariables"] == {"FunctionVersion": "2"}


@pytest.mark.spec("P2c", "REL-2a")
def test_a_failing_build_stops_the_pipeline_before_deploy(delivery: Delivery):
    release = Release(delivery)
    release.push("broken", check="echo the test is red >&2; exit 1")
    execution = release.ended(release.start())
    assert execution["status"] == "Failed"
    actions = release.actions(execution["pipelineExecutionId"])
    assert "Function" not in actions
    assert "COMMAND_EXECUTION_ERROR" in actions["Build"]["output"]["executionResult"]["errorDetails"]["message"]
    build = delivery.built(actions["Build"]["output"]["executionResult"]["externalExecutionId"])
    assert "the test is red" in delivery.build_log(build)
    assert release.answer() == "first"
    assert delivery.client("lambda").get_alias(FunctionName=release.function, Name="live")["FunctionVersion"] == "1"


@pytest.mark.spec("P2d", "PERF-4c")
def test_the_alias_shifts_by_steps_and_both_versions_answer_meanwhile(delivery: Delivery):
    release = Release(delivery, strategy="Linear40PercentEvery5Minutes")
    release.push("second")
    id_ = release.start()
    lambda_, weights, answers = delivery.client("lambda"), [], Counter()
    while release.execution(id_)["status"] == "InProgress":
        found = lambda_.get_alias(FunctionName=release.function, Name="live").get("RoutingConfig") or {}
        weight = (found.get("AdditionalVersionWeights") or {}).get("2")
        if weight and weight not in weights:
            weights.append(weight)
        if weight:
            answers[release.answer()] += 1
    assert release.ended(id_)["status"] == "Succeeded"
    assert weights == [0.4, 0.8]
    assert set(answers) == {"first", "second"}, answers
    assert release.answer() == "second"
    metrics = delivery.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="Invocations")["Metrics"]
    versions = {
        dimension["Value"]
        for metric in metrics
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "ExecutedVersion" and {"Name": "Resource", "Value": f"{release.function}:live"} in metric["Dimensions"]
    }
    assert versions == {"1", "2"}


@pytest.mark.spec("REL-5c", "PERF-4d", "P2d")
def test_an_alarm_during_the_shift_puts_the_alias_back(delivery: Delivery):
    name = alarm(delivery)
    release = Release(delivery, strategy="Canary10Percent20Minutes", alarms=name)
    release.push("second")
    id_ = release.start()
    lambda_ = delivery.client("lambda")
    eventually(
        lambda: (lambda_.get_alias(FunctionName=release.function, Name="live").get("RoutingConfig") or {}).get("AdditionalVersionWeights"),
        30,
    )
    # By data, not by SetAlarmState: a set state lasts only until the next evaluation, which may come before the deployment looks.
    delivery.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 5}])
    execution = release.ended(id_)
    assert execution["status"] == "Failed"
    error = release.actions(id_)["Function"]["output"]["executionResult"]["errorDetails"]
    assert name in error["message"]
    assert "back at version 1" in error["message"]
    alias = lambda_.get_alias(FunctionName=release.function, Name="live")
    assert (alias["FunctionVersion"], (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}) == ("1", {})
    assert {release.answer() for _ in range(10)} == {"first"}


@pytest.mark.spec("REL-5c", "OPS-2d")
def test_a_stage_that_fails_goes_back_to_its_last_success(delivery: Delivery):
    name = alarm(delivery)
    release = Release(delivery, alarms=name, deploy_stage={"onFailure": {"result": "ROLLBACK"}})
    release.push("second")
    good = release.start()
    assert release.ended(good)["status"] == "Succeeded"
    delivery.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[{"MetricName": "Errors", "Value": 5}])
    release.push("third")
    bad = release.start()
    assert release.ended(bad)["status"] == "Failed"
    newest = release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"][0]
    assert newest["executionType"] == "ROLLBACK"
    assert release.ended(newest["pipelineExecutionId"])["status"] == "Succeeded"
    assert newest["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert newest["trigger"] == {"triggerType": "AutomatedRollback", "triggerDetail": bad}
    assert release.answer() == "second"


def test_an_approval_waits_for_an_answer_and_a_rejection_ends_the_pipeline(delivery: Delivery):
    release = Release(delivery, approval=True)
    release.push("second")
    for status, end, answer in (("Rejected", "Failed", "first"), ("Approved", "Succeeded", "second")):
        id_ = release.start()
        waiting = eventually(lambda: release.stage("Approval")["actionStates"][0].get("latestExecution", {}).get("token"), timeout=30)
        assert release.answer() == "first"
        detail = release.actions(id_)["Approve"]
        assert detail["input"]["resolvedConfiguration"]["CustomData"] == "look at r-second"
        result = {"status": status, "summary": "because of the test"}
        names = {"pipelineName": release.name, "stageName": "Approval", "actionName": "Approve"}
        with pytest.raises(ClientError, match="token"):
            release.api.put_approval_result(**names, result=result, token="00000000-0000-0000-0000-000000000000")
        release.api.put_approval_result(**names, result=result, token=waiting)
        assert release.ended(id_)["status"] == end
        assert release.answer() == answer


@pytest.mark.spec("SEC-1a")
def test_a_role_without_the_right_fails_with_access_denied(delivery: Delivery):
    release = Release(delivery, rights=[right for right in ALL_RIGHTS if right != "lambda:UpdateFunctionCode"])
    release.push("second")
    id_ = release.start()
    assert release.ended(id_)["status"] == "Failed"
    error = release.actions(id_)["Function"]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "PermissionError"
    assert "lambda:UpdateFunctionCode" in error["message"]
    assert release.answer() == "first"


@pytest.mark.spec("SEC-1b")
def test_an_action_has_the_rights_of_its_own_role(delivery: Delivery):
    release = Release(delivery)
    release.push("second")
    stage = release.declaration["stages"][-1]
    trust = document(Effect="Allow", Principal={"AWS": "arn:aws:iam::123456789012:root"}, Action="sts:AssumeRole")
    own = delivery.client("iam").create_role(RoleName=delivery.name("action"), AssumeRolePolicyDocument=trust)["Role"]
    stage["actions"][0]["roleArn"] = own["Arn"]
    release.api.update_pipeline(pipeline=release.declaration)
    id_ = release.start()
    release.ended(id_)
    assert "sts:AssumeRole" in release.actions(id_)["Function"]["output"]["executionResult"]["errorDetails"]["message"]
    may = document(Effect="Allow", Action="sts:AssumeRole", Resource=own["Arn"])
    delivery.client("iam").put_role_policy(RoleName=release.role.rsplit("/", 1)[1], PolicyName="assume", PolicyDocument=may)
    deploy = document(Effect="Allow", Action=["lambda:*", "s3:GetObject"], Resource="*")
    delivery.client("iam").put_role_policy(RoleName=own["RoleName"], PolicyName="deploy", PolicyDocument=deploy)
    release.api.retry_stage_execution(pipelineName=release.name, stageName="Deploy", pipelineExecutionId=id_, retryMode="FAILED_ACTIONS")
    assert release.ended(id_)["status"] == "Succeeded"
    assert release.answer() == "second"


def test_a_newer_execution_supersedes_one_that_waits(delivery: Delivery):
    release = Release(delivery, executionMode="SUPERSEDED")
    release.push("second")
    release.api.disable_stage_transition(pipelineName=release.name, stageName="Deploy", transitionType="Inbound", reason="not now")
    older = release.start()
    eventually(lambda: release.stage("Deploy").get("inboundExecution", {}).get("pipelineExecutionId") == older, timeout=30)
    assert release.stage("Deploy")["inboundTransitionState"]["disabledReason"] == "not now"
    release.push("third")
    newer = release.start()
    assert release.ended(older)["status"] == "Superseded"
    release.api.enable_stage_transition(pipelineName=release.name, stageName="Deploy", transitionType="Inbound")
    assert release.ended(newer)["status"] == "Succeeded"
    assert release.answer() == "third"


def test_stopping_abandons_what_runs(delivery: Delivery):
    release = Release(delivery)
    release.push("second", check="sleep 30")
    id_ = release.start()
    eventually(
        lambda: release.actions(id_).get("Build", {}).get("output", {}).get("executionResult", {}).get("externalExecutionId"), timeout=30
    )
    release.api.stop_pipeline_execution(pipelineName=release.name, pipelineExecutionId=id_, abandon=True, reason="enough")
    assert release.ended(id_)["status"] == "Stopped"
    assert release.actions(id_)["Build"]["status"] == "Abandoned"
    delivery.client("codebuild").stop_build(id=release.actions(id_)["Build"]["output"]["executionResult"]["externalExecutionId"])


def test_every_change_of_state_is_an_event(delivery: Delivery):
    release = Release(delivery)
    url, arn = delivery.queue()
    delivery.admit(url, arn, "events.amazonaws.com")
    pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [release.name]}}
    delivery.client("events").put_rule(Name=release.name, EventPattern=json.dumps(pattern))
    delivery.client("events").put_targets(Rule=release.name, Targets=[{"Id": "queue", "Arn": arn}])
    release.push("second")
    release.ended(release.start())
    events = delivery.received(url, 14)
    found = Counter((event["detail-type"].split()[1], event["detail"]["state"]) for event in events)
    assert found == {
        (what, state): count for what, count in (("Pipeline", 1), ("Stage", 3), ("Action", 3)) for state in ("STARTED", "SUCCEEDED")
    }


@pytest.mark.spec("OPS-4d")
def test_a_notification_rule_tells_the_topic_of_a_failure(delivery: Delivery):
    release = Release(delivery)
    url, queue = delivery.queue()
    topic = delivery.client("sns").create_topic(Name=delivery.name("topic"))["TopicArn"]
    admit = document(Effect="Allow", Principal={"Service": "codestar-notifications.amazonaws.com"}, Action="sns:Publish", Resource=topic)
    delivery.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=admit)
    delivery.admit(url, queue, "sns.amazonaws.com")
    delivery.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    delivery.client("codestar-notifications").create_notification_rule(
        Name=release.name,
        EventTypeIds=["codepipeline-pipeline-pipeline-execution-failed"],
        Resource=delivery.arn("codepipeline", release.name),
        Targets=[{"TargetType": "SNS", "TargetAddress": topic}],
        DetailType="FULL",
    )
    release.push("broken", check="false")
    id_ = release.start()
    message = delivery.received(url)[0]
    assert (message["detail"]["execution-id"], message["detail"]["state"]) == (id_, "FAILED")


@pytest.mark.spec("P2b")
def test_a_commit_in_the_connected_folder_starts_the_pipeline(delivery: Delivery):
    from mlops.sandbox.delivery import git

    arn = delivery.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName=delivery.name("host"))["ConnectionArn"]
    folder, person = delivery.folder, ("-c", "user.name=tester", "-c", "user.email=tester@example.com")
    git.run(folder, "init", "-q", "--initial-branch=main")
    release = Release(delivery)
    settings = {"ConnectionArn": arn, "FullRepositoryId": "example/repository", "BranchName": "main"}
    release.declaration["stages"][0]["actions"][0] = action(
        "Source", "Source", "CodeStarSourceConnection", settings, outputs=["source"], namespace="Code"
    )
    push = {"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}
    release.declaration["triggers"] = [
        {"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Source", "push": [push]}}
    ]
    release.api.update_pipeline(pipeline=release.declaration)

    def commit(**files: str) -> str:
        for name, text in files.items():
            path = folder / name.replace("___", "/").replace("__", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        git.run(folder, "add", ".")
        git.run(folder, *person, "commit", "-q", "-m", f"change {', '.join(files)}")
        return git.run(folder, "rev-parse", "HEAD")

    first = commit(answer__txt="from git", check__sh="true", buildspec__yml=BUILDSPEC)
    started = eventually(lambda: release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"])
    execution = release.ended(started[0]["pipelineExecutionId"])
    assert execution["status"] == "Succeeded", execution
    assert execution["trigger"]["triggerType"] == "WebhookV2"
    assert execution["artifactRevisions"][0]["revisionId"] == first
    assert release.answer() == "from git"
    commit(docs___page__md="only words")
    second = commit(answer__txt="again from git")
    eventually(lambda: len(release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"]) == 2)
    newest = release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"][0]
    assert release.ended(newest["pipelineExecutionId"])["artifactRevisions"][0]["revisionId"] == second


@pytest.mark.spec("P2b")
def test_a_push_to_codecommit_starts_the_pipeline_by_a_rule(delivery: Delivery):
    import subprocess

    repository = delivery.name("repository")
    codecommit = delivery.client("codecommit")
    address = codecommit.create_repository(repositoryName=repository)["repositoryMetadata"]["cloneUrlHttp"]
    release = Release(delivery)
    settings = {"RepositoryName": repository, "BranchName": "main", "PollForSourceChanges": "false"}
    release.declaration["stages"][0]["actions"][0] = action(
        "Source", "Source", "CodeCommit", settings, outputs=["source"], namespace="Code"
    )
    release.api.update_pipeline(pipeline=release.declaration)
    pattern = {"source": ["aws.codecommit"], "resources": [delivery.arn("codecommit", repository)], "detail": {"referenceName": ["main"]}}
    delivery.client("events").put_rule(Name=repository, EventPattern=json.dumps(pattern))
    role = delivery.role("events.amazonaws.com", "codepipeline:StartPipelineExecution")
    target = {"Id": "pipeline", "Arn": delivery.arn("codepipeline", release.name), "RoleArn": role}
    delivery.client("events").put_targets(Rule=repository, Targets=[target])
    files = {"answer.txt": b"committed", "check.sh": b"true", "buildspec.yml": BUILDSPEC.encode()}
    puts = [{"filePath": name, "fileContent": content} for name, content in files.items()]
    codecommit.create_commit(repositoryName=repository, branchName="main", putFiles=puts, commitMessage="first")
    started = eventually(lambda: release.api.list_pipeline_executions(pipelineName=release.name)["pipelineExecutionSummaries"])
    assert release.ended(started[0]["pipelineExecutionId"])["status"] == "Succeeded"
    assert release.answer() == "committed"
    clone = delivery.folder.parent / repository
    subprocess.run(["git", "clone", "-q", address, str(clone)], check=True)
    (clone / "answer.txt").write_text("pushed")
    person = ["-c", "user.name=tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", "-C", str(clone), *person, "commit", "-qam", "second"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q", "origin", "HEAD:main"], check=True, stderr=subprocess.DEVNULL)
    eventually(lambda: release.answer() == "pushed", timeout=30)


def test_a_function_answers_an_invoke_action(delivery: Delivery):
    code = """
import boto3
def handler(event, context):
    job = event["CodePipeline.job"]
    given = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    boto3.client("codepipeline").put_job_success_result(jobId=job["id"], outputVariables={"Heard": given})
"""
    function = delivery.function(code, "codepipeline:PutJobSuccessResult")
    release = Release(delivery)
    settings = {"FunctionName": function, "UserParameters": "version #{Code.VersionId}"}
    release.declaration["stages"][-1]["actions"] = [action("Ask", "Invoke", "Lambda", settings)]
    release.api.update_pipeline(pipeline=release.declaration)
    version = release.push("second")
    id_ = release.start()
    assert release.ended(id_)["status"] == "Succeeded"
    assert release.actions(id_)["Ask"]["output"]["outputVariables"] == {"Heard": f"version {version}"}


def test_what_cannot_be_carried_out_is_refused_when_the_pipeline_is_made(delivery: Delivery):
    release = Release(delivery)
    declaration = json.loads(json.dumps(release.declaration)) | {"name": delivery.name("pipeline")}
    declaration["stages"][-1]["actions"][0] |= {"inputArtifacts": [{"name": "nothing"}]}
    declaration["stages"][-1]["actions"].append(action("Stack", "Deploy", "CloudFormation", {"StackName": "x"}))
    with pytest.raises(ClientError) as refused:
        release.api.create_pipeline(pipeline=declaration)
    assert "no earlier action makes the input artifact nothing" in str(refused.value)
    assert "the sandbox has no action Deploy/CloudFormation" in str(refused.value)


def test_code_of_a_version_stays_what_it_was(delivery: Delivery):
    name = delivery.function("def handler(event, context):\n    return 'one'\n")
    lambda_ = delivery.client("lambda")
    lambda_.publish_version(FunctionName=name)
    lambda_.update_function_code(FunctionName=name, ZipFile=package("def handler(event, context):\n    return 'two'\n"))
    assert (delivery.invoke(f"{name}:1", {})["body"], delivery.invoke(name, {})["body"]) == ("one", "two")
