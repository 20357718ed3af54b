"""How an account is governed: standards of Security Hub, the trail's bucket and events, tags of the bill, classes of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..changes import put
from ..graph import Graph
from ..model import STACK, Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, Unreadable, as_list, dig
from ._types import ADVISORY, BUCKET, TABLE, TRAIL
from .storage import is_log_target

HUB = "aws:securityhub/account:Account"
STANDARD = "aws:securityhub/standardsSubscription:StandardsSubscription"
ALLOCATION_TAG = "aws:costexplorer/costAllocationTag:CostAllocationTag"
EVERY_BUCKET = ("arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::*/*")
FSBP = "arn:aws:securityhub:eu-west-1::standards/aws-foundational-security-best-practices/v/1.0.0"


def data_events(**fields: list[str]) -> dict[str, Any]:
    """A trail with data events of S3, for examples."""
    chosen = {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]}
    selectors = [{"field": field, "equals": values} for field, values in chosen.items()]
    selectors += [{"field": field.replace("_", "."), "startsWiths": values} for field, values in fields.items()]
    return {"advancedEventSelectors": [{"name": "data", "fieldSelectors": selectors}]}


@rule(
    "security-hub-standards", STACK, scope="account",
    practices="SEC01-BP03 SEC04-BP03", checklist="CHK-SEC-4", severity="medium", level=ADVISORY,
    why="Security Hub without a standard checks nothing: it only collects what others find.",
    fix="Leave enableDefaultStandards on, or add an aws.securityhub.StandardsSubscription of the foundational best practices",
    reads="standardsArn", reads_of=STANDARD,
    compliant=(Example(HUB, "hub", {"enableDefaultStandards": False}), Example(STANDARD, "fsbp", {"standardsArn": FSBP})),
    violating=(Example(HUB, "hub", {"enableDefaultStandards": False}),),
)  # fmt: skip
def security_hub_standards(stack: Resource, context: Context) -> Iterator[str]:
    """Security Hub checks the foundational best practices."""
    hubs = context.graph.of(HUB)
    if not hubs:
        raise NotApplicable("Security Hub is not set up here")
    for hub in hubs:
        if not hub.get("enableDefaultStandards", True) and not context.graph.once(_foundational):
            yield f"'{hub.name}' subscribes to no standard"


def _foundational(graph: Graph) -> bool:
    """Whether the stack subscribes to the foundational best practices."""
    arns = [subscription.get("standardsArn", "") for subscription in graph.of(STANDARD)]
    return any("aws-foundational-security-best-practices" in arn for arn in arns)


@rule(
    "allocation-tags-active", ALLOCATION_TAG,
    practices="COST03-BP02", checklist="CHK-COST-1", severity="low", level=ADVISORY,
    why="A tag that is not active appears on no bill.",
    fix="Set status to Active",
    reads="status", compliant={"tagKey": "CostCenter", "status": "Active"}, violating={"tagKey": "CostCenter", "status": "Inactive"},
    remediation=put({"status": "Active"}),
)  # fmt: skip
def allocation_tags_active(tag: Resource, context: Context) -> str | None:
    """Declared cost allocation tags are active."""
    return None if tag.get("status") == "Active" else f"status of '{tag.name}' is not Active"


@rule(
    "trail-bucket-locked", TRAIL, scope="stack",
    practices="SEC04-BP02 SEC10-BP06", checklist="CHK-SEC-4", severity="medium", level=ADVISORY,
    why="Who takes over an account deletes the trail first; under Object Lock nobody can.",
    fix="Set objectLockEnabled of the trail's bucket to true, with a default retention",
    reads="objectLockEnabled", reads_of=BUCKET,
    compliant=(Example(BUCKET, "trails", {"objectLockEnabled": True}), Example(TRAIL, "trail", links={"s3BucketName": "trails"})),
    violating=(Example(BUCKET, "trails", {"objectLockEnabled": False}), Example(TRAIL, "trail", links={"s3BucketName": "trails"})),
)  # fmt: skip
def trail_bucket_locked(trail: Resource, context: Context) -> Iterator[str]:
    """What trails write cannot be deleted."""
    buckets = context.graph.linked(trail, "s3BucketName", BUCKET)
    if not buckets:
        raise NotApplicable("its bucket is not part of the stack")
    for bucket in buckets:
        if is_log_target(bucket, context):
            raise NotApplicable("S3 delivers no access logs to a bucket with Object Lock")
        if not bucket.get("objectLockEnabled", bucket.get("objectLockConfiguration") is not None):
            yield f"objectLockEnabled of '{bucket.name}' is not true"


@rule(
    "trail-data-events-scoped", TRAIL,
    practices="COST02-BP05 SEC04-BP01", checklist="CHK-COST-5", severity="low", level=ADVISORY,
    why="Data events are billed by the event; those of every bucket include those of the trail's own, which never end.",
    fix="Name buckets in resources.ARN of advancedEventSelectors (values of dataResources)",
    reads="advancedEventSelectors", missing="not_applicable",
    compliant=data_events(resources_ARN=["arn:aws:s3:::lake/"]), violating=data_events(),
)  # fmt: skip
def trail_data_events_scoped(trail: Resource, context: Context) -> Iterator[str]:
    """Data events are those of named buckets."""
    advanced, simple = as_list(trail.get("advancedEventSelectors")), as_list(trail.get("eventSelectors"))
    if not advanced and not simple:
        raise NotApplicable("records no data events")
    for index, selector in enumerate(advanced):
        fields = {dig(item, "field"): item for item in as_list(dig(selector, "fieldSelectors"))}
        if "AWS::S3::Object" in as_list(dig(fields.get("resources.type"), "equals")) and "resources.ARN" not in fields:
            yield f"advancedEventSelectors[{index}] of '{trail.name}' names no buckets"
    for index, selector in enumerate(simple):
        values = [value for resource in as_list(dig(selector, "dataResources")) for value in as_list(dig(resource, "values"))]
        if any(not isinstance(value, Unreadable) and value in EVERY_BUCKET for value in values):
            yield f"eventSelectors[{index}] of '{trail.name}' takes in every bucket"


@rule(
    "data-classified", f"{BUCKET} {TABLE} aws:sagemaker/featureGroup:FeatureGroup",
    practices="SEC07-BP01 COST03-BP02", lens="MLSEC03-BP03", severity="medium", level="disabled",
    why="How data is to be kept follows from what it is; a store that does not say is kept like any other.",
    fix="Set the tag DataClassification to one of the rule's classes",
    reads="tags", compliant={"tags": {"DataClassification": "confidential"}}, violating={"tags": {"DataClassification": "stuff"}},
    parameters={
        "tag": Parameter("DataClassification", "Tag that names the class", {"type": "string"}),
        "classes": Parameter(["public", "internal", "confidential", "restricted"], "Classes there are", {"type": "array",
            "items": {"type": "string"}}),
    },
)  # fmt: skip
def data_classified(store: Resource, context: Context) -> str | None:
    """Stores say what class of data they hold."""
    tag = context.parameters["tag"]
    tags = {**store.get("tags", {}), **store.get("tagsAll", {})}
    if tag not in tags:
        return f"'{store.name}' has no tag {tag}"
    return None if tags[tag] in context.parameters["classes"] else f"tag {tag} of '{store.name}' is {tags[tag]}"
