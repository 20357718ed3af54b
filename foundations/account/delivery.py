"""How GitHub Actions comes in: the identity provider, and two roles a stack, one that previews and one that deploys."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import KEY_ADMINISTER, KEY_USE, Statement, policy_text
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.blocks.secure_bucket import SecureBucket, SecureBucketArgs
from foundations.account.rights import deploy_statements, preview_statements, role_statements, state_statements
from foundations.account.settings import DeployedStack, GitHubSettings

HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
# AWS's own policies that read settings of resources and never the data in them.
READ_ONLY = ("SecurityAudit", "job-function/ViewOnlyAccess")


class PulumiStateStore(pulumi.ComponentResource):
    """Bucket and key of the stacks' state; with existing ones nothing is made."""

    def __init__(self, name: str, *, platform: Platform, settings: GitHubSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:foundation:PulumiStateStore", name, None, opts)
        self.bucket: str | None = settings.state.bucket
        self.key_arn: pulumi.Input[str] | None = settings.state.key_arn
        if settings.mode != "off" and settings.state.mode == "create":
            self._make(name, platform)
        self.register_outputs({"bucket": self.bucket, "key": self.key_arn})

    def _make(self, name: str, platform: Platform) -> None:
        root = {"AWS": platform.arns.account_root()}
        statements = [
            {"Sid": sid, "Effect": "Allow", "Principal": root, "Action": actions, "Resource": "*"}
            for sid, actions in (("AdministrationByPolicies", KEY_ADMINISTER), ("UseByPolicies", KEY_USE))
        ]
        key = aws.kms.Key(
            f"{name}-key",
            description=f"{platform.prefix}: Pulumi's state and secrets",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=json_text({"Version": "2012-10-17", "Statement": statements}),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )
        aws.kms.Alias(
            f"{name}-alias", name=f"alias/{platform.prefix}-state", target_key_id=key.key_id, opts=pulumi.ResourceOptions(parent=self)
        )
        # No lifecycle class change: every deployment reads its state.
        args = SecureBucketArgs(purpose="state", data_classification="confidential", key=KeyReference(key.arn))
        SecureBucket(f"{name}-bucket", args, platform=platform, opts=pulumi.ResourceOptions(parent=self))
        self.bucket, self.key_arn = platform.bucket_name("state"), key.arn


class GitHubDelivery(pulumi.ComponentResource):
    """`roles`: ARNs by stack, `preview` and `deploy`."""

    spec = ("P2e", "OPS-1b", "SEC-1c")

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        settings: GitHubSettings,
        boundary_arn: pulumi.Input[str],
        state: PulumiStateStore,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:GitHubDelivery", name, None, opts)
        self._platform, self._settings, self._state = platform, settings, state
        self._provider: pulumi.Input[str] = platform.arns.oidc_provider(HOST)
        if settings.mode == "create":
            self._provider = aws.iam.OpenIdConnectProvider(
                f"{name}-provider", url=f"https://{HOST}", client_id_lists=[AUDIENCE], opts=pulumi.ResourceOptions(parent=self)
            ).arn
        self.roles = {stack.name: self._stack(name, stack, boundary_arn) for stack in settings.stacks}
        self.register_outputs({"roles": self.roles})

    def _stack(self, name: str, stack: DeployedStack, boundary_arn: pulumi.Input[str]) -> dict[str, pulumi.Output[str]]:
        repository = f"repo:{self._settings.repository}"
        # A pull request of a fork gets no token at all; one of this repository may look, never change.
        preview = self._role(
            f"{name}-{stack.name}-preview",
            f"github-{self._settings.project}-{stack.name}-preview",
            [f"{repository}:pull_request", f"{repository}:ref:refs/heads/{self._settings.branch}"],
        )
        resources = f"{self._settings.project}-{stack.name}"
        arns = self._platform.arns.in_region(stack.region or self._platform.region)
        self._attach(f"{name}-{stack.name}-preview-state", preview, "state", self._state_rights(stack, write=False))
        self._attach(f"{name}-{stack.name}-preview-settings", preview, "settings", preview_statements(arns, resources, stack.also_in))
        for policy in READ_ONLY:
            aws.iam.RolePolicyAttachment(
                f"{name}-{stack.name}-preview-{policy.rpartition('/')[2].lower()}",
                role=preview.name,
                policy_arn=f"arn:{self._platform.arns.partition}:iam::aws:policy/{policy}",
                opts=pulumi.ResourceOptions(parent=self),
            )
        deploy = self._role(
            f"{name}-{stack.name}-deploy",
            f"github-{self._settings.project}-{stack.name}-deploy",
            [f"{repository}:environment:{stack.environment}"],
        )
        rights = deploy_statements(arns, resources, stack.also_in, stack.replicas_in)
        roles = [*role_statements(arns, resources, boundary_arn), *self._state_rights(stack, write=True)]
        for part, statements in {**rights, "roles": roles}.items():
            self._attach_managed(f"{name}-{stack.name}-deploy-{part}", deploy, f"github-{resources}-{part}", statements)
        return {"preview": preview.arn, "deploy": deploy.arn}

    def _role(self, name: str, role_name: str, subjects: Sequence[str]) -> aws.iam.Role:
        statement: Statement = {
            "Effect": "Allow",
            "Principal": {"Federated": self._provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": list(subjects)}},
        }
        return aws.iam.Role(
            name,
            name=role_name,
            assume_role_policy=json_text({"Version": "2012-10-17", "Statement": [statement]}),
            max_session_duration=3600,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _state_rights(self, stack: DeployedStack, *, write: bool) -> list[Statement]:
        if self._state.bucket is None:
            return []
        return state_statements(
            self._platform.arns, self._state.bucket, self._state.key_arn, self._settings.project, stack.name, write=write
        )

    def _attach(self, name: str, role: aws.iam.Role, policy_name: str, statements: list[Statement]) -> None:
        if statements:
            child = pulumi.ResourceOptions(parent=self)
            aws.iam.RolePolicy(name, name=policy_name, role=role.name, policy=policy_text(statements), opts=child)

    def _attach_managed(self, name: str, role: aws.iam.Role, policy_name: str, statements: list[Statement]) -> None:
        # Not merged by `policy_text`: a denial keeps its own statement.
        document = json_text({"Version": "2012-10-17", "Statement": statements})
        policy = aws.iam.Policy(name, name=policy_name, policy=document, opts=pulumi.ResourceOptions(parent=self))
        aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=policy.arn, opts=pulumi.ResourceOptions(parent=self))
