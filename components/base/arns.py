"""The only place that forms ARNs: from explicit names, so that a policy can name a thing before it exists, in a preview too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arns:
    """ARNs of one partition, region and account."""

    partition: str
    region: str
    account: str

    def of(self, service: str, resource: str) -> str:
        """A regional resource of this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def everywhere(self, service: str, resource: str) -> str:
        """A resource of this account in no region."""
        return f"arn:{self.partition}:{service}::{self.account}:{resource}"

    def account_root(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:root"

    def role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def user(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:user/{name}"

    def policy(self, path: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:policy/{path}"

    def role_session(self, role: str, session: str) -> str:
        """The ARN that calls of a role's session show; with an empty session what all of them begin with."""
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{role}/{session}"

    def oidc_provider(self, host: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:oidc-provider/{host}"

    def service_linked_role(self, service: str, name: str) -> str:
        return self.role(f"aws-service-role/{service}/{name}")

    def bucket(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"

    def objects(self, bucket: str, key_pattern: str = "*") -> str:
        return f"{self.bucket(bucket)}/{key_pattern}"

    def function(self, name: str) -> str:
        return self.of("lambda", f"function:{name}")

    def function_alias(self, name: str, alias: str) -> str:
        return f"{self.function(name)}:{alias}"

    def api_integration(self, function_arn: str) -> str:
        """Where API Gateway sends a request that a function answers."""
        return f"arn:{self.partition}:apigateway:{self.region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"

    def state_machine(self, name: str) -> str:
        return self.of("states", f"stateMachine:{name}")

    def execution(self, state_machine: str, execution: str = "*") -> str:
        return self.of("states", f"execution:{state_machine}:{execution}")

    def queue(self, name: str) -> str:
        return self.of("sqs", name)

    def queue_url(self, name: str) -> str:
        return f"https://sqs.{self.region}.{self.domain()}/{self.account}/{name}"

    def topic(self, name: str) -> str:
        return self.of("sns", name)

    def table(self, name: str) -> str:
        return self.of("dynamodb", f"table/{name}")

    def log_group(self, name: str) -> str:
        return self.of("logs", f"log-group:{name}")

    def log_streams(self, name: str) -> str:
        return f"{self.log_group(name)}:*"

    def event_rule(self, name: str) -> str:
        return self.of("events", f"rule/{name}")

    def event_bus(self, name: str) -> str:
        return self.of("events", f"event-bus/{name}")

    def alarm(self, name: str) -> str:
        return self.of("cloudwatch", f"alarm:{name}")

    def trail(self, name: str) -> str:
        return self.of("cloudtrail", f"trail/{name}")

    def glue(self, kind: str, name: str = "") -> str:
        return self.of("glue", f"{kind}/{name}" if name else kind)

    def sagemaker(self, kind: str, name: str) -> str:
        return self.of("sagemaker", f"{kind}/{name}")

    def ec2(self, kind: str, name: str = "*") -> str:
        return self.of("ec2", f"{kind}/{name}")

    def repository(self, name: str) -> str:
        return self.of("ecr", f"repository/{name}")

    def image(self, repository: str, tag: str) -> str:
        """The address of an image in this account's registry."""
        return f"{self.account}.dkr.ecr.{self.region}.{self.domain()}/{repository}:{tag}"

    def pipeline(self, name: str) -> str:
        return self.of("codepipeline", name)

    def build_project(self, name: str) -> str:
        return self.of("codebuild", f"project/{name}")

    def report_group(self, name: str) -> str:
        return self.of("codebuild", f"report-group/{name}")

    def code_repository(self, name: str) -> str:
        return self.of("codecommit", name)

    def key(self, key_id: str = "*") -> str:
        return self.of("kms", f"key/{key_id}")

    def key_alias(self, name: str) -> str:
        return self.of("kms", f"alias/{name}")

    def backup_vault(self, name: str) -> str:
        return self.of("backup", f"backup-vault:{name}")

    def recovery_points(self) -> str:
        """All that AWS Backup manages itself: what it calls them is known only when they are made."""
        return self.of("backup", "recovery-point:*")

    def in_region(self, region: str) -> Arns:
        """The same account's ARNs in another region."""
        return Arns(self.partition, region, self.account)

    def schedule(self, name: str) -> str:
        return self.of("scheduler", f"schedule/default/{name}")

    def billing_view(self) -> str:
        """The account's costs as Cost Explorer sees them."""
        return f"arn:{self.partition}:billing::{self.account}:billingview/*"

    def scalable_target(self) -> str:
        return self.of("application-autoscaling", "scalable-target/*")

    def rest_api(self, api_id: str, route: str) -> str:
        """What API Gateway names as the source of an invocation: `<api>/<stage>/<method>/<path>`."""
        return self.of("execute-api", f"{api_id}/{route}")

    def domain(self) -> str:
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
