"""What exists once per account: Access Analyzer, Macie, EBS encryption, S3's public access block, password policy, API Gateway's log role, cost tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Analyzer(Handler):
    type_, service, level, tagged = "aws:accessanalyzer/analyzer:Analyzer", "accessanalyzer", KEPT, True

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_analyzer",
            analyzerName=p.require("analyzerName"),
            type=p.take("type", "ACCOUNT"),
            configuration=self._configuration(call, p),
            tags=call.tags or None,
        )["arn"].rsplit("/", 1)[-1]

    @staticmethod
    def _configuration(call: Call, p: Properties) -> dict[str, Any] | None:
        block = p.block("configuration")
        return call.parameters("create_analyzer", block, member="configuration") if block else None

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("get_analyzer", analyzerName=id_)["analyzer"]["arn"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_analyzer", analyzerName=id_, configuration=self._configuration(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_analyzer", analyzerName=id_)


class MacieAccount(Handler):
    type_, service, level = "aws:macie2/account:Account", "macie2", KEPT
    renews = {"updatedAt": ("*",)}

    def create(self, call: Call, p: Properties) -> str:
        call("enable_macie", findingPublishingFrequency=p.take("findingPublishingFrequency"), status=p.take("status"))
        return call.account

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        session = call("get_macie_session")
        times = {key: session[key].isoformat() for key in ("createdAt", "updatedAt")}
        return {key: session[key] for key in ("findingPublishingFrequency", "serviceRole", "status")} | times

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_macie_session", findingPublishingFrequency=p.take("findingPublishingFrequency"), status=p.take("status"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        try:
            call("disable_macie")
        except AwsError as error:  # Macie's answer when it is off already
            if error.code != "AccessDeniedException" or "not enabled" not in str(error):
                raise


class EncryptionByDefault(Put):
    type_, service, level = "aws:ebs/encryptionByDefault:EncryptionByDefault", "ec2", KEPT

    def create(self, call: Call, p: Properties) -> str:
        call("enable_ebs_encryption_by_default" if p.boolean("enabled", True) else "disable_ebs_encryption_by_default")
        return call.account

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"enabled": call("get_ebs_encryption_by_default")["EbsEncryptionByDefault"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("disable_ebs_encryption_by_default")


class AccountPublicAccessBlock(Put):
    type_, service, level = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "s3control", KEPT

    def create(self, call: Call, p: Properties) -> str:
        account = p.take("accountId", call.account)
        keys = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        block = {key: p.boolean(key[0].lower() + key[1:], False) for key in keys}
        call("put_public_access_block", AccountId=account, PublicAccessBlockConfiguration=block)
        return account

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_public_access_block", AccountId=id_)
        return {"accountId": id_}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_public_access_block", AccountId=id_)


class AccountPasswordPolicy(Put):
    type_, service, level = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy", "iam", KEPT
    renews = {"expirePasswords": ("maxPasswordAge",)}

    def create(self, call: Call, p: Properties) -> str:
        call("update_account_password_policy", **call.parameters("update_account_password_policy", p))
        return "iam-account-password-policy"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"expirePasswords": call("get_account_password_policy")["PasswordPolicy"].get("ExpirePasswords", False)}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_account_password_policy")


class ApiGatewayAccount(Put):
    type_, service, level = "aws:apigateway/account:Account", "apigateway", KEPT

    def create(self, call: Call, p: Properties) -> str:
        self._set(call, p.take("cloudwatchRoleArn", ""))
        return "api-gateway-account"

    @staticmethod
    def _set(call: Call, role: str) -> None:
        call("update_account", patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_account")
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # As the real provider: the setting stays.
        return


class CostAllocationTag(Put):
    type_, service, level = "aws:costexplorer/costAllocationTag:CostAllocationTag", "ce", KEPT
    replaced_here = ("tagKey",)

    def create(self, call: Call, p: Properties) -> str:
        key = p.require("tagKey")
        self._set(call, key, p.require("status"))
        return key

    @staticmethod
    def _set(call: Call, key: str, status: str) -> None:
        errors = call("update_cost_allocation_tags_status", CostAllocationTagsStatus=[{"TagKey": key, "Status": status}]).get("Errors")
        if errors:
            raise AwsError(f"{call.type} {key!r}: {errors[0]['Message']}", errors[0]["Code"])

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"type": call("list_cost_allocation_tags", TagKeys=[id_])["CostAllocationTags"][0]["Type"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        self._set(call, id_, "Inactive")


class OpenIdConnectProvider(Handler):
    type_, service, level, tagged = "aws:iam/openIdConnectProvider:OpenIdConnectProvider", "iam", EXECUTED, True

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_open_id_connect_provider",
            Url=p.require("url"),
            ClientIDList=p.require("clientIdLists"),
            ThumbprintList=p.take("thumbprintLists"),
            Tags=call.tag_list() or None,
        )["OpenIDConnectProviderArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_open_id_connect_provider", OpenIDConnectProviderArn=id_)
        return {"arn": id_, "thumbprintLists": found.get("ThumbprintList", [])}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "thumbprintLists" in changed:
            thumbprints = p.take("thumbprintLists", [])
            call("update_open_id_connect_provider_thumbprint", OpenIDConnectProviderArn=id_, ThumbprintList=thumbprints)
        if "clientIdLists" in changed:
            wanted = set(p.require("clientIdLists"))
            present = set(call("get_open_id_connect_provider", OpenIDConnectProviderArn=id_)["ClientIDList"])
            for client in sorted(wanted - present):
                call("add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn=id_, ClientID=client)
            for client in sorted(present - wanted):
                call("remove_client_id_from_open_id_connect_provider", OpenIDConnectProviderArn=id_, ClientID=client)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            tags = [{"Key": key, "Value": value} for key, value in add.items()]
            call("tag_open_id_connect_provider", OpenIDConnectProviderArn=id_, Tags=tags)
        if remove:
            call("untag_open_id_connect_provider", OpenIDConnectProviderArn=id_, TagKeys=remove)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_open_id_connect_provider", OpenIDConnectProviderArn=id_)
