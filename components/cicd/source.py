"""Where the pipeline's source comes from: a Git host by CodeConnections, CodeCommit, or a zip in a versioned bucket."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.grants import BUCKET_SOURCE, COMMIT_SOURCE, CONNECTION_USE, OBJECT_SOURCE, Statement, allow
from components.base.shared import Shared
from components.blocks.secure_bucket import SecureBucket, SecureBucketArgs
from components.cicd.stages import SOURCE, action


class Source(pulumi.ComponentResource):
    """`statements` are what the source action needs. A Git host starts the pipeline by `triggers`, the others by an event of `pattern`."""

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:cicd:Source", name, None, opts)
        self._name, self._shared = name, shared
        self._settings = shared.platform.settings.cicd.source
        self.triggers: list[dict[str, Any]] = []
        self.pattern: dict[str, Any] | None = None
        # Where the event names the revision, and what CodePipeline calls such a revision.
        self.revision = ("", "")
        self.outputs: dict[str, Any] = {"provider": self._settings.provider}
        self.statements: list[Statement] = []
        self._configuration: dict[str, pulumi.Input[str]] = {}
        {"codeconnections": self._connect, "codecommit": self._commit, "s3": self._upload}[self._settings.provider]()
        self.register_outputs({"provider": self._settings.provider})

    def action(self, role_arn: pulumi.Input[str]) -> dict[str, Any]:
        """The action of the Source stage."""
        provider = {"codeconnections": "CodeStarSourceConnection", "codecommit": "CodeCommit", "s3": "S3"}[self._settings.provider]
        return action(SOURCE, "Source", provider, self._configuration, outputs=[SOURCE], role_arn=role_arn)

    def _connect(self) -> None:
        settings = self._settings
        arn: pulumi.Input[str] = settings.connection_arn or self._connection()
        self.triggers = [
            {
                "provider_type": "CodeStarSourceConnection",
                "git_configuration": {"source_action_name": SOURCE, "pushes": [{"branches": {"includes": [settings.branch]}}]},
            }
        ]
        self._configuration = {
            "ConnectionArn": arn,
            "FullRepositoryId": settings.repository or "",
            "BranchName": settings.branch,
            "OutputArtifactFormat": "CODE_ZIP",
            # The trigger above starts the pipeline, and only for the branch.
            "DetectChanges": "false",
        }
        self.statements = [allow(CONNECTION_USE, arn)]
        self.outputs |= {"connection": arn, "repository": settings.repository, "branch": settings.branch}

    def _connection(self) -> pulumi.Output[str]:
        # A new connection is pending until somebody completes the handshake in the console: AWS has no API for that.
        connection = aws.codeconnections.Connection(
            f"{self._name}-connection",
            name=self._shared.platform.name("source")[:32],
            provider_type=self._settings.connection_provider,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return connection.arn

    def _commit(self) -> None:
        settings, arns = self._settings, self._shared.platform.arns
        repository = settings.repository or ""
        if settings.repository_mode == "create":
            aws.codecommit.Repository(
                f"{self._name}-repository",
                repository_name=repository,
                description=f"Source of {self._shared.platform.prefix}",
                kms_key_id=self._shared.keys.models.arn,
                opts=pulumi.ResourceOptions(parent=self, protect=self._shared.platform.protected),
            )
        self.pattern = {
            "source": ["aws.codecommit"],
            "detail-type": ["CodeCommit Repository State Change"],
            "resources": [arns.code_repository(repository)],
            "detail": {
                "event": ["referenceCreated", "referenceUpdated"],
                "referenceType": ["branch"],
                "referenceName": [settings.branch],
            },
        }
        self.revision = ("$.detail.commitId", "COMMIT_ID")
        self._configuration = {"RepositoryName": repository, "BranchName": settings.branch, "PollForSourceChanges": "false"}
        self.statements = [allow(COMMIT_SOURCE, arns.code_repository(repository))]
        self.outputs |= {"repository": repository, "branch": settings.branch}

    def _upload(self) -> None:
        shared, key = self._shared, self._settings.object_key
        bucket = SecureBucket(
            f"{self._name}-bucket",
            SecureBucketArgs(
                purpose="source",
                data_classification="internal",
                key=shared.keys.models,
                archive="INTELLIGENT_TIERING",
                log_bucket=shared.lake.logs.name,
            ),
            platform=shared.platform,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[shared.lake.log_policy]),
        ).reference
        self.pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket.name]}, "object": {"key": [key]}},
        }
        self.revision = ("$.detail.object.version-id", "S3_OBJECT_VERSION_ID")
        self._configuration = {"S3Bucket": bucket.name, "S3ObjectKey": key, "PollForSourceChanges": "false"}
        self.statements = [
            allow(OBJECT_SOURCE, bucket.arns.objects(bucket.name, key)),
            allow(BUCKET_SOURCE, bucket.arn),
            *shared.keys.models.grant_decrypt(),
        ]
        self.outputs |= {"bucket": bucket.name, "key": key}
