"""The audit trail: all API calls, and reads and writes of the data buckets."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.keys import KeyReference, Keys
from components.base.lake import Lake
from components.base.platform import Platform
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole


class Audit(pulumi.ComponentResource):
    """A validated, encrypted trail; with an existing trail nothing is made."""

    def __init__(self, name: str, *, platform: Platform, keys: Keys, lake: Lake, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:security:Audit", name, None, opts)
        settings = platform.settings.audit
        # The trail as CreateTrail and PutEventSelectors take it, for who guards it; None for an existing trail.
        self.declared: dict[str, Any] | None = None
        # Where an own trail's events can be filtered.
        self.logs: LogGroup | None = None
        self.trail_arn: pulumi.Input[str] = settings.trail_arn or self._trail(name, platform, keys, lake).arn
        self.register_outputs({"trail_arn": self.trail_arn})

    def _trail(self, name: str, platform: Platform, keys: Keys, lake: Lake) -> aws.cloudtrail.Trail:
        child = pulumi.ResourceOptions(parent=self)
        self.logs, role = trail_log(name, platform=platform, key=keys.logs, opts=child)
        group_arn = self.logs.destination_arn
        selectors = _selectors(platform, lake)
        self.declared = {
            "settings": {
                "Name": platform.name("trail"),
                "S3BucketName": lake.logs.name,
                "S3KeyPrefix": "trail",
                "KmsKeyId": keys.logs.arn,
                "CloudWatchLogsLogGroupArn": group_arn,
                "CloudWatchLogsRoleArn": role.arn,
                "IsMultiRegionTrail": True,
                "IncludeGlobalServiceEvents": True,
                "EnableLogFileValidation": True,
            },
            "selectors": [_as_the_api_has_it(selector) for selector in selectors],
        }
        return aws.cloudtrail.Trail(
            f"{name}-trail",
            name=platform.name("trail"),
            s3_bucket_name=lake.logs.name,
            s3_key_prefix="trail",
            kms_key_id=keys.logs.arn,
            enable_logging=True,
            enable_log_file_validation=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            cloud_watch_logs_group_arn=group_arn,
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=selectors,  # type: ignore[arg-type]
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected, depends_on=[role.policy, lake.log_policy]),
        )


def trail_log(name: str, *, platform: Platform, key: KeyReference, opts: pulumi.ResourceOptions) -> tuple[LogGroup, ServiceRole]:
    """Where a trail writes its events for alarms and queries, and the role it writes with."""
    logs = LogGroup(f"{name}-log", platform=platform, group_name=f"/aws/cloudtrail/{platform.prefix}", key=key, audit=True, opts=opts)
    role = ServiceRole(
        f"{name}-log",
        platform=platform,
        role_name=platform.name("trail"),
        service="cloudtrail.amazonaws.com",
        statements=logs.grant_write(),
        opts=opts,
    )
    return logs, role


_API_NAMES = {"field": "Field", "equals": "Equals", "starts_withs": "StartsWith"}


def _as_the_api_has_it(selector: dict[str, Any]) -> dict[str, Any]:
    fields = [{_API_NAMES[name]: value for name, value in field.items()} for field in selector["field_selectors"]]
    return {"Name": selector["name"], "FieldSelectors": fields}


def _selectors(platform: Platform, lake: Lake) -> list[dict[str, Any]]:
    selectors: list[dict[str, Any]] = [
        {"name": "management", "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}]},
    ]
    if platform.settings.audit.data_events:
        # Never the log bucket: the trail's own deliveries would be logged without end.
        objects = [f"{bucket.arn}/" for purpose, bucket in lake.all().items() if purpose != "logs"]
        fields = {"eventCategory": {"equals": ["Data"]}, "resources.type": {"equals": ["AWS::S3::Object"]}}
        selectors.append(
            {
                "name": "data buckets",
                "field_selectors": [
                    *({"field": field, **test} for field, test in fields.items()),
                    {"field": "resources.ARN", "starts_withs": objects},
                ],
            }
        )
    return selectors
