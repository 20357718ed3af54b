"""What goes into a build and what comes out of it: sources, artifacts and reports, all with the rights of the project's role."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.sandbox.delivery import rights
from mlops.sandbox.delivery.artifacts import ArtifactError, base_directories, matching, selected, unpack, write_zip
from mlops.sandbox.delivery.build_failure import BuildFailure
from mlops.sandbox.delivery.buildspec import FORMATS, Artifacts, Buildspec, Report
from mlops.sandbox.delivery.report_files import READERS, Coverage, ReportError, TestResults
from mlops.sandbox.http import ServiceError
from mlops.sandbox.ml.jobs import JobError, Objects

if TYPE_CHECKING:
    from mlops.sandbox.delivery.build import Build


def download(build: Build) -> None:
    """The source and the secondary sources into their folders."""
    try:
        if build.pipeline is not None:
            _from_pipeline(build)
            return
        settings = build.settings
        build.resolved_version = _fetch(build, settings["source"], build.source_version, build.source)
        versions = {each["sourceIdentifier"]: each["sourceVersion"] for each in settings.get("secondarySourceVersions") or ()}
        for source in settings.get("secondarySources") or ():
            name = source["sourceIdentifier"]
            build.secondary_sources[name] = build.folder / f"src-{name}"
            _fetch(build, source, versions.get(name, ""), build.secondary_sources[name])
    except (JobError, ServiceError) as error:
        raise BuildFailure("CLIENT_ERROR", str(error)) from error


def _from_pipeline(build: Build) -> None:
    assert build.pipeline is not None
    for name, uri in build.pipeline.inputs.items():
        folder = build.source if name == build.pipeline.primary else build.folder / f"src-{name}"
        if folder != build.source:
            build.secondary_sources[name] = folder
        archive = build.folder / f"{name}.zip"
        Objects(build.sandbox, build.credentials).download(uri, archive)
        unpack(archive, folder)
        archive.unlink()
    build.resolved_version = build.pipeline.revision


def _fetch(build: Build, source: dict[str, Any], version: str, folder: Path) -> str:
    """One source; its resolved version."""
    folder.mkdir(parents=True, exist_ok=True)
    if source["type"] == "NO_SOURCE":
        return ""
    if source["type"] == "S3":
        return _from_s3(build, source["location"], version, folder)
    return _from_codecommit(build, source["location"], version, folder)


def _from_s3(build: Build, location: str, version: str, folder: Path) -> str:
    uri = f"s3://{location.removeprefix('arn:aws:s3:::')}"
    objects = Objects(build.sandbox, build.credentials)
    if uri.endswith("/"):
        for entry in objects.list(uri):
            bucket, _, prefix = uri.removeprefix("s3://").partition("/")
            objects.download(f"s3://{bucket}/{entry['Key']}", folder / entry["Key"].removeprefix(prefix))
        return ""
    archive = build.folder / "source.zip"
    objects.download(uri, archive, version or None)
    unpack(archive, folder)
    archive.unlink()
    return version


def _from_codecommit(build: Build, location: str, version: str, folder: Path) -> str:
    from mlops.sandbox.delivery import codecommit

    repository = codecommit.of(build.sandbox).by_address(location)
    rights.require(build.sandbox, build.settings["serviceRole"], "codecommit:GitPull", repository.arn)
    commands = [["clone", "-q", str(repository.path), "."], ["checkout", "-q", version or repository.default_branch]]
    for command in commands:
        answer = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, check=False)
        if answer.returncode:
            raise BuildFailure("GIT_CLONE_FAILED", f"git {command[0]} of {repository.name} failed: {answer.stderr.strip()}")
    return subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def buildspec_text(build: Build) -> str:
    """The buildspec: the project's own text, the file it names, or buildspec.yml of the source."""
    given = build.settings["source"].get("buildspec") or "buildspec.yml"
    if "\n" in given or given.lstrip().startswith("{"):
        return given
    if given.startswith("arn:aws:s3:::"):
        try:
            return Objects(build.sandbox, build.credentials).read(f"s3://{given.removeprefix('arn:aws:s3:::')}").decode()
        except JobError as error:
            raise BuildFailure("YAML_FILE_ERROR", str(error)) from error
    file = build.source / given
    if not file.is_file():
        raise BuildFailure("YAML_FILE_ERROR", f"YAML file does not exist: {given}")
    return file.read_text()


def upload_artifacts(build: Build, spec: Buildspec) -> None:
    """All artifacts to where the pipeline's action or the project wants them."""
    if build.pipeline is not None:
        for name, uri in build.pipeline.outputs.items():
            _put(build, _chosen(spec, name, len(build.pipeline.outputs)), uri, build.pipeline.kms_key)
        return
    project = build.settings
    for settings in (project["artifacts"], *(project.get("secondaryArtifacts") or ())):
        if settings["type"] != "S3":
            continue
        name = settings.get("artifactIdentifier", "") if settings is not project["artifacts"] else ""
        artifacts = spec.artifacts.get(name)
        if artifacts is None:
            raise ArtifactError(f"the buildspec has no artifacts {name or 'of its own'}")
        key = project["encryptionKey"]
        kms_key = None if settings.get("encryptionDisabled") or "alias/aws/" in key else key
        location = _put_project(build, settings, artifacts, kms_key)
        build.artifacts.append({"location": location, "artifactIdentifier": name or None})


