"""What the actions of a pipeline do, each with the rights of its role (its own, or the pipeline's)."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from mlops.sandbox.context import Credentials
from mlops.sandbox.delivery import codebuild, rights
from mlops.sandbox.delivery.build import PipelineFiles
from mlops.sandbox.delivery.pipeline_status import ActionFailure
from mlops.sandbox.ml.jobs import JobError, Objects

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline_action import ActionExecution

SERVICE = "codepipeline.amazonaws.com"
APPROVAL_MINUTES = 7 * 24 * 60
JOB_MINUTES = 60
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "KMSAccessDeniedException")


def perform(action: ActionExecution) -> None:
    """Do the action; ActionFailure when it fails."""
    kind = action.declared["actionTypeId"]
    try:
        ACTIONS[kind["category"], kind["provider"]](action)
    except JobError as error:
        raise ActionFailure("PermissionError" if "AccessDenied" in str(error) else "ConfigurationError", str(error)) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ActionFailure("PermissionError" if code in _DENIED else "ConfigurationError", str(error)) from error
    except BotoCoreError as error:
        raise ActionFailure("ConfigurationError", str(error)) from error


# Roles and artifacts


def role_of(action: ActionExecution) -> str:
    """The role whose rights the action has."""
    return action.declared.get("roleArn") or action.execution.declaration["roleArn"]


def keys_of(action: ActionExecution) -> Credentials:
    """Keys of the action's role: the pipeline's role assumes it, when it is another one."""
    execution, sandbox = action.execution, action.sandbox
    own = execution.declaration["roleArn"]
    pipeline = rights.assume(sandbox, own, SERVICE, execution.id, execution.pipeline.arn)
    if role_of(action) == own:
        return pipeline
    answer = sandbox.client("sts", pipeline).assume_role(RoleArn=role_of(action), RoleSessionName=execution.id)
    keys = answer["Credentials"]
    return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], answer["AssumedRoleUser"]["Arn"])


def client(action: ActionExecution, service: str) -> Any:
    return action.sandbox.client(service, keys_of(action))


def store_of(action: ActionExecution) -> tuple[str, str | None]:
    """Bucket and key (KMS) of the artifacts."""
    declaration = action.execution.declaration
    store = declaration.get("artifactStore") or declaration["artifactStores"][action.sandbox.region]
    return store["location"], (store.get("encryptionKey") or {}).get("id")


def new_location(action: ActionExecution, artifact: str) -> str:
    """Where an output artifact goes: CodePipeline cuts both names."""
    bucket, _ = store_of(action)
    return f"s3://{bucket}/{action.execution.pipeline.name[:20]}/{artifact[:10]}/{secrets.token_urlsafe(5)}.zip"


def inputs_of(action: ActionExecution) -> dict[str, str]:
    return {each["name"]: action.execution.artifacts[each["name"]] for each in action.declared["inputArtifacts"]}


def put_source(action: ActionExecution, archive: Path) -> str:
    """A source's zip into the artifact store; its artifact's name."""
    name = action.declared["outputArtifacts"][0]["name"]
    _, key = store_of(action)
    location = new_location(action, name)
    Objects(action.sandbox, keys_of(action)).upload(archive, location, key)
    action.outputs[name] = location
    return name


def found_revision(action: ActionExecution, artifact: str, revision: str, summary: str, created: datetime) -> None:
    """Note what a source action took."""
    action.external_id, action.summary = revision, summary
    action.revision = {"action": action.name, "name": artifact, "revisionId": revision, "revisionSummary": summary, "created": created}


def override(action: ActionExecution, kind: str) -> str | None:
    """The revision that the start asked for; ActionFailure for one of another kind."""
    wanted = action.execution.overrides.get(action.name)
    if wanted is None:
        return None
    if wanted["revisionType"] != kind:
        raise ActionFailure("ConfigurationError", f"expected a source revision of type {kind}, got {wanted['revisionType']}")
    return wanted["revisionValue"]


# Sources


def source_s3(action: ActionExecution) -> None:
    bucket, key = action.configuration["S3Bucket"], action.configuration["S3ObjectKey"]
    s3 = client(action, "s3")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ActionFailure("ConfigurationError", f"the bucket {bucket} is not versioned: a source needs the versions of its objects")
    version = override(action, "S3_OBJECT_VERSION_ID")
    found = s3.head_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
    version = version or found["VersionId"]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "source.zip"
        s3.download_file(bucket, key, str(archive), ExtraArgs={"VersionId": version})
        artifact = put_source(action, archive)
    action.variables = {"BucketName": bucket, "ETag": found["ETag"].strip('"'), "ObjectKey": key, "VersionId": version}
    found_revision(action, artifact, version, f"Amazon S3 version id: {version}", found["LastModified"])


def source_codecommit(action: ActionExecution) -> None:
    from mlops.sandbox.delivery import codecommit

    name, branch = action.configuration["RepositoryName"], action.configuration["BranchName"]
    api = client(action, "codecommit")
    commit = override(action, "COMMIT_ID") or api.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"]
    api.get_commit(repositoryName=name, commitId=commit)
    repository = codecommit.of(action.sandbox).repository(name)
    for right in ("UploadArchive", "GetUploadArchiveStatus"):
        rights.require(action.sandbox, role_of(action), f"codecommit:{right}", repository.arn)
    _from_git(action, repository.path, commit, {"RepositoryName": name, "BranchName": branch})


def source_connection(action: ActionExecution) -> None:
    from mlops.sandbox.delivery import connections, git

    settings = action.configuration
    service = connections.of(action.sandbox)
    service.connection(settings["ConnectionArn"])
    prefix = settings["ConnectionArn"].split(":")[2]
    rights.require(action.sandbox, role_of(action), f"{prefix}:UseConnection", settings["ConnectionArn"])
    folder, branch = service.folder(settings["FullRepositoryId"]), settings["BranchName"]
    commit = override(action, "COMMIT_ID") or git.head(folder, branch)
    if commit is None:
        raise ActionFailure("ConfigurationError", f"{folder}, which stands for {settings['FullRepositoryId']}, has no branch {branch}")
    more = {"ConnectionArn": settings["ConnectionArn"], "FullRepositoryName": settings["FullRepositoryId"], "BranchName": branch}
    _from_git(action, folder, commit, more)


def _from_git(action: ActionExecution, folder: Path, commit: str, variables: Mapping[str, str]) -> None:
    from mlops.sandbox.delivery import git

    try:
        found = git.commit(folder, commit)
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "source.zip"
            git.archive(folder, found.id, archive)
            artifact = put_source(action, archive)
    except git.GitError as error:
        raise ActionFailure("ConfigurationError", f"git cannot read {commit}: {error}") from error
    dates = {"AuthorDate": found.authored.isoformat(), "CommitterDate": found.committed.isoformat()}
    action.variables = {**variables, **dates, "CommitId": found.id, "CommitMessage": found.message}
    found_revision(action, artifact, found.id, found.message, found.committed)


# Builds


def build(action: ActionExecution) -> None:
    settings, sandbox = action.configuration, action.sandbox
    service = codebuild.of(sandbox)
    project = service.project(settings["ProjectName"])
    keys = keys_of(action)
    rights.require(sandbox, role_of(action), "codebuild:StartBuild", project["arn"])
    inputs = inputs_of(action)
    primary = settings.get("PrimarySource") or next(iter(inputs))
    if primary not in inputs:
        raise ActionFailure("ConfigurationError", f"PrimarySource: expected one of {', '.join(inputs)}, got {primary}")
    outputs = {each["name"]: new_location(action, each["name"]) for each in action.declared["outputArtifacts"]}
    revision = next((each["revisionId"] for each in action.execution.revisions if each["name"] == primary), "")
    request = {
        "projectName": project["name"],
        "sourceTypeOverride": "CODEPIPELINE",
        "artifactsOverride": {"type": "CODEPIPELINE"},
        "environmentVariablesOverride": _variables(settings.get("EnvironmentVariables", "[]")),
    }
    files = PipelineFiles(inputs, primary, outputs, store_of(action)[1], revision)
    running = service.start(request, f"codepipeline/{action.execution.pipeline.name}", files)
    action.external_id = running.id
    action.pause(float("inf"), until=running.ended)
    found = sandbox.client("codebuild", keys).batch_get_builds(ids=[running.id])["builds"][0]
    action.log_stream_arn = (found.get("logs") or {}).get("cloudWatchLogsArn", "")
    action.variables = {each["name"]: each["value"] for each in found.get("exportedEnvironmentVariables") or ()}
    if found["buildStatus"] != "SUCCEEDED":
        failed = next((phase for phase in found["phases"] if phase.get("phaseStatus") not in (None, "SUCCEEDED")), {})
        context = (failed.get("contexts") or [{}])[0]
        raise ActionFailure(
            "JobFailed",
            f"Build terminated with state: {found['buildStatus']}. Phase: {failed.get('phaseType', '')},"
            f" Code: {context.get('statusCode', '')}, Message: {context.get('message', '')}",
        )
    action.outputs = outputs
    action.summary = f"Build {running.number} succeeded"


def _variables(text: str) -> list[dict[str, str]]:
    try:
        found = json.loads(text)
        return [{"name": each["name"], "value": each["value"], "type": each.get("type", "PLAINTEXT")} for each in found]
    except (ValueError, TypeError, KeyError) as error:
        raise ActionFailure("ConfigurationError", f"EnvironmentVariables: expected a JSON list of name and value, got {text}") from error


# Approval


def approve(action: ActionExecution) -> None:
    """Wait for PutApprovalResult, at most for the action's timeout."""
    settings = action.configuration
    minutes = action.declared.get("timeoutInMinutes") or APPROVAL_MINUTES
    action.token = str(uuid4())
    if settings.get("NotificationArn"):
        name = action.execution.pipeline.name
        message = {
            "region": action.sandbox.region,
            "consoleLink": "",
            "approval": {
                "pipelineName": name,
                "stageName": action.stage,
                "actionName": action.name,
                "token": action.token,
                "expires": (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%MZ"),
                "externalEntityLink": settings.get("ExternalEntityLink"),
                "customData": settings.get("CustomData"),
            },
        }
        subject = f"APPROVAL NEEDED: AWS CodePipeline {name} for action {action.name}"[:100]
        client(action, "sns").publish(TopicArn=settings["NotificationArn"], Message=json.dumps(message), Subject=subject)
    minute = float(action.execution.pipeline.service.options.get("approval_minute", 60.0))
    if not action.pause(minutes * minute, until=action.answered):
        raise ActionFailure("TimeoutError", f"nobody approved within {minutes} minutes")
    assert action.answer is not None
    approved, summary = action.answer
    action.summary = summary
    if not approved:
        raise ActionFailure("ApprovalRejected", f"Rejected by {action.updated_by}: {summary}")


# Invoke and S3


def invoke(action: ActionExecution) -> None:
    """Invoke a function with a job and wait for the result it puts."""
    settings, service = action.configuration, action.execution.pipeline.service
    job, keys = str(uuid4()), keys_of(action)
    artifacts = [{"name": name, "revision": None, "location": _location(uri)} for name, uri in inputs_of(action).items()]
    outputs = {each["name"]: new_location(action, each["name"]) for each in action.declared["outputArtifacts"]}
    secret = {"accessKeyId": keys.access_key_id, "secretAccessKey": keys.secret_access_key, "sessionToken": keys.session_token}
    data = {
        "actionConfiguration": {"configuration": dict(settings)},
        "inputArtifacts": artifacts,
        "outputArtifacts": [{"name": name, "revision": None, "location": _location(uri)} for name, uri in outputs.items()],
        "artifactCredentials": secret,
    }
    service.jobs[job] = action
    action.external_id = job
    try:
        event = {"CodePipeline.job": {"id": job, "accountId": action.sandbox.account, "data": data}}
        client(action, "lambda").invoke(FunctionName=settings["FunctionName"], InvocationType="Event", Payload=json.dumps(event))
        if not action.pause((action.declared.get("timeoutInMinutes") or JOB_MINUTES) * 60, until=action.answered):
            raise ActionFailure("TimeoutError", f"the function {settings['FunctionName']} put no result of its job")
    finally:
        del service.jobs[job]
    assert action.answer is not None
    succeeded, message = action.answer
    if not succeeded:
        raise ActionFailure("JobFailed", message)
    action.outputs = outputs


def _location(uri: str) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"type": "S3", "s3Location": {"bucketName": bucket, "objectKey": key}}


