"""IAM: least privilege, separate roles, no long-lived credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from ..model import Context, Example, Parameter, Resource, rule
from ..policies import action_matches, actions, allows, condition_keys, condition_values, conditions, principals, resources, statements
from ..values import NotApplicable, Unreadable, as_list, is_set, leaves
from ._types import FUNCTION, GLUE_CRAWLER, GLUE_JOB, POLICY, PRODUCTION, ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT, STATE_MACHINE

POLICIES = f"{ROLE_POLICY} {POLICY} aws:iam/userPolicy:UserPolicy aws:iam/groupPolicy:GroupPolicy"

# Allowed on every resource besides what `unrestrictable` knows: Lambda checks that a function in a VPC may manage network interfaces
# anywhere; the list actions of some services are all harmless.
HARMLESS = (
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:Describe*",
    "ec2:UnassignPrivateIpAddresses",
    "sagemaker:List*", "tag:Get*",
)  # fmt: skip
# Each lets its holder become somebody else, if it may be done to any resource.
ESCALATIONS = (
    "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary", "iam:PassRole", "iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateLoginProfile", "iam:UpdateAssumeRolePolicy", "sts:AssumeRole",
    "lambda:UpdateFunctionCode",
)  # fmt: skip
# The ends of ARNs that name every role, user, group, policy or function of an account.
EVERY_ONE = (":role/*", ":user/*", ":group/*", ":policy/*", ":function:*")
TOO_MUCH = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AmazonS3FullAccess", "AmazonSageMakerFullAccess",
    "AWSLambda_FullAccess", "AmazonDynamoDBFullAccess", "AWSGlueConsoleFullAccess", "CloudWatchFullAccess")  # fmt: skip
# Subjects of tokens that name nobody: a wildcard where the owner stands (repo:* of GitHub, project_path:* of GitLab).
_EVERYBODY = re.compile(r"(?:[a-z_]+:)?\*")
# Policies under this path are permissions boundaries, by convention; so is every policy that a role of the stack carries as one.
BOUNDARY_PATH = "/boundary/"
READ_ONE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}]}


def allow(action: str | list[str], resource: str = "*", **more: object) -> dict:
    """A policy document of one statement, for examples."""
    return {"policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}}


def trust(**principal: object) -> dict:
    """A trust policy, for examples."""
    return {
        "assumeRolePolicy": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
        }
    }


def bounded_only(policy: Resource, context: Context) -> bool:
    """Whether a managed policy is a permissions boundary and nothing else: it grants nothing, so a wide allow in it is no right of anybody."""
    graph = context.graph
    if policy.type != POLICY or graph.referring(policy, ROLE_POLICY_ATTACHMENT, "policyArn"):
        return False
    return policy.get("path") == BOUNDARY_PATH or bool(graph.referring(policy, ROLE, "permissionsBoundary"))


def granted(policy: Resource, context: Context) -> Iterator[tuple[int, dict]]:
    """The allow statements of a policy that grants rights. Raises NotApplicable for a permissions boundary."""
    if bounded_only(policy, context):
        raise NotApplicable("is a permissions boundary: it grants nothing")
    return ((index, statement) for index, statement in statements(policy, "policy") if allows(statement))


@rule(
    "iam-no-admin-statement", POLICIES,
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="critical",
        sources="checkov:CKV_AWS_62 checkov:CKV2_AWS_40 securityhub:IAM.1",
    why="A role that may do everything turns one defect into the loss of the account.",
    fix="List the actions the workload calls",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE}, violating=allow("*"),
)  # fmt: skip
def no_admin_statement(policy: Resource, context: Context) -> Iterator[str]:
    """No policy allows every action."""
    for index, statement in statements(policy, "policy"):
        if allows(statement) and ("*" in actions(statement) or "*:*" in actions(statement)):
            yield f"policy.Statement[{index}] of '{policy.name}' allows Action *"
        if allows(statement) and statement.get("NotAction") is not None:
            yield f"policy.Statement[{index}] of '{policy.name}' allows everything but a NotAction list"


@rule(
    "iam-no-service-wildcard", POLICIES, scope="stack",
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="high", sources="checkov:CKV_AWS_63 securityhub:IAM.21",
    why="service:* includes deleting, re-configuring and opening the service, and every action AWS adds later.",
    fix="List the actions the workload calls",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE}, violating=allow("s3:*", "arn:aws:s3:::data"),
)  # fmt: skip
def no_service_wildcard(policy: Resource, context: Context) -> Iterator[str]:
    """No policy allows all actions of a service."""
    for index, statement in granted(policy, context):
        wide = [action for action in actions(statement) if action.endswith(":*")]
        if wide:
            yield f"policy.Statement[{index}] of '{policy.name}' allows {', '.join(wide)}"


@rule(
    "iam-no-wildcard-resource", POLICIES, scope="stack",
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="high", sources="cdk-nag:AwsSolutions-IAM5 checkov:CKV_AWS_355",
    why="Resource * gives the workload every bucket, table and key of the account, not only its own.",
    fix="Name the ARNs; only actions that AWS cannot restrict to a resource may have *",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE}, violating=allow("s3:GetObject"),
    parameters={"allowed_actions": Parameter(list(HARMLESS), "Further actions (globs) that may have Resource *", {"type": "array",
        "items": {"type": "string"}})},
)  # fmt: skip
def no_wildcard_resource(policy: Resource, context: Context) -> Iterator[str]:
    """Policies name the resources, except for actions that cannot be restricted."""
    allowed = [pattern.lower() for pattern in context.parameters["allowed_actions"]]
    if any(_trusts(role, "apigateway.amazonaws.com") for role in context.graph.linked(policy, "role", ROLE)):
        allowed.append("logs:*")  # API Gateway refuses an account role whose log permissions name log groups
    for index, statement in granted(policy, context):
        if "*" not in resources(policy, "policy", statement):
            continue
        wide = [
            action
            for action in actions(statement)
            if action.lower() not in unrestrictable() and not any(fnmatchcase(action.lower(), pattern) for pattern in allowed)
        ]
        if wide:
            yield f"policy.Statement[{index}].Resource of '{policy.name}' is * for {', '.join(wide)}"


@cache
def unrestrictable() -> frozenset[str]:
    """The actions that AWS lets nobody restrict to a resource, in lower case (generated from the service authorization reference)."""
    return frozenset((files("wellarchitected") / "data" / "unrestrictable_actions.txt").read_text(encoding="utf-8").split())


def _trusts(role: Resource, service: str) -> bool:
    """Whether a service may assume a role."""
    if not is_set(role.get("assumeRolePolicy")):
        return False
    named = [item for _, statement in statements(role, "assumeRolePolicy") if allows(statement) for item in principals(statement)]
    return any(not isinstance(item, Unreadable) and item == service for item in named)


@rule(
    "iam-no-privilege-escalation", POLICIES, scope="stack",
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="critical", sources="checkov:CKV_AWS_286",
    why="Who may pass, assume or change any role has the rights of all of them.",
    fix="Name the roles (or policies, functions) in Resource",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE}, violating=allow(["iam:PassRole"]),
)  # fmt: skip
def no_privilege_escalation(policy: Resource, context: Context) -> Iterator[str]:
    """No policy lets its holder take over other roles."""
    for index, statement in granted(policy, context):
        if not any(item == "*" or item.endswith(EVERY_ONE) for item in resources(policy, "policy", statement)):
            continue
        ways = sorted({escalation for escalation in ESCALATIONS for action in actions(statement) if action_matches(action, escalation)})
        if ways:
            yield f"policy.Statement[{index}] of '{policy.name}' allows {', '.join(ways)} on every resource"


@rule(
    "iam-passrole-scoped", POLICIES,
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a SEC-1d", severity="medium",
    why="A role that may be passed to any service can be put to work where nobody expects it.",
    fix="Add the condition StringEquals iam:PassedToService with the service that receives the role",
    reads="policy", missing="not_applicable",
    compliant=allow("iam:PassRole", "arn:aws:iam::123456789012:role/training",
        Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
    violating=allow("iam:PassRole", "arn:aws:iam::123456789012:role/training"),
)  # fmt: skip
def passrole_scoped(policy: Resource, context: Context) -> Iterator[str]:
    """iam:PassRole names the service that may receive the role."""
    passing = [
        (index, item)
        for index, item in statements(policy, "policy")
        if allows(item) and any(action_matches(a, "iam:PassRole") for a in actions(item))
    ]
    if not passing:
        raise NotApplicable("passes no role")
    for index, statement in passing:
        if "iam:passedtoservice" not in condition_keys(statement):
            yield f"policy.Statement[{index}] of '{policy.name}' allows iam:PassRole without iam:PassedToService"


@rule(
    "iam-no-decrypt-everything", POLICIES, scope="stack",
    practices="SEC08-BP04", checklist="CHK-SEC-1", spec="SEC-8f", severity="high", sources="securityhub:KMS.1 securityhub:KMS.2",
    why="Who may decrypt with every key of the account makes keys per data class worthless.",
    fix="Name the keys in Resource, or their aliases by the condition kms:ResourceAliases",
    reads="policy", missing="not_applicable",
    compliant=allow("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k"), violating=allow("kms:Decrypt"),
)  # fmt: skip
def no_decrypt_everything(policy: Resource, context: Context) -> Iterator[str]:
    """No policy allows decryption with every key."""
    using_keys = False
    for index, statement in granted(policy, context):
        if not any(action.lower().startswith("kms:") or action == "*" for action in actions(statement)):
            continue
        using_keys = True
        wide = any(item == "*" or item.endswith(":key/*") for item in resources(policy, "policy", statement))
        wide = wide and not _names_aliases(statement)
        if wide and any(action_matches(action, "kms:Decrypt") for action in actions(statement)):
            yield f"policy.Statement[{index}] of '{policy.name}' allows kms:Decrypt on every key"
    if not using_keys:
        raise NotApplicable("uses no keys")


def _names_aliases(statement: dict[str, Any]) -> bool:
    """Whether the statement holds for keys with certain aliases only; a negated or `…IfExists` test, or a bare `*`, limits nothing."""
    for operator, tests in conditions(statement):
        if operator not in ("ForAnyValue:StringEquals", "ForAnyValue:StringLike"):
            continue
        for key, value in tests.items():
            values = value if isinstance(value, list) else [value]
            if key.lower() == "kms:resourcealiases" and values and not any(item in ("*", "alias/*") for item in values):
                return True
    return False


@rule(
    "iam-no-broad-managed-policy",
    f"{ROLE_POLICY_ATTACHMENT} {ROLE} aws:iam/userPolicyAttachment:UserPolicyAttachment aws:iam/policyAttachment:PolicyAttachment "
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="critical",
        sources="cdk-nag:AwsSolutions-IAM4 checkov:CKV_AWS_274",
    why="AWS's FullAccess policies are for people who try things out, not for workloads.",
    fix="Replace it by a policy that lists the actions the workload calls on its own resources",
    reads="policyArn", missing="not_applicable",
    compliant={"policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"},
    violating={"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
)  # fmt: skip
def no_broad_managed_policy(resource: Resource, context: Context) -> Iterator[str]:
    """No role carries an administrator or full-access managed policy."""
    arns = as_list(resource.get("managedPolicyArns")) + as_list(resource.get("policyArn"))
    if not arns:
        raise NotApplicable("attaches no managed policy")
    for arn in arns:
        name = arn.split("/")[-1]
        if ":aws:policy/" in arn and (name in TOO_MUCH or name.endswith("FullAccess")):
            yield f"'{resource.name}' attaches {name}"


@rule(
    "iam-trust-restricted", ROLE,
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-1d SEC-6d", severity="critical",
        sources="checkov:CKV_AWS_60 checkov:CKV_AWS_61",
    why="A role that anybody may assume is a public door into the account.",
    fix="Name the service or the account that may assume the role",
    reads="assumeRolePolicy", missing="not_applicable", compliant=trust(Service="lambda.amazonaws.com"), violating=trust(AWS="*"),
)  # fmt: skip
def trust_restricted(role: Resource, context: Context) -> Iterator[str]:
    """Trust policies name who may assume the role."""
    for index, statement in statements(role, "assumeRolePolicy"):
        if allows(statement) and any(not isinstance(item, Unreadable) and item == "*" for item in principals(statement)):
            yield f"assumeRolePolicy.Statement[{index}] of '{role.name}' lets any principal assume it"


@rule(
    "iam-federation-scoped", ROLE,
    practices="SEC02-BP02", checklist="CHK-SEC-1", spec="P2e SEC-1d", severity="critical", sources="checkov:CKV_AWS_358",
    why="An OIDC provider serves everybody's repositories; without a condition on the subject, any of them may assume the role.",
    fix="Add StringEquals/StringLike conditions on the provider's :sub (repository and branch or environment) and :aud",
    reads="assumeRolePolicy", missing="not_applicable",
    compliant={"assumeRolePolicy": {"Statement": [{"Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}}]}},
    violating={"assumeRolePolicy": {"Statement": [{"Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity"}]}},
)  # fmt: skip
def federation_scoped(role: Resource, context: Context) -> Iterator[str]:
    """Federated trust names the subject."""
    federated = [
        (index, item)
        for index, item in statements(role, "assumeRolePolicy")
        if allows(item) and isinstance(item.get("Principal"), dict) and item["Principal"].get("Federated") is not None
    ]
    if not federated:
        raise NotApplicable("not federated")
    for index, statement in federated:
        if not any(key.endswith(":sub") for key in condition_keys(statement)):
            yield f"assumeRolePolicy.Statement[{index}] of '{role.name}' has no condition on the token's sub"
        for subject in _subjects(statement):
            if isinstance(subject, str) and _EVERYBODY.match(subject):
                yield f"assumeRolePolicy.Statement[{index}] of '{role.name}' lets in every subject that is like {subject}"


def _subjects(statement: dict) -> list[object]:
    """The subjects that a statement admits by a pattern."""
    return [
        subject
        for operator, operands in conditions(statement)
        if "StringLike" in operator
        for key, given in operands.items()
        if key.lower().endswith(":sub")
        for subject in leaves(given)
    ]


@rule(
    "iam-no-long-lived-credentials", "aws:iam/user:User aws:iam/accessKey:AccessKey aws:iam/userLoginProfile:UserLoginProfile",
    practices="SEC02-BP02", checklist="CHK-SEC-1", spec="SEC-1c", severity="high", sources="checkov:CKV_AWS_273",
    why="Keys of users do not expire and end up in files; roles give credentials that last hours.",
    fix="Use a role: of the service, by OIDC for CI, by IAM Identity Center for people",
    reads=None, compliant=(Example(ROLE, "ci", trust(Service="codebuild.amazonaws.com")),), violating=(Example("aws:iam/user:User", "ci"),),
)  # fmt: skip
def no_long_lived_credentials(resource: Resource, context: Context) -> str:
    """The program makes no users and no access keys."""
    return f"'{resource.name}' is of type {resource.type}"


@rule(
    "iam-role-session", ROLE,
    practices="SEC02-BP02", checklist="CHK-SEC-1", spec="SEC-1a", severity="low", level="advisory",
    why="A stolen session is useful as long as it lasts.",
    fix="Set maxSessionDuration to at most 14400 seconds (4 hours); absent means one hour",
    reads="maxSessionDuration", missing="pass", compliant={"maxSessionDuration": 3600}, violating={"maxSessionDuration": 43200},
)  # fmt: skip
def role_session(role: Resource, context: Context) -> str | None:
    """Sessions of roles last at most four hours."""
    seconds = role.get("maxSessionDuration", 3600)
    return f"maxSessionDuration of '{role.name}' is {seconds:.0f} s" if seconds > 14400 else None


@rule(
    "iam-permissions-boundary", ROLE, scope="stack",
    practices="SEC03-BP05", checklist="CHK-SEC-1", spec="SEC-8e", severity="low", level={"dev": "disabled", "prod": "advisory"},
    why="A boundary caps what a role can ever do, whatever policies are attached to it later.",
    fix="Set permissionsBoundary",
    reads="permissionsBoundary", compliant={"permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary"},
        violating={"description": "no boundary"},
)  # fmt: skip
def permissions_boundary(role: Resource, context: Context) -> str | None:
    """Production roles carry a permissions boundary."""
    if context.graph.linked(role, "permissionsBoundary", POLICY):
        return None
    return None if role.get("permissionsBoundary") else f"permissionsBoundary of '{role.name}' is not set"


@rule(
    "iam-one-role-per-workload", ROLE, scope="stack",
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-1b", severity="high", level=PRODUCTION,
    why="A shared role gives each of its users the rights of all of them.",
    fix="Give every function, job, crawler and state machine a role of its own",
    reads=None,
    compliant=(Example(ROLE, "role"), Example(FUNCTION, "one", links={"role": "role"}), Example(ROLE, "other"), Example(FUNCTION, "two",
        links={"role": "other"})),
    violating=(Example(ROLE, "role"), Example(FUNCTION, "one", links={"role": "role"}), Example(FUNCTION, "two", links={"role": "role"})),
)  # fmt: skip
def one_role_per_workload(role: Resource, context: Context) -> str | None:
    """Every function, job and state machine has a role of its own."""
    users = [
        user
        for type_, property_ in ((FUNCTION, "role"), (GLUE_JOB, "roleArn"), (GLUE_CRAWLER, "role"), (STATE_MACHINE, "roleArn"))
        for user in context.graph.referring(role, type_, property_)
    ]
    if not users:
        raise NotApplicable("no workload uses it")
    return f"role '{role.name}' is shared by {', '.join(sorted(user.name for user in users))}" if len(users) > 1 else None


@rule(
    "iam-no-negated-resource", POLICIES, scope="stack",
    practices="SEC03-BP02", checklist="CHK-SEC-1", severity="high", level="advisory",
    why="An allow on everything but a list grows with every resource the account gets.",
    fix="Replace NotResource in the Allow statement by Resource with the ARNs that are meant",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE},
    violating={"policy": {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::secret/*"}]}},
)  # fmt: skip
def no_negated_resource(policy: Resource, context: Context) -> Iterator[str]:
    """No policy allows actions on everything but a list."""
    for index, statement in granted(policy, context):
        if statement.get("NotResource") is not None:
            yield f"policy.Statement[{index}] of '{policy.name}' allows by NotResource"


# The property that holds the document of each policy that is attached to a resource.
DOCUMENT_OF = {
    ROLE: "assumeRolePolicy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
}


@rule(
    "policy-no-negated-principal", " ".join(DOCUMENT_OF),
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="critical", level="advisory",
    why="Allow with NotPrincipal lets in everybody in the world who is not on the list.",
    fix="Use Principal with who is meant; NotPrincipal belongs into Deny statements only",
    reads="assumeRolePolicy", missing="not_applicable", compliant=trust(Service="lambda.amazonaws.com"),
    violating=tuple(
        Example(type_, f"bad-{index}", {path: {"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"},
            "Action": "*", "Resource": "*"}]}}) for index, (type_, path) in enumerate(DOCUMENT_OF.items())),
)  # fmt: skip
def no_negated_principal(resource: Resource, context: Context) -> Iterator[str]:
    """No policy allows everybody but a list."""
    path = DOCUMENT_OF[resource.type]
    for index, statement in statements(resource, path):
        if allows(statement) and statement.get("NotPrincipal") is not None:
            yield f"{path}.Statement[{index}] of '{resource.name}' allows by NotPrincipal"


@rule(
    "iam-document-complete", f"{POLICIES} {ROLE}",
    practices="OPS06-BP02 OPS05-BP02", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="IAM refuses a permission that names no resource or a principal, and a trust policy that names a resource or no principal.",
    fix="Give each statement of a permission Effect, Action and Resource, each of a trust policy Effect, Action and Principal",
    reads="policy", missing="not_applicable", compliant={"policy": READ_ONE},
    violating=(Example(ROLE_POLICY, "policy", {"policy": {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}}),
        Example(ROLE, "role", {"assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}})),
)  # fmt: skip
def document_complete(resource: Resource, context: Context) -> Iterator[str]:
    """The statements of IAM policies have all the parts they need, and no others."""
    trusting = resource.type == ROLE
    path = "assumeRolePolicy" if trusting else "policy"
    needed, refused = (("Principal", "NotPrincipal"), ("Resource", "NotResource"))
    if not trusting:
        needed, refused = refused, needed
    for index, statement in statements(resource, path):
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"{path}.Statement[{index}].Effect of '{resource.name}' is neither Allow nor Deny"
        for names in (("Action", "NotAction"), needed):
            if not any(statement.get(name) is not None for name in names):
                yield f"{path}.Statement[{index}] of '{resource.name}' has no {names[0]}"
        for name in refused:
            if statement.get(name) is not None:
                yield f"{path}.Statement[{index}] of '{resource.name}' has a {name}"


@rule(
    "iam-variables-expanded", POLICIES,
    practices="SEC03-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    why="Without Version 2012-10-17 a variable such as ${aws:username} is plain text: the statement matches nothing, or too little is denied.",
    fix="Set Version of the document to 2012-10-17",
    reads="policy", missing="not_applicable",
    compliant={"policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource":
        "arn:aws:s3:::home/${aws:username}/*"}]}},
    violating={"policy": {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource":
        "arn:aws:s3:::home/${aws:username}/*"}]}},
)  # fmt: skip
def variables_expanded(policy: Resource, context: Context) -> str | None:
    """Policies with variables are of the version that knows variables."""
    texts = [
        text
        for _, statement in statements(policy, "policy")
        for text in (*leaves(statement.get("Resource")), *leaves(statement.get("NotResource")), *condition_values(statement))
    ]
    if not any(not isinstance(text, Unreadable) and "${" in str(text) for text in texts):
        raise NotApplicable("uses no variables")
    version = policy.document("policy").get("Version", "2008-10-17")
    return None if version == "2012-10-17" else f"policy of '{policy.name}' uses variables and is of Version {version}"
