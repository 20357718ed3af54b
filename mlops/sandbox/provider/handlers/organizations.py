"""AWS Organizations: the organisation, policies on its targets, delegated administrators. Service control policies are judged by the authoriser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler
from mlops.sandbox.provider.properties import Properties

LONGEST_SCP = 5120
"""Characters of a service control policy: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""


class _Tagged(Handler):
    tagged = True


class Organization(Handler):
    type_, service, level = "aws:organizations/organization:Organization", "organizations", EXECUTED
    replaced_here = ("featureSet",)

    def create(self, call: Call, p: Properties) -> str:
        principals, types = p.take("awsServiceAccessPrincipals", []), p.take("enabledPolicyTypes", [])
        p.take("returnOrganizationOnly")
        made = call("create_organization", FeatureSet=p.take("featureSet", "ALL"))["Organization"]
        call.id = made["Id"]
        self._bring(call, principals, types, set(), set())
        return made["Id"]

    @staticmethod
    def _root(call: Call) -> dict[str, Any]:
        return call("list_roots")["Roots"][0]

    def _bring(self, call: Call, principals: Collection[str], types: Collection[str], had: set[str], enabled: set[str]) -> None:
        root = self._root(call)["Id"]
        for principal in sorted(set(principals) - had):
            call("enable_aws_service_access", ServicePrincipal=principal)
        for principal in sorted(had - set(principals)):
            call("disable_aws_service_access", ServicePrincipal=principal)
        for kind in sorted(set(types) - enabled):
            call("enable_policy_type", RootId=root, PolicyType=kind)
        for kind in sorted(enabled - set(types)):
            call("disable_policy_type", RootId=root, PolicyType=kind)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found, root = call("describe_organization")["Organization"], self._root(call)
        accounts = [
            {key[0].lower() + key[1:]: each[key] for key in ("Id", "Arn", "Name", "Email", "Status")}
            for each in call("list_accounts")["Accounts"]
        ]
        roots = [{"id": root["Id"], "arn": root["Arn"], "name": root["Name"], "policyTypes": []}]
        return {
            "arn": found["Arn"],
            "masterAccountId": found["MasterAccountId"],
            "masterAccountArn": found["MasterAccountArn"],
            "masterAccountEmail": found["MasterAccountEmail"],
            "accounts": accounts,
            "nonMasterAccounts": [each for each in accounts if each["id"] != found["MasterAccountId"]],
            "roots": roots,
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        had = {each["ServicePrincipal"] for each in call("list_aws_service_access_for_organization")["EnabledServicePrincipals"]}
        enabled = {each["Type"] for each in self._root(call)["PolicyTypes"]}
        self._bring(call, p.take("awsServiceAccessPrincipals", []), p.take("enabledPolicyTypes", []), had, enabled)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_in_use(call, "delete_organization")


class Policy(_Tagged):
    type_, service, level = "aws:organizations/policy:Policy", "organizations", EXECUTED
    name_property, name_length = "name", 128

    def create(self, call: Call, p: Properties) -> str:
        p.document("content")
        p.take("skipDestroy")
        kind, content = p.take("type", "SERVICE_CONTROL_POLICY"), p.require("content")
        if kind == "SERVICE_CONTROL_POLICY" and isinstance(content, str) and len(content) > LONGEST_SCP:
            p.problem("content", f"has {len(content)} characters; allowed: {LONGEST_SCP}")
        made = call(
            "create_policy",
            Name=p.require("name"),
            Type=kind,
            Content=content,
            Description=p.take("description", ""),
            Tags=call.tag_list() or None,
        )
        return made["Policy"]["PolicySummary"]["Id"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("describe_policy", PolicyId=id_)["Policy"]["PolicySummary"]["Arn"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_policy", PolicyId=id_, Name=p.take("name"), Description=p.take("description", ""), Content=p.take("content"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_in_use(call, "delete_policy", PolicyId=id_)


class PolicyAttachment(Handler):
    type_, service, level = "aws:organizations/policyAttachment:PolicyAttachment", "organizations", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        p.take("skipDestroy")
        policy, target = p.require("policyId"), p.require("targetId")
        call("attach_policy", PolicyId=policy, TargetId=target)
        return f"{target}:{policy}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        target, policy = id_.split(":")
        _if_in_use(call, "detach_policy", PolicyId=policy, TargetId=target)


class OrganizationalUnit(_Tagged):
    type_, service, level = "aws:organizations/organizationalUnit:OrganizationalUnit", "organizations", EXECUTED
    own_id = True

    def create(self, call: Call, p: Properties) -> str:
        made = call("create_organizational_unit", ParentId=p.require("parentId"), Name=p.require("name"), Tags=call.tag_list() or None)
        return made["OrganizationalUnit"]["Id"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("describe_organizational_unit", OrganizationalUnitId=id_)["OrganizationalUnit"]["Arn"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_organizational_unit", OrganizationalUnitId=id_, Name=p.take("name"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_in_use(call, "delete_organizational_unit", OrganizationalUnitId=id_)


class Account(_Tagged):
    """A member account: known to the organisation, without anything in it (the sandbox has one account)."""

    type_, service, level = "aws:organizations/account:Account", "organizations", KEPT
    replaced_here = ("name", "parentId")

    def create(self, call: Call, p: Properties) -> str:
        made = call("create_account", AccountName=p.require("name"), Email=p.require("email"), Tags=call.tag_list() or None)
        return made["CreateAccountStatus"]["AccountId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_account", AccountId=id_)["Account"]
        return {"arn": found["Arn"], "status": found["Status"], "joinedMethod": found["JoinedMethod"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_in_use(call, "remove_account_from_organization", AccountId=id_)


class DelegatedAdministrator(Handler):
    type_, service, level = "aws:organizations/delegatedAdministrator:DelegatedAdministrator", "organizations", KEPT

    def create(self, call: Call, p: Properties) -> str:
        account, principal = p.require("accountId"), p.require("servicePrincipal")
        call("register_delegated_administrator", AccountId=account, ServicePrincipal=principal)
        return f"{account}/{principal}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        account, principal = id_.split("/")
        try:
            call("deregister_delegated_administrator", AccountId=account, ServicePrincipal=principal)
        except AwsError as error:
            if error.code not in ("AccountNotRegisteredException", *_GONE):
                raise


_GONE = ("AWSOrganizationsNotInUseException", "AccountNotFoundException")


def _if_in_use(call: Call, operation: str, **parameters: str) -> None:
    try:
        call(operation, **parameters)
    except AwsError as error:
        if error.code not in _GONE:
            raise
