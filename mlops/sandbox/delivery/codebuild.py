"""CodeBuild's projects, builds and reports: the store behind its API. What a build does is in `build`."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.delivery.build import Build, PipelineFiles
from mlops.sandbox.delivery.dispatcher import Operation, page
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

SOURCES = ("CODEPIPELINE", "S3", "CODECOMMIT", "NO_SOURCE")
REPORT_LIFE = timedelta(days=30)
# Members of StartBuild that replace one of the project's: (member, path in the project).
_OVERRIDES = {
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "environmentTypeOverride": ("environment", "type"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "artifactsOverride": ("artifacts",),
    "secondaryArtifactsOverride": ("secondaryArtifacts",),
    "secondarySourcesOverride": ("secondarySources",),
    "secondarySourcesVersionOverride": ("secondarySourceVersions",),
    "cacheOverride": ("cache",),
    "logsConfigOverride": ("logsConfig",),
    "serviceRoleOverride": ("serviceRole",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
    "encryptionKeyOverride": ("encryptionKey",),
    "gitCloneDepthOverride": ("source", "gitCloneDepth"),
}
_START = {"projectName", "sourceVersion", "environmentVariablesOverride", "idempotencyToken", *_OVERRIDES}


def of(sandbox: Sandbox) -> CodeBuild:
    """The one CodeBuild of a sandbox."""
    if "codebuild" not in sandbox.services:
        sandbox.services["codebuild"] = CodeBuild(sandbox)
    return sandbox.services["codebuild"]


def operations(sandbox: Sandbox) -> Mapping[str, Operation]:
    """The API."""
    service = of(sandbox)
    return {
        "CreateProject": service.create_project,
        "UpdateProject": service.update_project,
        "DeleteProject": service.delete_project,
        "BatchGetProjects": service.batch_get_projects,
        "ListProjects": service.list_projects,
        "StartBuild": service.start_build,
        "RetryBuild": service.retry_build,
        "StopBuild": service.stop_build,
        "BatchGetBuilds": service.batch_get_builds,
        "ListBuilds": service.list_builds,
        "ListBuildsForProject": service.list_builds_for_project,
        "BatchDeleteBuilds": service.batch_delete_builds,
        "CreateReportGroup": service.create_report_group,
        "UpdateReportGroup": service.update_report_group,
        "DeleteReportGroup": service.delete_report_group,
        "BatchGetReportGroups": service.batch_get_report_groups,
        "ListReportGroups": service.list_report_groups,
        "BatchGetReports": service.batch_get_reports,
        "ListReports": service.list_reports,
        "ListReportsForReportGroup": service.list_reports_for_report_group,
        "DeleteReport": service.delete_report,
        "DescribeTestCases": service.describe_test_cases,
        "DescribeCodeCoverages": service.describe_code_coverages,
    }


class CodeBuild:
    """All projects of the account. Builds wait for one of `at_once` places (option `executors.codebuild.at_once`)."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.options: Mapping[str, Any] = sandbox.options.executors.get("codebuild", {})
        self.places = threading.BoundedSemaphore(int(self.options.get("at_once", 2)))
        self.projects: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.details: dict[str, list[dict[str, Any]]] = {}
        self.builds: dict[str, Build] = {}
        self._numbers: dict[str, int] = defaultdict(int)
        self._tokens: dict[tuple[str, str], Build] = {}

    def arn(self, resource: str) -> str:
        return f"arn:aws:codebuild:{self.sandbox.region}:{self.sandbox.account}:{resource}"

    # Projects

    def create_project(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        if request["name"] in self.projects:
            raise ServiceError("ResourceAlreadyExistsException", f"Project already exists: {self.arn('project/' + request['name'])}")
        refuse(request)
        now = datetime.now(UTC)
        defaults = {
            "timeoutInMinutes": 60,
            "queuedTimeoutInMinutes": 480,
            "encryptionKey": f"arn:aws:kms:{self.sandbox.region}:{self.sandbox.account}:alias/aws/s3",
            "cache": {"type": "NO_CACHE"},
            "projectVisibility": "PRIVATE",
        }
        project = {**defaults, **request, "arn": self.arn(f"project/{request['name']}"), "created": now, "lastModified": now}
        project["badge"] = {"badgeEnabled": bool(project.pop("badgeEnabled", False))}
        self.projects[request["name"]] = project
        return {"project": project}

    def update_project(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        project = self.project(request["name"])
        changed = {**project, **request}
        refuse(changed)
        if "badgeEnabled" in changed:
            changed["badge"] = {"badgeEnabled": changed.pop("badgeEnabled")}
        project.update(changed, lastModified=datetime.now(UTC))
        return {"project": project}

    def delete_project(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        # A project that is not there is no error, as on AWS.
        self.projects.pop(request["name"].rsplit("/", 1)[-1], None)
        return {}

    def batch_get_projects(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        names = [name.rsplit("/", 1)[-1] for name in request["names"]]
        found = [self.projects[name] for name in names if name in self.projects]
        return {"projects": found, "projectsNotFound": [name for name in names if name not in self.projects]}

    def list_projects(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        names, token = page(sorted(self.projects), request)
        return {"projects": names, "nextToken": token}

    def project(self, name: str) -> dict[str, Any]:
        found = self.projects.get(name.rsplit("/", 1)[-1])
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {self.arn('project/' + name)}")
        return found

    # Builds

    def start_build(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        unknown = sorted(set(request) - _START)
        if unknown:
            raise ServiceError("InvalidInputException", f"the sandbox does not carry out {', '.join(unknown)} of StartBuild")
        return {"build": self.start(request, initiator(caller)).as_dict()}

    def start(self, request: dict[str, Any], by: str, pipeline: PipelineFiles | None = None) -> Build:
        """Start a build; `pipeline` has the artifacts of an action."""
        token = (request["projectName"], request.get("idempotencyToken", ""))
        if token[1] and token in self._tokens:
            return self._tokens[token]
        settings = overridden(self.project(request["projectName"]), request)
        if (settings["source"]["type"] == "CODEPIPELINE") != (pipeline is not None):
            raise ServiceError(
                "InvalidInputException", "Project source type CODEPIPELINE can be started by CodePipeline only (or overridden)"
            )
        limit = settings.get("concurrentBuildLimit")
        active = [build for build in self.builds.values() if build.settings["name"] == settings["name"] and not build.complete]
        if limit is not None and len(active) >= limit:
            raise ServiceError("AccountLimitExceededException", f"Cannot have more than {limit} active builds for the project")
        self._numbers[settings["name"]] += 1
        build = Build(self, settings, request, by, self._numbers[settings["name"]], pipeline)
        self.builds[build.id] = build
        if token[1]:
            self._tokens[token] = build
        self.sandbox.submit(build.run)
        return build

    def retry_build(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        build = self.build(request["id"])
        if build.pipeline is not None:
            raise ServiceError("InvalidInputException", "a build of a pipeline is retried by RetryStageExecution")
        again = {name: value for name, value in build.request.items() if name != "idempotencyToken"}
        return {"build": self.start(again, initiator(caller)).as_dict()}

    def stop_build(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        build = self.build(request["id"])
        build.stop.set()
        build.ended.wait(10)
        return {"build": build.as_dict()}

    def batch_get_builds(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        ids = [id_.split("build/")[-1] for id_ in request["ids"]]
        found = [self.builds[id_].as_dict() for id_ in ids if id_ in self.builds]
        return {"builds": found, "buildsNotFound": [id_ for id_ in ids if id_ not in self.builds]}

    def list_builds(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return self._listed(list(self.builds), request)

    def list_builds_for_project(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        name = self.project(request["projectName"])["name"]
        return self._listed([id_ for id_, build in self.builds.items() if build.settings["name"] == name], request)

    @staticmethod
    def _listed(ids: list[str], request: dict[str, Any]) -> dict[str, Any]:
        if request.get("sortOrder", "DESCENDING") == "DESCENDING":
            ids.reverse()
        found, token = page(ids, request)
        return {"ids": found, "nextToken": token}

    def batch_delete_builds(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        ids = [id_.split("build/")[-1] for id_ in request["ids"]]
        active = [id_ for id_ in ids if id_ in self.builds and not self.builds[id_].complete]
        deleted = [self.builds.pop(id_).arn for id_ in ids if id_ in self.builds and id_ not in active]
        return {"buildsDeleted": deleted, "buildsNotDeleted": [{"id": id_, "statusCode": "BUILD_IN_PROGRESS"} for id_ in active]}

    def build(self, id_: str) -> Build:
        found = self.builds.get(id_.split("build/")[-1])
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Build cannot be found: {id_}")
        return found

    # Report groups and reports

    def create_report_group(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arn, now = self.arn(f"report-group/{request['name']}"), datetime.now(UTC)
        if arn in self.groups:
            raise ServiceError("ResourceAlreadyExistsException", f"Report group already exists: {arn}")
        self.groups[arn] = {**request, "arn": arn, "created": now, "lastModified": now, "status": "ACTIVE"}
        return {"reportGroup": self.groups[arn]}

    def update_report_group(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        group = self.group(request["arn"])
        group.update({name: request[name] for name in ("exportConfig", "tags") if name in request}, lastModified=datetime.now(UTC))
        return {"reportGroup": group}

    def delete_report_group(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arn = self.group(request["arn"])["arn"]
        reports = [report for report in self.reports.values() if report["reportGroupArn"] == arn]
        if reports and not request.get("deleteReports"):
            raise ServiceError("InvalidInputException", f"{arn} has {len(reports)} reports: delete them first, or set deleteReports")
        for report in reports:
            self._forget(report["arn"])
        del self.groups[arn]
        return {}

    def batch_get_report_groups(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arns = request["reportGroupArns"]
        found = [self.groups[arn] for arn in arns if arn in self.groups]
        return {"reportGroups": found, "reportGroupsNotFound": [arn for arn in arns if arn not in self.groups]}

    def list_report_groups(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arns, token = page(sorted(self.groups), request)
        return {"reportGroups": arns, "nextToken": token}

    def group(self, arn: str) -> dict[str, Any]:
        found = self.groups.get(arn)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Report group cannot be found: {arn}")
        return found

    def add_report(self, group: dict[str, Any], build_arn: str, results: Any, details: list[dict[str, Any]]) -> dict[str, Any]:
        """Keep the results of a build in a report group."""
        now = datetime.now(UTC)
        name = f"{group['name']}:{uuid4()}"
        report = {
            "arn": self.arn(f"report/{name}"),
            "type": group["type"],
            "name": name,
            "reportGroupArn": group["arn"],
            "executionId": build_arn,
            "status": results.status,
            "created": now,
            "expired": now + REPORT_LIFE,
            "exportConfig": group["exportConfig"],
            "truncated": False,
            ("testSummary" if group["type"] == "TEST" else "codeCoverageSummary"): results.summary(),
        }
        self.reports[report["arn"]] = report
        self.details[report["arn"]] = details
        return report

    def batch_get_reports(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arns = request["reportArns"]
        found = [self.reports[arn] for arn in arns if arn in self.reports]
        return {"reports": found, "reportsNotFound": [arn for arn in arns if arn not in self.reports]}

    def list_reports(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return self._listed_reports(list(self.reports.values()), request)

    def list_reports_for_report_group(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        arn = self.group(request["reportGroupArn"])["arn"]
        return self._listed_reports([report for report in self.reports.values() if report["reportGroupArn"] == arn], request)

    @staticmethod
    def _listed_reports(reports: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
        status = (request.get("filter") or {}).get("status")
        arns = [report["arn"] for report in reports if status in (None, report["status"])]
        if request.get("sortOrder", "DESCENDING") == "DESCENDING":
            arns.reverse()
        found, token = page(arns, request)
        return {"reports": found, "nextToken": token}

    def delete_report(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self._forget(request["arn"])
        return {}

    def _forget(self, arn: str) -> None:
        self.reports.pop(arn, None)
        self.details.pop(arn, None)

    def describe_test_cases(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        wanted = request.get("filter") or {}
        cases = [
            {"reportArn": request["reportArn"], **case}
            for case in self._details(request["reportArn"])
            if wanted.get("status") in (None, case["status"]) and wanted.get("keyword", "") in case["name"]
        ]
        found, token = page(cases, request)
        return {"testCases": found, "nextToken": token}

    def describe_code_coverages(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        low, high = request.get("minLineCoveragePercentage", 0), request.get("maxLineCoveragePercentage", 100)
        files = [each for each in self._details(request["reportArn"]) if low <= each["lineCoveragePercentage"] <= high]
        by = "lineCoveragePercentage" if request.get("sortBy") == "LINE_COVERAGE_PERCENTAGE" else "filePath"
        files.sort(key=lambda each: each[by], reverse=request.get("sortOrder") == "DESCENDING")
        found, token = page([{"id": each["filePath"], "reportARN": request["reportArn"], **each} for each in files], request)
        return {"codeCoverages": found, "nextToken": token}

    def _details(self, arn: str) -> list[dict[str, Any]]:
        if arn not in self.details:
            raise ServiceError("ResourceNotFoundException", f"Report cannot be found: {arn}")
        return self.details[arn]


def initiator(caller: str) -> str:
    """How a build names who started it: `user/name` or `role/session`."""
    kind, _, name = caller.split(":", 5)[-1].partition("/")
    return f"{kind.removeprefix('assumed-')}/{name}" if name else caller


def overridden(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The project's settings with what the request replaces."""
    settings = {name: dict(value) if isinstance(value, Mapping) else value for name, value in project.items()}
    for member, path in _OVERRIDES.items():
        if member in request:
            holder = settings[path[0]] if len(path) == 2 else settings
            holder[path[-1]] = request[member]
    variables = {each["name"]: each for each in settings["environment"].get("environmentVariables") or ()}
    variables |= {each["name"]: each for each in request.get("environmentVariablesOverride") or ()}
    settings["environment"]["environmentVariables"] = list(variables.values())
    refuse(settings)
    return settings


def refuse(project: Mapping[str, Any]) -> None:
    """InvalidInputException for settings of a project that the sandbox cannot carry out."""
    problems = [
        f"source.type {source['type']}: the sandbox has {', '.join(SOURCES)}"
        for source in _sources(project)
        if source["type"] not in SOURCES
    ]
    if "WINDOWS" in project["environment"]["type"] or "MAC" in project["environment"]["type"]:
        problems.append(f"environment.type {project['environment']['type']}: builds run on this machine, as Linux processes")
    problems += [f"{name}: the sandbox has none" for name in ("fileSystemLocations", "buildBatchConfig") if project.get(name)]
    if (project.get("cache") or {}).get("type") == "S3":
        problems.append("cache.type S3: the sandbox keeps no cache; expected NO_CACHE or LOCAL")
    logs = project.get("logsConfig") or {}
    if (logs.get("s3Logs") or {}).get("status") == "ENABLED":
        problems.append("logsConfig.s3Logs: the sandbox writes build logs to CloudWatch Logs only")
    types = [each["type"] for each in (project["artifacts"], *(project.get("secondaryArtifacts") or ()))]
    if ("CODEPIPELINE" in types) != (project["source"]["type"] == "CODEPIPELINE"):
        problems.append("artifacts.type and source.type must both be CODEPIPELINE, or neither")
    if project["source"]["type"] == "NO_SOURCE" and not project["source"].get("buildspec"):
        problems.append("source.buildspec: is required when there is no source")
    if problems:
        raise ServiceError("InvalidInputException", f"project {project['name']}: {'; '.join(problems)}")


def _sources(project: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [project["source"], *(project.get("secondarySources") or ())]
