"""Lambda, Step Functions, EventBridge, CloudWatch and CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from mlops.sandbox.identity.actions import reference
from mlops.sandbox.identity.actions.needs import Need, Scope, keys

LAMBDA_KEYS = frozenset(
    {"lambda:functionarn", "lambda:layer", "lambda:principal", "lambda:vpcids", "lambda:subnetids", "lambda:securitygroupids",
     "lambda:codesigningconfigarn", "lambda:functionurlauthtype", "lambda:eventsourcetoken", "lambda:invokedviafunctionurl"}
)  # fmt: skip
_ON_EVERYTHING = {
    "ListFunctions",
    "ListLayers",
    "ListEventSourceMappings",
    "CreateEventSourceMapping",
    "GetAccountSettings",
    "ListCodeSigningConfigs",
}


def functions(scope: Scope) -> list[Need] | None:
    """Functions with their qualifiers, layers and event source mappings."""
    parameters, operation = scope.parameters, scope.operation
    action = {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}.get(
        operation, operation
    )
    if operation in _ON_EVERYTHING:
        target = parameters.get("FunctionName") if operation == "CreateEventSourceMapping" else None
        return [Need(f"lambda:{operation}", "*", keys({"lambda:FunctionArn": function_arn(scope, target) if target else None}))]
    if operation in ("UpdateEventSourceMapping", "DeleteEventSourceMapping", "GetEventSourceMapping"):
        mapping = scope.arn("lambda", f"event-source-mapping:{parameters['UUID']}")
        stored = scope.account.store("lambda", scope.call.region).get_event_source_mapping(parameters["UUID"])
        return [Need(f"lambda:{operation}", mapping, keys({"lambda:FunctionArn": stored.function_arn if stored else None}))]
    if "FunctionName" in parameters:
        qualifier = parameters.get("Qualifier")
        if operation in ("CreateAlias", "UpdateAlias", "DeleteAlias", "GetAlias"):
            qualifier = None
        arn = function_arn(scope, parameters["FunctionName"], qualifier)
        found = [Need(f"lambda:{action}", arn, keys({"lambda:Principal": parameters.get("Principal"), "lambda:Layer": _layers(scope)}))]
        # A function that uses a layer needs the right to read it.
        return found + [Need("lambda:GetLayerVersion", layer) for layer in _layers(scope)]
    if operation == "GetLayerVersionByArn":
        return [Need("lambda:GetLayerVersion", parameters["Arn"])]
    if "LayerName" in parameters:
        name = parameters["LayerName"]
        layer = name if name.startswith("arn:") else scope.arn("lambda", f"layer:{name}")
        version = parameters.get("VersionNumber")
        return [Need(f"lambda:{operation}", f"{layer}:{version}" if version is not None else layer)]
    if operation in ("TagResource", "UntagResource", "ListTags"):
        return [Need(f"lambda:{operation}", parameters["Resource"])]
    return None


def function_arn(scope: Scope, name: str, qualifier: str | None = None) -> str:
    """The ARN of a function given as name, name:qualifier, account:function:name or ARN."""
    if name.startswith("arn:"):
        arn = name
    elif ":function:" in name:
        arn = scope.arn("lambda", name.split(":", 1)[1])
    else:
        arn = scope.arn("lambda", f"function:{name}")
    return f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn


def _layers(scope: Scope) -> tuple[str, ...]:
    if scope.operation not in ("CreateFunction", "UpdateFunctionConfiguration"):
        return ()
    return tuple(scope.parameters.get("Layers") or ())


def state_machines(scope: Scope) -> list[Need] | None:
    """State machines, executions and activities: nearly every call names the ARN."""
    parameters, operation = scope.parameters, scope.operation
    if operation == "CreateStateMachine":
        return [Need("states:CreateStateMachine", scope.arn("states", f"stateMachine:{parameters['name']}"))]
    if operation == "CreateActivity":
        return [Need("states:CreateActivity", scope.arn("states", f"activity:{parameters['name']}"))]
    if operation.startswith("SendTask") or operation in ("ListStateMachines", "ListActivities", "ValidateStateMachineDefinition"):
        return [Need(f"states:{operation}", "*")]
    for name in (
        "stateMachineArn",
        "executionArn",
        "activityArn",
        "mapRunArn",
        "resourceArn",
        "stateMachineAliasArn",
        "stateMachineVersionArn",
    ):
        if parameters.get(name):
            return [Need(f"states:{operation}", parameters[name])]
    return None


EVENTS_KEYS = frozenset({"events:source", "events:detail-type", "events:targetarn", "events:eventbusinvocation", "events:creatoraccount"})


def events(scope: Scope) -> list[Need] | None:
    """Events on their bus, rules on theirs."""
    parameters, operation = scope.parameters, scope.operation
    if operation == "PutEvents":
        return [
            Need(
                "events:PutEvents",
                _bus(scope, entry.get("EventBusName")),
                keys(
                    {
                        "events:source": entry.get("Source"),
                        "events:detail-type": entry.get("DetailType"),
                        "events:eventBusInvocation": False,
                    }
                ),
            )
            for entry in parameters.get("Entries", [])
        ]
    if operation in ("ListRules", "ListRuleNamesByTarget", "ListEventBuses", "TestEventPattern", "ListArchives", "ListConnections"):
        return [Need(f"events:{operation}", "*")]
    rule = parameters.get("Rule") or (parameters.get("Name") if operation.endswith("Rule") else None)
    if rule:
        bus = str(parameters.get("EventBusName") or "default").rsplit("/", 1)[-1]
        targets = tuple(target["Arn"] for target in parameters.get("Targets") or ())
        path = f"rule/{rule}" if bus == "default" else f"rule/{bus}/{rule}"
        return [Need(f"events:{operation}", scope.arn("events", path), keys({"events:TargetArn": targets}))]
    if operation in ("PutPermission", "RemovePermission", "DescribeEventBus"):
        return [Need(f"events:{operation}", _bus(scope, parameters.get("EventBusName") or parameters.get("Name")))]
    if operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        return [Need(f"events:{operation}", parameters["ResourceARN"])]
    return None


def _bus(scope: Scope, name: str | None) -> str:
    return name if name and name.startswith("arn:") else scope.arn("events", f"event-bus/{name or 'default'}")


CLOUDWATCH_KEYS = frozenset({"cloudwatch:namespace", "cloudwatch:alarmactions", "cloudwatch:requestinsightruleloggroups"})


def cloudwatch(scope: Scope) -> list[Need] | None:
    """Metrics have no ARN: their namespace is a condition key. Alarms come as lists of names."""
    parameters, operation = scope.parameters, scope.operation
    if operation == "PutMetricData":
        return [Need("cloudwatch:PutMetricData", "*", keys({"cloudwatch:namespace": parameters.get("Namespace")}))]
    if operation in ("DescribeAlarms", "DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"):
        names = parameters.get("AlarmNames") or ["*"]
        return [Need(f"cloudwatch:{operation}", scope.arn("cloudwatch", f"alarm:{name}")) for name in names]
    if operation in ("PutDashboard", "GetDashboard", "DeleteDashboards"):
        names = parameters.get("DashboardNames") or [parameters.get("DashboardName")]
        return [Need(f"cloudwatch:{operation}", scope.arn("cloudwatch", f"dashboard/{name}", region="")) for name in names]
    if operation in ("PutMetricAlarm", "PutCompositeAlarm"):
        actions = [
            *(parameters.get("AlarmActions") or ()),
            *(parameters.get("OKActions") or ()),
            *(parameters.get("InsufficientDataActions") or ()),
        ]
        return [
            Need(
                f"cloudwatch:{operation}",
                scope.arn("cloudwatch", f"alarm:{parameters['AlarmName']}"),
                keys({"cloudwatch:AlarmActions": tuple(actions)}),
            )
        ]
    return None


_LOG_TAGS = {"TagResource", "UntagResource", "ListTagsForResource"}
_LOG_ON_EVERYTHING = {
    "DescribeResourcePolicies", "PutResourcePolicy", "DeleteResourcePolicy", "DescribeQueries", "GetQueryResults", "StopQuery",
    "DescribeQueryDefinitions", "PutQueryDefinition", "DeleteQueryDefinition", "DescribeExportTasks", "ListLogAnomalyDetectors",
}  # fmt: skip


def logs(scope: Scope) -> list[Need] | None:
    """Log groups are judged as `log-group:<name>:log-stream:<stream>`: a policy on a group needs `:*` at its end, as on AWS.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    parameters, operation = scope.parameters, scope.operation
    if operation in _LOG_ON_EVERYTHING:
        return [Need(f"logs:{operation}", "*")]
    if operation in _LOG_TAGS:
        return [Need(f"logs:{operation}", parameters["resourceArn"])]
    groups = _log_groups(scope)
    if not groups:
        return [Need("logs:DescribeLogGroups", scope.arn("logs", "log-group::log-stream:"))] if operation == "DescribeLogGroups" else None
    stream = parameters.get("logStreamName") or ""
    found = reference.action(f"logs:{operation}")
    if found is None:
        raise scope.unmapped(f"IAM has no action logs:{operation}")
    needs = [Need(found.name, scope.arn("logs", f"log-group:{group}:log-stream:{stream}")) for group in groups]
    return needs + [need for group in groups for need in _log_group_key(scope, group)]


def _log_group_key(scope: Scope, group: str) -> list[Need]:
    """CloudWatch Logs encrypts by itself: the key's policy must admit it for this group."""
    key = scope.account.key_arn(scope.parameters.get("kmsKeyId")) if scope.operation in ("CreateLogGroup", "AssociateKmsKey") else None
    if key is None:
        return []
    context = {"aws:logs:arn": scope.arn("logs", f"log-group:{group}")}
    service = f"logs.{scope.call.region}.amazonaws.com"
    names = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return [Need(action, key, keys(names), service=service) for action in ("kms:GenerateDataKey", "kms:Decrypt")]


def _log_groups(scope: Scope) -> list[str]:
    parameters: Any = scope.parameters
    if scope.operation == "DescribeLogGroups":
        return []
    names = [*(parameters.get("logGroupNames") or ()), *(parameters.get("logGroupIdentifiers") or ())]
    names += [parameters[name] for name in ("logGroupName", "logGroupIdentifier") if parameters.get(name)]
    return [name.split(":log-group:", 1)[-1].removesuffix(":*") for name in names]