def _chosen(spec: Buildspec, name: str, count: int) -> Artifacts:
    """The artifacts of one output of an action: those with its name, or the primary ones where the action has one output."""
    if name in spec.artifacts:
        return spec.artifacts[name]
    if count == 1 and "" in spec.artifacts:
        return spec.artifacts[""]
    raise ArtifactError(
        f"the buildspec has no artifacts for the output {name}: with several outputs each needs secondary-artifacts of its name"
    )


def _put(build: Build, artifacts: Artifacts, uri: str, kms_key: str | None) -> None:
    files = selected(build.source, artifacts)
    archive = build.folder / "artifact.zip"
    write_zip(files, archive)
    build.say(f"Uploading {len(files)} files ({archive.stat().st_size} bytes) to {uri}")
    Objects(build.sandbox, build.credentials).upload(archive, uri, kms_key)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    build.artifacts.append({"location": uri.replace("s3://", "arn:aws:s3:::"), "sha256sum": digest})
    archive.unlink()


def _put_project(build: Build, settings: dict[str, Any], artifacts: Artifacts, kms_key: str | None) -> str:
    name = settings.get("name") or build.settings["name"]
    if settings.get("overrideArtifactName") and artifacts.name:
        name = build.expanded(artifacts.name)
    parts = [settings.get("path", "").strip("/"), build.id if settings.get("namespaceType") == "BUILD_ID" else "", name.strip("/")]
    key = "/".join(filter(None, parts))
    files = selected(build.source, artifacts)
    objects = Objects(build.sandbox, build.credentials)
    uri = f"s3://{settings['location']}/{key}"
    if settings.get("packaging") == "ZIP":
        archive = build.folder / "artifact.zip"
        write_zip(files, archive)
        objects.upload(archive, uri, kms_key)
        archive.unlink()
    else:
        for target, file in files.items():
            objects.upload(file, f"{uri}/{target}", kms_key)
    build.say(f"Uploaded {len(files)} files to {uri}")
    return uri.replace("s3://", "arn:aws:s3:::")


def publish_reports(build: Build, spec: Buildspec) -> list[str]:
    """Each report of the buildspec into its group; what could not be published, as messages."""
    failures = []
    for report in spec.reports:
        try:
            _publish(build, report)
        except (ArtifactError, ReportError, ServiceError, JobError) as error:
            failures.append(f"{report.group}: [{error}]")
    return failures


def _publish(build: Build, report: Report) -> None:
    group = _group(build, report)
    if group["type"] != FORMATS[report.format]:
        raise ReportError(f"the report group {group['arn']} is of type {group['type']}, {report.format} is not")
    files = [root / name for root in base_directories(build.source, report.base_directory) for name in matching(root, report.files)]
    if not files:
        raise ReportError("report files not found in build")
    details = [each for file in files for each in READERS[report.format](file)]
    results = TestResults(details) if group["type"] == "TEST" else Coverage(details)
    for action in ("CreateReport", "BatchPutTestCases" if group["type"] == "TEST" else "BatchPutCodeCoverages", "UpdateReport"):
        rights.require(build.sandbox, build.settings["serviceRole"], f"codebuild:{action}", group["arn"])
    kept = build.service.add_report(group, build.arn, results, details)
    _export(build, kept, files)
    build.reports.append(kept["arn"])
    build.say(f"Report {kept['name']}: {kept['status']} {results.summary()}")


def _group(build: Build, report: Report) -> dict[str, Any]:
    """The group by ARN, or by name: then it is the project's own, made when it is not there."""
    arn = report.group if report.group.startswith("arn:") else build.service.arn(f"report-group/{build.settings['name']}-{report.group}")
    if arn in build.service.groups:
        return build.service.groups[arn]
    if report.group.startswith("arn:"):
        raise ReportError(f"there is no report group {arn}")
    rights.require(build.sandbox, build.settings["serviceRole"], "codebuild:CreateReportGroup", arn)
    settings = {"name": arn.rsplit("/", 1)[1], "type": FORMATS[report.format], "exportConfig": {"exportConfigType": "NO_EXPORT"}}
    return build.service.create_report_group(settings, "")["reportGroup"]


def _export(build: Build, report: dict[str, Any], files: list[Path]) -> None:
    config = report["exportConfig"]
    if config.get("exportConfigType") != "S3":
        return
    target = config["s3Destination"]
    prefix = "/".join(filter(None, (target.get("path", "").strip("/"), *report["name"].split(":"))))
    key = target.get("encryptionKey")
    kms_key = None if target.get("encryptionDisabled") or not key or "alias/aws/" in key else key
    objects = Objects(build.sandbox, build.credentials)
    if target.get("packaging") == "ZIP":
        archive = build.folder / "report.zip"
        write_zip({file.name: file for file in files}, archive)
        objects.upload(archive, f"s3://{target['bucket']}/{prefix}.zip", kms_key)
        return
    for file in files:
        objects.upload(file, f"s3://{target['bucket']}/{prefix}/{file.name}", kms_key)


def remove(folder: Path) -> None:
    """Everything a build left but its log."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "log":
            path.unlink()
