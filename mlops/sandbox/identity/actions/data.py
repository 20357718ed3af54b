"""DynamoDB, SQS, SNS and KMS. An encrypted table, queue or topic also needs the caller's right to the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops.sandbox.identity.actions.needs import Need, Scope, Values, keys, kms_need

# Operations on items, which read or write the encrypted table.
_ITEM_OPERATIONS = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"}
_RESTORING = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}

DYNAMODB_KEYS = frozenset({"dynamodb:leadingkeys", "dynamodb:attributes", "dynamodb:select", "dynamodb:returnvalues"})


def dynamodb(scope: Scope) -> list[Need] | None:
    """Tables, indexes and the tables of batches and transactions."""
    parameters, operation = scope.parameters, scope.operation
    if operation in ("TransactWriteItems", "TransactGetItems"):
        found = []
        for item in parameters.get("TransactItems", []):
            for kind, request in item.items():
                found += _item(scope, _TRANSACTION[kind], request["TableName"], [request.get("Key") or request.get("Item") or {}], request)
        return found
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return [
            need
            for table, request in parameters.get("RequestItems", {}).items()
            for need in _item(scope, operation, table, _batch_keys(request), request if isinstance(request, Mapping) else {})
        ]
    if operation in _ITEM_OPERATIONS:
        item = parameters.get("Key") or parameters.get("Item") or _query_key(scope)
        return _item(scope, operation, parameters["TableName"], [item], parameters)
    if operation in ("RestoreTableToPointInTime", "RestoreTableFromBackup"):
        # A restore writes the new table with the caller's rights.
        source = parameters.get("BackupArn") or parameters.get("SourceTableArn") or _table(scope, parameters["SourceTableName"])
        target = _table(scope, parameters["TargetTableName"])
        return [Need(f"dynamodb:{operation}", source), *(Need(f"dynamodb:{action}", target) for action in (operation, *_RESTORING))]
    if operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        raise scope.unmapped("PartiQL statements are not read")
    if "TableName" in parameters and "BackupArn" not in parameters:
        return [Need(f"dynamodb:{operation}", _table(scope, parameters["TableName"]))]
    return None


def _item(scope: Scope, operation: str, table: str, items: Iterable[Mapping[str, Any]], request: Mapping[str, Any]) -> list[Need]:
    arn = _table(scope, table)
    name = arn.rsplit("/", 1)[-1]
    index = request.get("IndexName")
    hash_key = scope.account.table_hash_key(name)
    leading = [value for item in items if hash_key and hash_key in item for value in item[hash_key].values()]
    condition: dict[str, Values] = keys(
        {
            "dynamodb:LeadingKeys": tuple(str(value) for value in leading),
            "dynamodb:Select": request.get("Select"),
            "dynamodb:ReturnValues": request.get("ReturnValues")
            or ("NONE" if operation.endswith("Item") and operation != "GetItem" else None),
        }
    )
    key_context = {"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": scope.account.account}
    need = Need(f"dynamodb:{operation}", f"{arn}/index/{index}" if index else arn, condition)
    return [need, *kms_need(scope, "Decrypt", scope.account.table_key(name), "dynamodb", key_context)]


def _table(scope: Scope, name: str) -> str:
    return name if name.startswith("arn:") else scope.arn("dynamodb", f"table/{name}")


def _batch_keys(request: Any) -> list[Mapping[str, Any]]:
    if isinstance(request, Mapping):
        return list(request.get("Keys", []))
    entries = [entry.get("PutRequest", {}).get("Item") or entry.get("DeleteRequest", {}).get("Key") or {} for entry in request]
    return [entry for entry in entries if entry]


def _query_key(scope: Scope) -> Mapping[str, Any]:
    """The partition key a query asks for, in the form of an item: from `#pk = :value` or the old KeyConditions."""
    parameters = scope.parameters
    hash_key = scope.account.table_hash_key(str(parameters.get("TableName", "")).rsplit("/", 1)[-1])
    if hash_key is None:
        return {}
    old = parameters.get("KeyConditions", {}).get(hash_key)
    if old:
        return {hash_key: old["AttributeValueList"][0]}
    names = parameters.get("ExpressionAttributeNames") or {}
    for part in (parameters.get("KeyConditionExpression") or "").replace("(", " ").replace(")", " ").split(" AND "):
        left, _, right = (word.strip() for word in part.partition("="))
        if names.get(left, left) == hash_key and right in (parameters.get("ExpressionAttributeValues") or {}):
            return {hash_key: parameters["ExpressionAttributeValues"][right]}
    return {}


_BATCH = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


def sqs(scope: Scope) -> list[Need] | None:
    """Queues, named by their address or name."""
    parameters = scope.parameters
    if scope.operation == "ListQueues":
        return [Need("sqs:ListQueues", "*")]
    name = str(parameters.get("QueueUrl") or parameters.get("QueueName") or "").rstrip("/").rsplit("/", 1)[-1]
    if not name:
        return None
    arn = scope.arn("sqs", name)
    action = _BATCH.get(scope.operation, scope.operation)
    found = [Need(f"sqs:{action}", arn)]
    key, context = scope.account.queue_key(arn), {"aws:sqs:arn": arn}
    if action == "SendMessage":
        found += kms_need(scope, "GenerateDataKey", key, "sqs", context)
    if action in ("SendMessage", "ReceiveMessage"):
        found += kms_need(scope, "Decrypt", key, "sqs", context)
    return found


SNS_KEYS = frozenset({"sns:protocol", "sns:endpoint"})


def sns(scope: Scope) -> list[Need] | None:
    """Topics and subscriptions."""
    parameters, operation = scope.parameters, scope.operation
    if operation in ("Publish", "PublishBatch"):
        arn = parameters.get("TopicArn") or parameters.get("TargetArn")
        if not arn:
            return [Need("sns:Publish", "*")]
        key, context = scope.account.topic_key(arn), {"aws:sns:topicArn": arn}
        return [
            Need("sns:Publish", arn),
            *kms_need(scope, "GenerateDataKey", key, "sns", context),
            *kms_need(scope, "Decrypt", key, "sns", context),
        ]
    if operation == "Subscribe":
        return [
            Need(
                "sns:Subscribe",
                parameters["TopicArn"],
                keys({"sns:Protocol": parameters.get("Protocol"), "sns:Endpoint": parameters.get("Endpoint")}),
            )
        ]
    if "SubscriptionArn" in parameters:
        return [Need(f"sns:{operation}", parameters["SubscriptionArn"].rsplit(":", 1)[0])]
    return None


KMS_KEYS = frozenset(
    {
        "kms:viaservice", "kms:calleraccount", "kms:encryptioncontextkeys", "kms:encryptionalgorithm", "kms:requestalias",
        "kms:grantisforawsresource", "kms:grantoperations", "kms:granteeprincipal", "kms:retiringprincipal", "kms:bypasspolicylockoutsafetycheck",
        "kms:keyspec", "kms:keyusage", "kms:keyorigin", "kms:datakeypairspec", "kms:grantconstrainttype", "kms:multiregion", "kms:resourcealiases",
    }
)  # fmt: skip


def kms(scope: Scope) -> list[Need] | None:
    """Keys, by id, ARN or alias; a ciphertext names its key itself."""
    parameters, operation, account = scope.parameters, scope.operation, scope.account
    condition = _kms_keys(scope)
    if operation == "CreateKey":
        return [Need("kms:CreateKey", "*", condition)] + ([Need("kms:TagResource", "*", condition)] if parameters.get("Tags") else [])
    if operation in ("ListKeys", "ListAliases", "GenerateRandom", "ListRetirableGrants"):
        return [Need(f"kms:{operation}", "*", condition)]
    if operation in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        alias = scope.arn("kms", parameters["AliasName"])
        target = account.key_arn(parameters.get("TargetKeyId") or parameters["AliasName"])
        return [Need(f"kms:{operation}", arn, condition) for arn in (alias, target) if arn]
    if operation == "ReEncrypt":
        source = account.key_arn(parameters.get("SourceKeyId")) or account.ciphertext_key_arn(parameters["CiphertextBlob"])
        target = account.key_arn(parameters["DestinationKeyId"])
        pairs = (("kms:ReEncryptFrom", source), ("kms:ReEncryptTo", target))
        return [Need(name, arn, condition) for name, arn in pairs if arn]
    key = account.key_arn(parameters.get("KeyId"))
    if key is None and operation == "Decrypt":
        key = account.ciphertext_key_arn(parameters.get("CiphertextBlob", ""))
    if key is None:
        # AWS-managed keys: their policies admit the account through the service only, and DescribeKey.
        return [Need(f"kms:{operation}", scope.arn("kms", f"key/{parameters.get('KeyId', '*')}"), condition)]
    return [Need(f"kms:{operation}", key, condition)]


def _kms_keys(scope: Scope) -> dict[str, Values]:
    parameters = scope.parameters
    context = parameters.get("EncryptionContext") or {}
    alias = str(parameters.get("KeyId", ""))
    return keys(
        {
            "kms:CallerAccount": scope.account.account,
            "kms:EncryptionContextKeys": tuple(context),
            "kms:EncryptionAlgorithm": parameters.get("EncryptionAlgorithm")
            or ("SYMMETRIC_DEFAULT" if "crypt" in scope.operation else None),
            "kms:ResourceAliases": scope.account.key_aliases(arn) if (arn := scope.account.key_arn(alias)) else None,
            "kms:RequestAlias": alias if alias.startswith("alias/") else None,
            "kms:GranteePrincipal": parameters.get("GranteePrincipal"),
            "kms:RetiringPrincipal": parameters.get("RetiringPrincipal"),
            "kms:GrantOperations": tuple(parameters.get("Operations") or ()),
            "kms:GrantIsForAWSResource": False if scope.operation == "CreateGrant" else None,
            "kms:BypassPolicyLockoutSafetyCheck": parameters.get("BypassPolicyLockoutSafetyCheck"),
            "kms:KeySpec": parameters.get("KeySpec") or ("SYMMETRIC_DEFAULT" if scope.operation == "CreateKey" else None),
            "kms:KeyUsage": parameters.get("KeyUsage") or ("ENCRYPT_DECRYPT" if scope.operation == "CreateKey" else None),
            **{f"kms:EncryptionContext:{name}": value for name, value in context.items()},
        }
    )
