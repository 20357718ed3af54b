"""Will it deploy? What grows with a platform until IAM and CodePipeline refuse it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..model import Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, Unreadable, as_list, dig, parse_document
from ._types import CODE_PIPELINE, POLICY, ROLE, ROLE_POLICY
from .delivery import stage
from .deployable import QUOTA

MANAGED, INLINE = 6144, 10240
# A leaf that is not known yet is an ARN, mostly. Nothing may be refused for a guess, so it counts as the shortest: arn:aws:s3:::abc.
SHORTEST = "x" * 16


def characters(document: Any) -> int:
    """A policy's characters at least, as IAM counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":"), default=lambda leaf: SHORTEST if isinstance(leaf, Unreadable) else str(leaf)))


def policy(length: int = 4) -> dict[str, Any]:
    """A policy document with a name of so many characters, for examples."""
    return {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::data/{'x' * length}/*"}]}


@rule(
    "policy-size", f"{POLICY} {ROLE_POLICY}", practices=QUOTA["practices"], checklist=QUOTA["checklist"], severity="high",
    why="IAM refuses managed policies over 6,144 characters and inline policies over 10,240.",
    fix="Split the policy, or name resources by a common prefix",
    reads="policy", missing="not_applicable",
    compliant={"policy": policy()}, violating={"policy": policy(INLINE)},
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
    compliant=(Example(ROLE, "r"), Example(ROLE_POLICY, "p", {"policy": policy()}, links={"role": "r"})),
    violating=(Example(ROLE, "r"), Example(ROLE_POLICY, "p", {"policy": policy(INLINE // 2)}, links={"role": "r"}),
        Example(ROLE_POLICY, "q", {"policy": policy(INLINE // 2)}, links={"role": "r"})),
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


@rule(
    "pipeline-size", CODE_PIPELINE, **QUOTA, severity="high",
    why="CodePipeline refuses stages with more than 50 actions, pipelines with more than 500, and fewer than 2 or more than 50 stages; some "
        "accounts have twice as many actions.",
    fix="Spread the actions over more stages or pipelines, or set the rule's parameters to the account's quotas",
    reads="stages",
    compliant={"stages": [stage("Source", "Source"), stage("Build", "Build")]}, violating={"stages": [stage("Source", "Source")]},
    parameters={
        "actions_of_a_stage": Parameter(50, "Actions that a stage may have", {"type": "integer", "minimum": 1}),
        "actions": Parameter(500, "Actions that a pipeline may have", {"type": "integer", "minimum": 1}),
    },
)  # fmt: skip
def pipeline_size(pipeline: Resource, context: Context) -> Iterator[str]:
    """Pipelines have as many stages and actions as CodePipeline takes."""
    counts = {dig(item, "name", "?"): len(as_list(dig(item, "actions"))) for item in as_list(pipeline.get("stages"))}
    for name, count in counts.items():
        if count > context.parameters["actions_of_a_stage"]:
            yield f"stage '{name}' of '{pipeline.name}' has {count} actions"
    if sum(counts.values()) > context.parameters["actions"]:
        yield f"stages of '{pipeline.name}' have {sum(counts.values())} actions together"
    if not 2 <= len(counts) <= 50:
        yield f"'{pipeline.name}' has {len(counts)} stages"
