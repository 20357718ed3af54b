"""Glue of one model: database, crawler, validate and preprocess jobs, encrypted by one security configuration."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import (
    CATALOG_WRITE,
    LOG_GROUP_CREATE,
    LOG_WRITE,
    METRICS_PUT,
    SECURITY_CONFIGURATION_READ,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.inventory import LogSource
from components.base.model import Model
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole


class GlueJobs(pulumi.ComponentResource):
    """`crawler`, `validate` and `preprocess` are names that the data state machine uses."""

    def __init__(self, name: str, *, model: Model, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:data:GlueJobs", name, None, opts)
        self._name = name
        self._model = model
        self.security = self._security_configuration()
        self.database = self._database()
        self.crawler = self._crawler()
        shared = model.shared
        # Glue 5 writes to two groups below the prefix that its jobs name.
        self._log_prefix = f"/aws-glue/{model.endpoint}"
        logs = {stream: self._log_group(stream, f"{self._log_prefix}/{stream}") for stream in ("output", "error")}
        # The jobs print structured lines; what Spark itself says goes to the other group.
        shared.platform.inventory.logs.append(LogSource(logs["output"].group_name, "data", logs["output"].group))
        # With a security configuration Glue names a crawler's group by role and configuration, and would make it without retention.
        self._log_group("crawler", f"/aws-glue/crawlers-role/{model.name('crawler')}-{model.name('glue')}")
        # The run is about one version of the object, also when a newer one has come since.
        versions = shared.lake.raw.grant_get_versions(f"data/{model.key}/")
        self.validate = self._job("validate", [*self._read_raw(), *versions, *shared.lake.quarantine.grant_overwrite(f"{model.key}/")])
        self.preprocess = self._job("preprocess", [])
        self.register_outputs({"crawler": self.crawler.name, "validate": self.validate.name, "preprocess": self.preprocess.name})

    def _log_group(self, thing: str, group_name: str) -> LogGroup:
        shared = self._model.shared
        return LogGroup(
            f"{self._name}-{thing}-log", platform=shared.platform, group_name=group_name, key=shared.keys.logs, opts=self._child()
        )

    def _child(self, **more: object) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)  # type: ignore[arg-type]

    def _read_raw(self) -> list[Statement]:
        return self._model.shared.lake.raw.grant_read(f"data/{self._model.key}/")

    def _security_configuration(self) -> aws.glue.SecurityConfiguration:
        keys = self._model.shared.keys
        return aws.glue.SecurityConfiguration(
            f"{self._name}-security",
            name=self._model.name("glue"),
            encryption_configuration={
                "cloudwatch_encryption": {"cloudwatch_encryption_mode": "SSE-KMS", "kms_key_arn": keys.logs.arn},
                "job_bookmarks_encryption": {"job_bookmarks_encryption_mode": "CSE-KMS", "kms_key_arn": keys.data.arn},
                "s3_encryption": {"s3_encryption_mode": "SSE-KMS", "kms_key_arn": keys.data.arn},
            },
            opts=self._child(),
        )

    def _database(self) -> aws.glue.CatalogDatabase:
        # Catalog names have no hyphens.
        name = self._model.endpoint.replace("-", "_")
        return aws.glue.CatalogDatabase(
            f"{self._name}-database", name=name, description=f"Raw data of {self._model.key}", tags=self._model.tags, opts=self._child()
        )

    def _crawler(self) -> aws.glue.Crawler:
        model = self._model
        arns = model.shared.platform.arns
        database = model.endpoint.replace("-", "_")
        catalog = [arns.glue("catalog"), arns.glue("database", database), arns.glue("table", f"{database}/*")]
        statements = [*self._read_raw(), allow(CATALOG_WRITE, catalog), *self._log_statements("/aws-glue/crawlers")]
        role = self._role("crawler", statements)
        return aws.glue.Crawler(
            f"{self._name}-crawler",
            name=model.name("crawler"),
            database_name=self.database.name,
            role=role.arn,
            s3_targets=[{"path": model.shared.lake.raw.uri(f"data/{model.key}/")}],
            schema_change_policy={"update_behavior": "UPDATE_IN_DATABASE", "delete_behavior": "LOG"},
            recrawl_policy={"recrawl_behavior": "CRAWL_EVERYTHING"},
            configuration=json_text({"Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}),
            security_configuration=self.security.name,
            tags=model.tags,
            opts=self._child(depends_on=[role.policy]),
        )

    def _role(self, thing: str, statements: list[Statement]) -> ServiceRole:
        return ServiceRole(
            f"{self._name}-{thing}",
            platform=self._model.shared.platform,
            role_name=self._model.name(thing),
            service="glue.amazonaws.com",
            statements=statements,
            opts=self._child(),
        )

    def _log_statements(self, prefix: str) -> list[Statement]:
        arns = self._model.shared.platform.arns
        # Glue may append role and security configuration to the group's name.
        groups = f"{prefix}*"
        return [
            allow(LOG_WRITE, arns.log_streams(groups)),
            allow([*LOG_GROUP_CREATE, "logs:AssociateKmsKey"], arns.log_group(groups)),
            allow_anywhere(SECURITY_CONFIGURATION_READ),
        ]

    def _job(self, script: str, statements: list[Statement]) -> aws.glue.Job:
        model, settings = self._model, self._model.shared.platform.settings.glue
        shared, prefix = model.shared, f"{model.key}/"
        metrics = {"StringEquals": {"cloudwatch:namespace": "Glue"}}
        processed = shared.lake.processed
        role = self._role(
            script,
            [
                *statements,
                *processed.grant_overwrite(prefix),
                *shared.lake.models.grant_read("code/"),
                *self._log_statements(self._log_prefix),
                *self._log_statements("/aws-glue/jobs"),
                allow_anywhere(METRICS_PUT, metrics),
            ],
        )
        return aws.glue.Job(
            f"{self._name}-{script}",
            name=model.name(script),
            role_arn=role.arn,
            glue_version="5.0",
            worker_type=settings.worker_type,
            number_of_workers=settings.workers,
            timeout=settings.timeout_minutes,
            # The state machine owns retries: a retry here as well would double the runs.
            max_retries=0,
            execution_property={"max_concurrent_runs": settings.maximum_concurrent_runs},
            execution_class="STANDARD",
            command={"name": "glueetl", "python_version": "3", "script_location": shared.code.glue_scripts[script]},
            default_arguments=self._arguments(),
            security_configuration=self.security.name,
            tags=model.tags,
            opts=self._child(depends_on=[role.policy]),
        )

    def _arguments(self) -> dict[str, pulumi.Input[str]]:
        shared = self._model.shared
        arguments: dict[str, pulumi.Input[str]] = {
            "--job-language": "python",
            "--enable-auto-scaling": "true",
            "--enable-metrics": "true",
            "--enable-observability-metrics": "true",
            "--enable-continuous-cloudwatch-log": "true",
            "--custom-logGroup-prefix": self._log_prefix,
            "--job-bookmark-option": "job-bookmark-disable",
            "--TempDir": shared.lake.processed.uri(f"{self._model.key}/temporary/"),
        }
        if shared.code.glue_modules:
            arguments["--extra-py-files"] = shared.code.glue_modules
        return arguments
