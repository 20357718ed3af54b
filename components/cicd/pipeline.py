"""The CI/CD pipeline: Source → Build → Test → (Approval →) Deploy, each stage with a role of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.grants import ALARM_READ, ARTIFACT_ACL, BUILD_RUN, CODE_DEPLOY, ROLE_ASSUME, Statement, allow
from components.base.inventory import Item, error_alarm
from components.base.shared import Shared
from components.blocks.function import ALIAS
from components.blocks.log_group import LogGroup
from components.blocks.secure_bucket import SecureBucket, SecureBucketArgs
from components.blocks.service_role import ServiceRole
from components.cicd.builds import Builds
from components.cicd.events import PipelineEvents
from components.cicd.source import Source
from components.cicd.stages import SOURCE, action, releases


class CicdPipeline(pulumi.ComponentResource):
    """Made after all functions: it deploys those that are in the inventory by then, where the settings make it the owner of their code."""

    spec = ("P2a", "P2b", "P2d", "OPS-1b", "REL-5b", "REL-5c", "COST-4d", "P3g")

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cicd:CicdPipeline", name, None, opts)
        self._name, self._shared = name, shared
        platform, settings = shared.platform, shared.platform.settings.cicd
        child = pulumi.ResourceOptions(parent=self)
        self.pipeline_name = platform.name("cicd")
        self._functions = list(platform.inventory.functions) if settings.code_owner == "pipeline" else []
        self._artifacts = self._store()
        self._logs = LogGroup(
            f"{name}-log", platform=platform, group_name=f"/aws/codepipeline/{self.pipeline_name}", key=shared.keys.logs, opts=child
        )
        self._source = Source(f"{name}-source", shared=shared, opts=child)
        self._builds = Builds(f"{name}-builds", shared=shared, artifacts=self._artifacts, opts=child)
        self._roles: list[ServiceRole] = []
        self.pipeline = self._pipeline()
        platform.inventory.pipelines.append(Item(self.pipeline_name, "cicd"))
        PipelineEvents(f"{name}-events", shared=shared, pipeline=self.pipeline, source=self._source, opts=child)
        self.register_outputs({"name": self.pipeline.name, "arn": self.pipeline.arn})

    def outputs(self) -> dict[str, Any]:
        """What the stack exports of it."""
        projects = [project.project_name for project in self._builds.all()]
        return {"pipeline": self.pipeline_name, "source": self._source.outputs, "artifacts": self._artifacts.name, "projects": projects}

    def _store(self) -> Any:
        shared = self._shared
        args = SecureBucketArgs(
            purpose="artifacts",
            data_classification="internal",
            key=shared.keys.models,
            expire_days=shared.platform.settings.cicd.keep_days,
            log_bucket=shared.lake.logs.name,
        )
        # Access logging is refused until the log bucket's policy admits the log service.
        after = pulumi.ResourceOptions(parent=self, depends_on=[shared.lake.log_policy])
        return SecureBucket(f"{self._name}-artifacts", args, platform=shared.platform, opts=after).reference

    def _pipeline(self) -> aws.codepipeline.Pipeline:
        settings = self._shared.platform.settings.cicd
        role = self._service_role()
        stages = [stage for stage in self._stages(role) if stage["actions"]]
        return aws.codepipeline.Pipeline(
            f"{self._name}-pipeline",
            name=self.pipeline_name,
            pipeline_type="V2",
            execution_mode=settings.execution_mode,
            role_arn=role.arn,
            artifact_stores=[
                {
                    "location": self._artifacts.name,
                    "type": "S3",
                    "encryption_key": {"id": self._shared.keys.models.arn, "type": "KMS"},
                }
            ],
            stages=stages,  # type: ignore[arg-type]
            triggers=self._source.triggers or None,  # type: ignore[arg-type]
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self._source, self._builds, role.policy, *(made.policy for made in self._roles)]
            ),
        )

    def _service_role(self) -> ServiceRole:
        """The pipeline's own role assumes the roles of the stages and keeps the artefacts; it can neither build nor deploy."""
        arns, shared = self._shared.platform.arns, self._shared
        approval = shared.notifications.grant_publish() if shared.platform.settings.cicd.approval else []
        return ServiceRole(
            self._name,
            platform=shared.platform,
            role_name=self.pipeline_name,
            service="codepipeline.amazonaws.com",
            statements=[
                allow(ROLE_ASSUME, [arns.role(f"{self.pipeline_name}-{stage}") for stage in self._stage_statements()]),
                *self._artifacts.grant_artifacts(read=True, write=True),
                *approval,
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _stage_statements(self) -> dict[str, list[Statement]]:
        statements = {
            "source": [*self._source.statements, *self._artifacts.grant_artifacts(write=True), *self._source_acl()],
            # A build reads and writes artefacts with its project's role.
            "build": [allow(BUILD_RUN, [project.known_arn for project in self._builds.all()])],
        }
        if self._functions:
            # By the stack's names: it deploys every function of the stack, and the policies of a role have 10,240 characters, which is 30 functions.
            arns, names = self._shared.platform.arns, self._shared.platform.name("*")
            statements["deploy"] = [
                allow(CODE_DEPLOY, [arns.function(names), arns.function_alias(names, "*")]),
                allow(ALARM_READ, arns.alarm(f"{names}-errors")),
                *self._artifacts.grant_artifacts(read=True),
                *self._logs.grant_write(),
            ]
        return statements

    def _source_acl(self) -> list[Statement]:
        if self._shared.platform.settings.cicd.source.provider != "codeconnections":
            return []
        return [allow(ARTIFACT_ACL, self._artifacts.arns.objects(self._artifacts.name))]

    def _stage_role(self, stage: str, pipeline_role: ServiceRole) -> pulumi.Output[str]:
        role = ServiceRole(
            f"{self._name}-{stage}",
            platform=self._shared.platform,
            role_name=f"{self.pipeline_name}-{stage}",
            service=pipeline_role.known_arn,
            statements=self._stage_statements()[stage],
            # A trust policy names only roles that exist.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[pipeline_role.role]),
        )
        self._roles.append(role)
        return role.arn

    def _stages(self, pipeline_role: ServiceRole) -> Sequence[dict[str, Any]]:
        settings, builds = self._shared.platform.settings.cicd, self._builds
        source, build = self._stage_role("source", pipeline_role), self._stage_role("build", pipeline_role)
        packaging = [self._build(project.project_name, "Build", build, packages) for project, packages in builds.packaging]
        images = [self._build(project.project_name, "Build", build) for project in builds.images]
        deploy: list[list[dict[str, Any]]] = []
        if self._functions:
            role = self._stage_role("deploy", pipeline_role)
            deploy = [[self._deploy(item, role) for item in release] for release in releases(self._functions)]
        return [
            {"name": "Source", "actions": [self._source.action(source)]},
            {"name": "Build", "actions": [*packaging, *images]},
            {"name": "Test", "actions": [self._build(builds.test.project_name, "Test", build)]},
            {"name": "Approval", "actions": [self._approve()] if settings.approval and deploy else []},
            # The functions of a stage are one release: what has been deployed already goes back when one of them fails.
            *(
                {"name": f"Deploy-{number}" if number > 1 else "Deploy", "actions": actions, "on_failure": {"result": "ROLLBACK"}}
                for number, actions in enumerate(deploy, 1)
            ),
        ]

    def _short(self, name: str) -> str:
        return name.removeprefix(f"{self._shared.platform.prefix}-")

    def _build(self, project: str, category: str, role: pulumi.Output[str], outputs: Sequence[str] = ()) -> dict[str, Any]:
        configuration = {"ProjectName": project}
        return action(self._short(project), category, "CodeBuild", configuration, inputs=[SOURCE], outputs=outputs, role_arn=role)

    def _approve(self) -> dict[str, Any]:
        platform = self._shared.platform
        text = (
            f"Deploys the functions of {platform.prefix} by {platform.settings.cicd.strategy}. Look at the reports of the Test stage first."
        )
        configuration = {"NotificationArn": self._shared.notifications.topic_arn, "CustomData": text}
        return action("Approve", "Approval", "Manual", configuration)

    def _deploy(self, item: Item, role: pulumi.Output[str]) -> dict[str, Any]:
        configuration = {
            "FunctionName": item.name,
            "FunctionAlias": ALIAS,
            "DeployStrategy": self._shared.platform.settings.cicd.strategy,
            "Alarms": error_alarm(item),
        }
        return action(self._short(item.name), "Deploy", "Lambda", configuration, inputs=[item.source or ""], role_arn=role)
