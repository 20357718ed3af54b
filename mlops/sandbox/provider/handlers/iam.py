"""IAM roles and policies."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Role(Handler):
    type_, service, level, tagged = "aws:iam/role:Role", "iam", EXECUTED, True
    name_property, name_length = "name", 64

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        attached = p.take("managedPolicyArns", [])
        inline = [(block.require("name"), block.require("policy")) for block in p.blocks("inlinePolicies") if block.values]
        p.boolean("forceDetachPolicies")
        call.made = call(
            "create_role",
            RoleName=name,
            AssumeRolePolicyDocument=p.require("assumeRolePolicy"),
            Description=p.take("description"),
            MaxSessionDuration=p.take("maxSessionDuration"),
            Path=p.take("path"),
            PermissionsBoundary=p.take("permissionsBoundary"),
            Tags=call.tag_list() or None,
        )["Role"]
        call.id = name
        for arn in attached:
            call("attach_role_policy", RoleName=name, PolicyArn=arn)
        for policy, document in inline:
            call("put_role_policy", RoleName=name, PolicyName=policy, PolicyDocument=document)
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        role = call.made or call("get_role", RoleName=id_)["Role"]
        return {
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "path": role["Path"],
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "assumeRolePolicy" in changed:
            call("update_assume_role_policy", RoleName=id_, PolicyDocument=p.require("assumeRolePolicy"))
        if {"description", "maxSessionDuration"} & set(changed):
            call("update_role", RoleName=id_, Description=p.take("description"), MaxSessionDuration=p.take("maxSessionDuration"))
        if "permissionsBoundary" in changed:
            boundary = p.take("permissionsBoundary")
            if boundary:
                call("put_role_permissions_boundary", RoleName=id_, PermissionsBoundary=boundary)
            else:
                call("delete_role_permissions_boundary", RoleName=id_)
        if "managedPolicyArns" in changed:
            wanted = set(p.take("managedPolicyArns", []))
            present = {policy["PolicyArn"] for policy in call("list_attached_role_policies", RoleName=id_)["AttachedPolicies"]}
            for arn in wanted - present:
                call("attach_role_policy", RoleName=id_, PolicyArn=arn)
            for arn in present - wanted:
                call("detach_role_policy", RoleName=id_, PolicyArn=arn)
        if "inlinePolicies" in changed:
            wanted = {block.require("name"): block.require("policy") for block in p.blocks("inlinePolicies")}
            for name in set(call("list_role_policies", RoleName=id_)["PolicyNames"]) - set(wanted):
                call("delete_role_policy", RoleName=id_, PolicyName=name)
            for name, document in wanted.items():
                call("put_role_policy", RoleName=id_, PolicyName=name, PolicyDocument=document)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("tag_role", RoleName=id_, Tags=[{"Key": key, "Value": value} for key, value in add.items()])
        if remove:
            call("untag_role", RoleName=id_, TagKeys=remove)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        for name in call("list_role_policies", RoleName=id_)["PolicyNames"]:
            call("delete_role_policy", RoleName=id_, PolicyName=name)
        for policy in call("list_attached_role_policies", RoleName=id_)["AttachedPolicies"]:
            call("detach_role_policy", RoleName=id_, PolicyArn=policy["PolicyArn"])
        call("delete_role", RoleName=id_)

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        role = call("get_role", RoleName=id_)["Role"]
        found = {
            "name": id_,
            "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description"),
            "path": role["Path"],
            "maxSessionDuration": role.get("MaxSessionDuration"),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        }
        return {key: value for key, value in found.items() if value}


class ServiceLinkedRole(Handler):
    """A role that AWS defines and one service assumes: kept, for no service of the sandbox needs one."""

    type_, service, level = "aws:iam/serviceLinkedRole:ServiceLinkedRole", "iam", KEPT

    def create(self, call: Call, p: Properties) -> str:
        made = call.made = call(
            "create_service_linked_role",
            AWSServiceName=p.require("awsServiceName"),
            CustomSuffix=p.take("customSuffix"),
            Description=p.take("description"),
        )["Role"]
        return made["Arn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        role = call.made or call("get_role", RoleName=_name(id_))["Role"]
        return {
            "arn": role["Arn"],
            "name": role["RoleName"],
            "path": role["Path"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_role_description", RoleName=_name(id_), Description=p.take("description", ""))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_service_linked_role", RoleName=_name(id_))


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


class RolePolicy(Put):
    type_, service, level = "aws:iam/rolePolicy:RolePolicy", "iam", EXECUTED
    name_property, name_length = "name", 128

    def create(self, call: Call, p: Properties) -> str:
        role, name = p.require("role"), p.require("name")
        call("put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=p.require("policy"))
        return f"{role}:{name}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        role, name = id_.split(":", 1)
        call("delete_role_policy", RoleName=role, PolicyName=name)


class Policy(Handler):
    type_, service, level, tagged = "aws:iam/policy:Policy", "iam", EXECUTED, True
    name_property, name_length = "name", 128

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_policy",
            PolicyName=p.require("name"),
            PolicyDocument=p.require("policy"),
            Path=p.take("path"),
            Description=p.take("description"),
            Tags=call.tag_list() or None,
        )["Policy"]["Arn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        policy = call("get_policy", PolicyArn=id_)["Policy"]
        return {"arn": id_, "policyId": policy["PolicyId"], "attachmentCount": policy["AttachmentCount"], "path": policy["Path"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        versions = call("list_policy_versions", PolicyArn=id_)["Versions"]
        if len(versions) == 5:
            oldest = min((version for version in versions if not version["IsDefaultVersion"]), key=lambda version: version["CreateDate"])
            call("delete_policy_version", PolicyArn=id_, VersionId=oldest["VersionId"])
        call("create_policy_version", PolicyArn=id_, PolicyDocument=p.require("policy"), SetAsDefault=True)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("tag_policy", PolicyArn=id_, Tags=[{"Key": key, "Value": value} for key, value in add.items()])
        if remove:
            call("untag_policy", PolicyArn=id_, TagKeys=remove)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        for version in call("list_policy_versions", PolicyArn=id_)["Versions"]:
            if not version["IsDefaultVersion"]:
                call("delete_policy_version", PolicyArn=id_, VersionId=version["VersionId"])
        call("delete_policy", PolicyArn=id_)


class RolePolicyAttachment(Handler):
    type_, service, level = "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "iam", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        role, arn = p.require("role"), p.require("policyArn")
        call("attach_role_policy", RoleName=role, PolicyArn=arn)
        return f"{role}/{arn}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        role, arn = id_.split("/", 1)
        call("detach_role_policy", RoleName=role, PolicyArn=arn)
