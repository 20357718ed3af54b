"""CodeBuild, CodePipeline, CodeCommit, connections and notification rules."""

from __future__ import annotations

from mlops.sandbox.identity.actions.needs import Need, Scope, keys

CODECOMMIT_KEYS = frozenset({"codecommit:references"})
NOTIFICATIONS_KEYS = frozenset({"codestar-notifications:notificationsforresource"})
_STAGE = {"DisableStageTransition", "EnableStageTransition", "RetryStageExecution", "RollbackStage", "OverrideStageCondition"}
_PIPELINE_ON_EVERYTHING = {"ListPipelines", "PutJobSuccessResult", "PutJobFailureResult", "GetJobDetails", "ListActionTypes"}


def codebuild(scope: Scope) -> list[Need] | None:
    """Projects (a build's permission is on its project), report groups (a report's is on its group)."""
    parameters, operation = scope.parameters, scope.operation
    action = f"codebuild:{operation}"
    names = [*(parameters.get("names") or ())] if operation == "BatchGetProjects" else []
    names += [each.split("build/")[-1].split(":")[0] for each in parameters.get("ids") or ()]
    if operation in ("StopBuild", "RetryBuild"):
        names.append(parameters["id"].split("build/")[-1].split(":")[0])
    if operation in ("CreateProject", "UpdateProject", "DeleteProject", "UpdateProjectVisibility"):
        names.append(parameters.get("name") or parameters["projectArn"])
    if operation in ("StartBuild", "ListBuildsForProject"):
        names.append(parameters["projectName"])
    if names:
        return [Need(action, scope.arn("codebuild", f"project/{name.rsplit('/', 1)[-1]}")) for name in dict.fromkeys(names)]
    if operation == "CreateReportGroup":
        return [Need(action, scope.arn("codebuild", f"report-group/{parameters['name']}"))]
    arns = [*(parameters.get("reportGroupArns") or ()), *(parameters.get("reportArns") or ())]
    arns += [parameters[name] for name in ("arn", "reportArn", "reportGroupArn") if parameters.get(name)]
    if arns:
        return [Need(action, arn) for arn in dict.fromkeys(_group(arn) for arn in arns)]
    return [Need(action, "*")] if operation.startswith("List") else None


def _group(arn: str) -> str:
    head, _, name = arn.partition(":report/")
    return f"{head}:report-group/{name.rsplit(':', 1)[0]}" if name else arn


def codepipeline(scope: Scope) -> list[Need] | None:
    """Pipelines, their stages and actions."""
    parameters, operation = scope.parameters, scope.operation
    action = f"codepipeline:{operation}"
    if operation in _PIPELINE_ON_EVERYTHING:
        return [Need(action, "*")]
    if "resourceArn" in parameters:
        return [Need(action, parameters["resourceArn"])]
    inner = parameters.get("pipeline")
    path = inner["name"] if isinstance(inner, dict) else parameters.get("pipelineName") or parameters["name"]
    if operation in _STAGE or operation == "PutApprovalResult":
        path += f"/{parameters['stageName']}"
    if operation == "PutApprovalResult":
        path += f"/{parameters['actionName']}"
    return [Need(action, scope.arn("codepipeline", path))]


def codecommit(scope: Scope) -> list[Need] | None:
    """Repositories; commits name the branch they go to."""
    parameters, operation = scope.parameters, scope.operation
    action = f"codecommit:{operation}"
    if "resourceArn" in parameters:
        return [Need(action, parameters["resourceArn"])]
    names = [parameters["repositoryName"]] if parameters.get("repositoryName") else [*(parameters.get("repositoryNames") or ())]
    if not names:
        return [Need(action, "*")]
    branch = parameters.get("branchName") if operation in ("CreateCommit", "PutFile", "CreateBranch", "DeleteBranch") else None
    reference = keys({"codecommit:References": f"refs/heads/{branch}" if branch else None})
    return [Need(action, scope.arn("codecommit", name), reference) for name in names]


def connections(scope: Scope) -> list[Need] | None:
    """Connections, which exist under two service names."""
    parameters = scope.parameters
    arn = parameters.get("ConnectionArn") or parameters.get("ResourceArn") or "*"
    return [Need(f"{scope.service}:{scope.operation}", arn)]


def notifications(scope: Scope) -> list[Need] | None:
    """Notification rules; a new one has no name yet."""
    parameters = scope.parameters
    action = f"codestar-notifications:{scope.operation}"
    if scope.operation.startswith("List") and "Arn" not in parameters:
        return [Need(action, "*")]
    arn = parameters.get("Arn") or scope.arn("codestar-notifications", "notificationrule/*")
    return [Need(action, arn, keys({"codestar-notifications:NotificationsForResource": parameters.get("Resource")}))]
