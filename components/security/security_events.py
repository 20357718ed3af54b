"""Security events that people hear of at once: sign-ins, changes of identities, findings.

IAM and the console's sign-in are global services, and so is AWS Health's word on credentials: their events appear in us-east-1, and are forwarded to the stack's region from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import EVENTS_PUT, allow
from components.base.regions import GLOBAL
from components.base.shared import Shared
from components.blocks.service_role import ServiceRole
from components.recovery.global_failures import GlobalFailures
from components.security import security_patterns as patterns

# Values inside quotes are texts: an object there, such as the call's parameters, would make the message invalid JSON.
CALL = (
    '"<call> by <who> on <time> (CloudTrail event <event>). Runbook: docs/runbooks/security-event.md"',
    {"call": "$.detail.eventName", "who": "$.detail.userIdentity.arn", "time": "$.time", "event": "$.detail.eventID"},
)
SIGN_IN = (
    '"Console sign-in by <who> on <time> from <address>. Runbook: docs/runbooks/security-event.md"',
    {"who": "$.detail.userIdentity.arn", "time": "$.time", "address": "$.detail.sourceIPAddress"},
)
FINDING = (
    '"GuardDuty: <title>, severity <severity>, on <time> (<type>). Runbook: docs/runbooks/security-event.md"',
    {"title": "$.detail.title", "severity": "$.detail.severity", "time": "$.time", "type": "$.detail.type"},
)
EXPOSED = (
    '"AWS found an access key of the account in public: <keys> (<code>, <time>). Runbook: docs/runbooks/exposed-key.md"',
    {"keys": "$.detail.affectedEntities[0].entityValue", "code": "$.detail.eventTypeCode", "time": "$.time"},
)

IMAGE = (
    '"Image <repository> <digest>: the scan of <time> found something critical or high. Runbook: docs/runbooks/security-event.md"',
    {"repository": "$.detail.repository-name", "digest": "$.detail.image-digest", "time": "$.time"},
)


class SecurityEvents(pulumi.ComponentResource):
    """Rules that tell the stack's topic."""

    spec = ("SEC-7a", "SEC-7b", "OPS-4d", "SEC-8g")

    def __init__(self, name: str, *, shared: Shared, spared: Sequence[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:SecurityEvents", name, None, opts)
        self._name, self._shared = name, shared
        identities = patterns.calls("iam", patterns.IDENTITY_CHANGES, spared)
        self._tell("sign-in", "The root user, or somebody without a second factor, signed in", patterns.sign_ins(), SIGN_IN)
        self._tell("identities", "Somebody but the deploying role changed who may do what", identities, CALL)
        self._tell("findings", "GuardDuty found something", patterns.findings(patterns.MEDIUM), FINDING)
        self._tell("exposed-keys", "AWS found an access key of the account in public", patterns.exposed_keys(), EXPOSED)
        platform = shared.platform
        if platform.has("models"):
            pattern = patterns.image_findings(platform.name(""))
            self._tell("images", "A scan found something critical or high in an image", pattern, IMAGE)
        if platform.settings.security.forward_global_events and shared.global_failures:
            self._forward(patterns.any_of(patterns.sign_ins(), identities, patterns.exposed_keys()), shared.global_failures)
        self.register_outputs({})

    def _tell(self, thing: str, description: str, pattern: patterns.Pattern, text: tuple[str, dict[str, str]]) -> None:
        topic = self._shared.notifications
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-{thing}",
            name=self._shared.platform.name(f"security-{thing}"),
            description=description,
            event_pattern=json_text(pattern),
            state="ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )
        template, paths = text
        aws.cloudwatch.EventTarget(
            f"{self._name}-{thing}-topic",
            rule=rule.name,
            arn=topic.topic_arn,
            input_transformer={"input_paths": paths, "input_template": template},
            retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10},
            dead_letter_config={"arn": topic.undelivered_arn},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _forward(self, pattern: patterns.Pattern, failures: GlobalFailures) -> None:
        platform = self._shared.platform
        bus = platform.arns.event_bus("default")
        role = ServiceRole(
            f"{self._name}-global",
            platform=platform,
            role_name=platform.name("security-global"),
            service="events.amazonaws.com",
            statements=[allow(EVENTS_PUT, bus)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-global",
            region=GLOBAL,
            name=platform.name("security-global"),
            description=f"Sign-ins, changes of identities and exposed keys go to {platform.region}",
            event_pattern=json_text(pattern),
            state="ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-global-bus",
            region=GLOBAL,
            rule=rule.name,
            arn=bus,
            role_arn=role.arn,
            retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10},
            dead_letter_config={"arn": failures.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy, failures.policy]),
        )