def deploy_s3(action: ActionExecution) -> None:
    """The artifact's zip, or (Extract) its files, into a bucket."""
    from mlops.sandbox.delivery.artifacts import unpack

    settings = action.configuration
    objects = Objects(action.sandbox, keys_of(action))
    prefix = settings.get("ObjectKey", "").strip("/")
    extract = settings.get("Extract", "false") == "true"
    if not extract and not prefix:
        raise ActionFailure("ConfigurationError", "ObjectKey is required when the artifact is not extracted")
    with tempfile.TemporaryDirectory() as temporary:
        archive, folder = Path(temporary) / "artifact.zip", Path(temporary) / "files"
        objects.download(next(iter(inputs_of(action).values())), archive)
        key = settings.get("KMSEncryptionKeyARN")
        if not extract:
            objects.upload(archive, f"s3://{settings['BucketName']}/{prefix}", key)
            return
        unpack(archive, folder)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = "/".join(filter(None, (prefix, file.relative_to(folder).as_posix())))
            objects.upload(file, f"s3://{settings['BucketName']}/{name}", key)


def deploy_lambda(action: ActionExecution) -> None:
    from mlops.sandbox.delivery.lambda_deployment import deploy

    deploy(action)


ACTIONS: dict[tuple[str, str], Callable[[ActionExecution], None]] = {
    ("Source", "S3"): source_s3,
    ("Source", "CodeCommit"): source_codecommit,
    ("Source", "CodeStarSourceConnection"): source_connection,
    ("Build", "CodeBuild"): build,
    ("Test", "CodeBuild"): build,
    ("Approval", "Manual"): approve,
    ("Deploy", "Lambda"): deploy_lambda,
    ("Deploy", "S3"): deploy_s3,
    ("Invoke", "Lambda"): invoke,
}
