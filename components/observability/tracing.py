"""X-Ray: the group of the stack's traces, and how many requests of its API are traced."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.shared import Shared

# X-Ray takes at most 32 characters for both names.
MAXIMUM_NAME = 32
STAGE = "AWS::ApiGateway::Stage"


class Tracing(pulumi.ComponentResource):
    """Functions, state machines and the API are traced always; without a rule of its own the API follows the account's default rule."""

    spec = ("OPS-3b",)

    def __init__(self, name: str, *, shared: Shared, api: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:Tracing", name, None, opts)
        platform, settings = shared.platform, shared.platform.settings.observability.tracing
        stage = platform.settings.api.stage
        # What X-Ray calls a stage of API Gateway.
        service = f"{api}/{stage}"
        child = pulumi.ResourceOptions(parent=self)
        if settings.group:
            aws.xray.Group(
                f"{name}-group",
                group_name=platform.prefix[:MAXIMUM_NAME],
                filter_expression=f'service("{service}") OR annotation.stack = "{platform.prefix}"',
                tags=platform.tags(),
                opts=child,
            )
        if settings.sampling:
            # The health check asks every half minute and has nothing behind it. No document says whether the path begins with the stage.
            self._rule(f"{name}-health", f"{platform.prefix[:25]}-health", 100, service, "*/health", 0, 0.0)
            self._rule(f"{name}-api", f"{platform.prefix[:28]}-api", 200, service, "*", settings.requests_a_second, settings.rate)
        self.register_outputs({})

    def _rule(self, name: str, rule_name: str, priority: int, service: str, path: str, reservoir: int, rate: float) -> None:
        aws.xray.SamplingRule(
            name,
            rule_name=rule_name,
            priority=priority,
            version=1,
            service_name=service,
            service_type=STAGE,
            host="*",
            http_method="*",
            url_path=path,
            resource_arn="*",
            reservoir_size=reservoir,
            fixed_rate=rate,
            opts=pulumi.ResourceOptions(parent=self),
        )
