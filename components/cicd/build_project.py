"""A CodeBuild project with its own role and log group: bounded, encrypted, on a pinned image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components.base.grants import COVERAGE_REPORT, TEST_REPORT, Statement, allow
from components.base.shared import Shared
from components.blocks.bucket_reference import BucketReference
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole
from components.cicd.network import BuildNetwork

# Amazon Linux 2023, by version. Source: "Docker images provided by CodeBuild" in its user guide.
IMAGES = {
    "arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
    "x86_64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
}


@dataclass(frozen=True, kw_only=True)
class BuildProjectArgs:
    """`buildspec` is a path in the source or the text itself; `reports` maps names of the buildspec's `reports` to their type."""

    purpose: str
    description: str
    buildspec: str
    environment: Mapping[str, str]
    architecture: Literal["arm64", "x86_64"] = "arm64"
    docker: bool = False
    makes_artifacts: bool = False
    statements: Sequence[Statement] = ()
    reports: Mapping[str, Literal["TEST", "CODE_COVERAGE"]] = field(default_factory=dict)


class BuildProject(pulumi.ComponentResource):
    """Reads the pipeline's source and writes its artefacts; `project_name` is what an action of the pipeline starts."""

    def __init__(
        self,
        name: str,
        args: BuildProjectArgs,
        *,
        shared: Shared,
        artifacts: BucketReference,
        network: BuildNetwork | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:cicd:BuildProject", name, None, opts)
        self._name, self._args, self._shared = name, args, shared
        platform = shared.platform
        child = pulumi.ResourceOptions(parent=self)
        self.project_name = platform.name(args.purpose)
        self.known_arn = platform.arns.build_project(self.project_name)
        logs = LogGroup(
            f"{name}-log", platform=platform, group_name=f"/aws/codebuild/{self.project_name}", key=shared.keys.logs, opts=child
        )
        role = ServiceRole(
            name,
            platform=platform,
            role_name=self.project_name,
            service="codebuild.amazonaws.com",
            statements=[
                *logs.grant_write(),
                *artifacts.grant_artifacts(read=True, write=args.makes_artifacts),
                *self._report_statements(),
                *(network.statements if network else ()),
                *args.statements,
            ],
            opts=child,
        )
        self._report_groups()
        self.project = self._project(logs, role, network)
        self.register_outputs({"name": self.project.name})

    def _report_group(self, report: str) -> str:
        # What CodeBuild calls the group of a name in a buildspec.
        return f"{self.project_name}-{report}"

    def _report_statements(self) -> list[Statement]:
        actions = {"TEST": TEST_REPORT, "CODE_COVERAGE": COVERAGE_REPORT}
        arns = self._shared.platform.arns
        return [allow(actions[kind], arns.report_group(self._report_group(report))) for report, kind in self._args.reports.items()]

    def _report_groups(self) -> None:
        for report, kind in self._args.reports.items():
            aws.codebuild.ReportGroup(
                f"{self._name}-{report}",
                name=self._report_group(report),
                type=kind,
                delete_reports=not self._shared.platform.protected,
                export_config={"type": "NO_EXPORT"},
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _project(self, logs: LogGroup, role: ServiceRole, network: BuildNetwork | None) -> aws.codebuild.Project:
        args, settings = self._args, self._shared.platform.settings.cicd
        kind, image = IMAGES[args.architecture]
        return aws.codebuild.Project(
            f"{self._name}-project",
            name=self.project_name,
            description=args.description,
            service_role=role.arn,
            source={"type": "CODEPIPELINE", "buildspec": args.buildspec},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": kind,
                "image": image,
                "compute_type": settings.compute,
                "privileged_mode": args.docker,
                "image_pull_credentials_type": "CODEBUILD",
                "environment_variables": [
                    {"name": variable, "value": value, "type": "PLAINTEXT"} for variable, value in sorted(args.environment.items())
                ],
            },
            cache=None if network else _local_cache(args.docker),  # type: ignore[arg-type]
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.group_name}, "s3_logs": {"status": "DISABLED"}},
            encryption_key=self._shared.keys.models.arn,
            build_timeout=settings.timeout_minutes,
            queued_timeout=60,
            concurrent_build_limit=settings.concurrent_builds,
            vpc_config=network.vpc_config if network else None,  # type: ignore[arg-type]
            # CodeBuild tries its role out when the project is made.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy, logs]),
        )


def _local_cache(docker: bool) -> dict[str, Any]:
    """For builds outside a VPC: CodeBuild has no local cache in one ("Local caching" in its user guide)."""
    # Without a cache section in the buildspec a custom cache is empty; layers of Docker images are worth keeping.
    return {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE" if docker else "LOCAL_CUSTOM_CACHE"]}
