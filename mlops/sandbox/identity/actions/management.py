"""IAM, STS, ECR, EC2 and the API Gateway control plane."""

from __future__ import annotations

from typing import Any

from moto.core.utils import get_service_model

from mlops.sandbox.identity.actions.needs import Need, Scope, keys

IAM_KEYS = frozenset({"iam:passedtoservice", "iam:associatedresourcearn", "iam:permissionsboundary", "iam:policyarn", "iam:awsservicename"})
_IAM_LISTS = {
    "ListRoles", "ListUsers", "ListGroups", "ListPolicies", "ListInstanceProfiles", "ListOpenIDConnectProviders", "ListSAMLProviders",
    "ListAccountAliases", "GetAccountSummary", "GetAccountAuthorizationDetails", "GetAccountPasswordPolicy", "GenerateCredentialReport",
    "GetCredentialReport", "CreateAccountAlias", "DeleteAccountAlias", "UpdateAccountPasswordPolicy", "ListServerCertificates",
    "ListVirtualMFADevices",
}  # fmt: skip
# Parameter that names the entity → (kind of ARN, moto's collection).
_IAM_ENTITIES = {
    "RoleName": ("role", "roles"),
    "UserName": ("user", "users"),
    "GroupName": ("group", "groups"),
    "InstanceProfileName": ("instance-profile", "instance_profiles"),
}
_IAM_ARNS = ("PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn", "SerialNumber")


def iam(scope: Scope) -> list[Need] | None:
    """Entities by name, with the path their ARN has."""
    parameters, operation = scope.parameters, scope.operation
    condition = keys({"iam:PermissionsBoundary": parameters.get("PermissionsBoundary") or _boundary(scope)})
    if operation in _IAM_LISTS:
        return [Need(f"iam:{operation}", "*", condition)]
    if operation == "CreatePolicy":
        return [
            Need(
                "iam:CreatePolicy",
                scope.arn("iam", f"policy{parameters.get('Path') or '/'}{parameters['PolicyName']}", region=""),
                condition,
            )
        ]
    if operation == "CreateOpenIDConnectProvider":
        host = str(parameters["Url"]).split("://", 1)[-1]
        return [Need("iam:CreateOpenIDConnectProvider", scope.arn("iam", f"oidc-provider/{host}", region=""), condition)]
    if operation == "CreateServiceLinkedRole":
        service = parameters["AWSServiceName"]
        arn = scope.arn("iam", f"role/aws-service-role/{service}/*", region="")
        return [Need("iam:CreateServiceLinkedRole", arn, keys({"iam:AWSServiceName": service}))]
    if operation == "GetAccessKeyLastUsed":
        # It names the key only; the resource is the key's user.
        key = scope.account.store("iam").access_keys.get(parameters["AccessKeyId"])
        user = scope.account.user(key.user_name) if key is not None and key.user_name else None
        return [Need(f"iam:{operation}", user.arn if user is not None else "*", condition)]
    entity = next((name for name in _IAM_ENTITIES if parameters.get(name)), None)
    if entity:
        arn = _entity_arn(scope, entity)
        found = [Need(f"iam:{operation}", arn, {**condition, **keys({"iam:PolicyARN": parameters.get("PolicyArn")})})]
        if operation == "AddRoleToInstanceProfile":
            found.append(Need("iam:PassRole", _entity_arn(scope, "RoleName"), keys({"iam:PassedToService": "ec2.amazonaws.com"})))
        return found
    arn = next((parameters[name] for name in _IAM_ARNS if parameters.get(name)), None)
    if arn:
        return [Need(f"iam:{operation}", arn, condition)]
    return None


def _boundary(scope: Scope) -> str | None:
    name = scope.parameters.get("RoleName")
    role = scope.account.role(name) if name else None
    return getattr(role, "permissions_boundary_arn", None)


def _entity_arn(scope: Scope, parameter: str) -> str:
    kind, collection = _IAM_ENTITIES[parameter]
    name: str = scope.parameters[parameter]
    entities: Any = getattr(scope.account.store("iam"), collection)
    found = next((each for each in list(entities.values()) if each.name == name), None)
    path = scope.parameters.get("Path") or "/"
    return found.arn if found is not None else scope.arn("iam", f"{kind}{path}{name}", region="")


STS_KEYS = frozenset({"sts:externalid", "sts:rolesessionname", "sts:transitivetagkeys", "sts:sourceidentity", "sts:durationseconds"})


def sts(scope: Scope) -> list[Need] | None:
    """Assuming a role; the role's trust policy decides (see authoriser)."""
    parameters = scope.parameters
    if scope.operation == "AssumeRoleWithWebIdentity":
        unsupported = [name for name in ("PolicyArns", "ProviderId") if parameters.get(name)]
        if unsupported:
            raise scope.unmapped(f"{', '.join(unsupported)} of a session are not kept by the sandbox")
        condition = keys({"sts:RoleSessionName": parameters["RoleSessionName"], "sts:DurationSeconds": parameters.get("DurationSeconds")})
        return [Need("sts:AssumeRoleWithWebIdentity", parameters["RoleArn"], condition)]
    if scope.operation == "AssumeRole":
        unsupported = [name for name in ("PolicyArns", "Tags", "TransitiveTagKeys", "SerialNumber") if parameters.get(name)]
        if unsupported:
            raise scope.unmapped(f"{', '.join(unsupported)} of a session are not kept by the sandbox")
        condition = keys(
            {
                "sts:ExternalId": parameters.get("ExternalId"),
                "sts:RoleSessionName": parameters.get("RoleSessionName"),
                "sts:SourceIdentity": parameters.get("SourceIdentity"),
                "sts:DurationSeconds": parameters.get("DurationSeconds"),
            }
        )
        return [Need("sts:AssumeRole", parameters["RoleArn"], condition)]
    return None


def ecr(scope: Scope) -> list[Need] | None:
    """Repositories, one or several by name."""
    parameters, operation = scope.parameters, scope.operation
    if operation == "GetAuthorizationToken" or "Registry" in operation:
        return [Need(f"ecr:{operation}", "*")]
    names = parameters.get("repositoryNames") or ([parameters["repositoryName"]] if parameters.get("repositoryName") else [])
    if names or operation == "DescribeRepositories":
        return [Need(f"ecr:{operation}", scope.arn("ecr", f"repository/{name}")) for name in names or ["*"]]
    if parameters.get("resourceArn"):
        return [Need(f"ecr:{operation}", parameters["resourceArn"])]
    return None


def ec2(scope: Scope) -> list[Need] | None:
    """Describing is on everything; other calls name their resources one by one and follow the reference."""
    if scope.operation.startswith("Describe") or scope.operation in ("GetEbsEncryptionByDefault", "EnableEbsEncryptionByDefault"):
        return [Need(f"ec2:{scope.operation}", "*")]
    return None


def api_gateway(scope: Scope) -> list[Need] | None:
    """The control plane's actions are HTTP methods on paths."""
    model: Any = get_service_model(scope.service).operation_model(scope.operation)
    path = model.http_trait.path
    for name, shape in (model.input_shape.members if model.input_shape else {}).items():
        if shape.serialization.get("location") == "uri":
            label, value = shape.serialization.get("name", name), str(scope.parameters.get(name, ""))
            path = path.replace("{" + label + "}", value).replace("{" + label + "+}", value)
    return [Need(f"apigateway:{model.http_trait.method}", f"arn:aws:apigateway:{scope.call.region}::{path}")]
