"""Will it deploy? What grows with a platform until IAM and CodePipeline refuse it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, Unreadable, as_list, dig, parse_document
from ._types import CODE_PIPELINE, POLICY, ROLE, ROLE_POLICY
from .deployable import QUOTA

MANAGED, INLINE = 6144, 10240
# A leaf that is not known yet is an ARN, mostly. Nothing may be refused for a guess, so it counts as the shortest: arn:aws:s3:::abc.
SHORTEST = "x" * 16


def characters(document: Any) -> int:
    """A policy's characters at least, as IAM counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":"), default=lambda leaf: SHORTEST if isinstance(leaf, Unreadable) else str(leaf)))


def policy(*resources: str) -> dict[str, Any]:
    """A policy document, for examples."""
    return {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": list(resources)}]}


def half() -> dict[str, Any]:
    """A document of more than half of what a role's inline policies may have."""
    return policy(*(f"arn:aws:s3:::data/{number:04}/*" for number in range(210)))


@rule(
    "policy-size", f"{POLICY} {ROLE_POLICY}", practices=QUOTA["practices"], checklist=QUOTA["checklist"], severity="high",
    why="IAM refuses managed policies over 6,144 characters and inline policies over 10,240.",
    fix="Split the policy, or name resources by a common prefix",
    reads="policy", missing="not_applicable",
    compliant={"policy": policy("arn:aws:s3:::data/*")},
    violating=(Example(ROLE_POLICY, "p", {"policy": policy(*(f"arn:aws:s3:::data/{number:04}/*" for number in range(400)))}),
        Example(POLICY, "p", {"policy": policy(*(f"arn:aws:s3:::data/{number:04}/*" for number in range(250)))})),
)  # fmt: skip
def policy_size(policy: Resource, context: Context) -> str | None:
    """Policies are no longer than IAM takes."""
    document = policy.document("policy")
    if document is None:
        raise NotApplicable("has no document")
    size, most = characters(document), MANAGED if policy.type == POLICY else INLINE
    return f"policy of '{policy.name}' has {size} characters, more than {most}" if size > most else None


@rule(
    "role-policies-size", ROLE, scope="stack", practices=QUOTA["practices"], checklist=QUOTA["checklist"], severity="high",
    why="IAM refuses an inline policy with which those of its role have more than 10,240 characters together.",
    fix="Make managed policies of some, split the role, or name resources by a common prefix",
    reads="policy", reads_of=ROLE_POLICY, missing="not_applicable",
    compliant=(Example(ROLE, "r"), Example(ROLE_POLICY, "p", {"policy": half()}, links={"role": "r"})),
    violating=(Example(ROLE, "r"), Example(ROLE_POLICY, "p", {"policy": half()}, links={"role": "r"}),
        Example(ROLE_POLICY, "q", {"policy": half()}, links={"role": "r"})),
)  # fmt: skip
def role_policies_size(role: Resource, context: Context) -> str | None:
    """A role's inline policies together are no longer than IAM takes."""
    documents = [parse_document(dig(item, "policy"), "inlinePolicies.policy") for item in as_list(role.get("inlinePolicies"))]
    documents += [each.document("policy") for each in context.graph.referring(role, ROLE_POLICY, "role")]
    sizes = [characters(document) for document in documents if document is not None]
    if not sizes:
        raise NotApplicable("has no inline policies")
    size = sum(sizes)
    return f"inline policies of '{role.name}' have {size} characters together, more than {INLINE}" if size > INLINE else None


def stages(*actions: int) -> dict[str, Any]:
    """Stages with so many actions each, for examples."""
    one = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    return {
        "stages": [
            {"name": f"Stage{number}", "actions": [{"name": f"Action{index}", **one} for index in range(count)]}
            for number, count in enumerate(actions)
        ]
    }


@rule(
    "pipeline-size", CODE_PIPELINE, **QUOTA, severity="high",
    why="CodePipeline refuses stages with more than 50 actions, pipelines with more than 500, and fewer than 2 or more than 50 stages; some "
        "accounts have twice as many actions.",
    fix="Spread the actions over more stages or pipelines, or set the rule's parameters to the account's quotas",
    reads="stages",
    compliant=(Example(CODE_PIPELINE, "p", stages(1, 50)),),
    violating=(Example(CODE_PIPELINE, "p", stages(1, 51)), Example(CODE_PIPELINE, "p", stages(1)), Example(CODE_PIPELINE, "p",
        stages(*[50] * 11)), Example(CODE_PIPELINE, "p", stages(*[1] * 51))),
    parameters={
        "actions_of_a_stage": Parameter(50, "Actions that a stage may have", {"type": "integer", "minimum": 1}),
        "actions": Parameter(500, "Actions that a pipeline may have", {"type": "integer", "minimum": 1}),
    },
)  # fmt: skip
def pipeline_size(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipelines have as many stages and actions as CodePipeline takes."""
    counts = {dig(stage, "name", "?"): len(as_list(dig(stage, "actions"))) for stage in as_list(pipeline.get("stages"))}
    for name, count in counts.items():
        if count > context.parameters["actions_of_a_stage"]:
            yield f"stage '{name}' of '{pipeline.name}' has {count} actions"
    if sum(counts.values()) > context.parameters["actions"]:
        yield f"stages of '{pipeline.name}' have {sum(counts.values())} actions together"
    if not 2 <= len(counts) <= 50:
        yield f"'{pipeline.name}' has {len(counts)} stages"
