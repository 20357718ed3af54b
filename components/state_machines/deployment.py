"""The deployment pipeline: claim → plan → model → endpoint configuration → endpoint → wait → scale → record.

Pulumi declares no model and no endpoint: this machine makes them when a model package is approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.settings.models import DeploymentSettings, takes_volume_key
from components.state_machines.common import ANY_TASK_FAILURE, SAGEMAKER_TRANSIENT, Common, State
from components.state_machines.scaling import scaling_states, stop_scaling_state
from components.state_machines.variants import CHALLENGER, ROUTING, VARIANT, challenger_states, choose_update

__all__ = ["CHALLENGER", "VARIANT", "DeploymentMachine", "deployment_definition"]


@dataclass(frozen=True, kw_only=True)
class DeploymentMachine:
    """Names and numbers that the definition holds."""

    common: Common
    endpoint: str
    settings: DeploymentSettings
    role_arn: Any
    key_arn: Any
    subnet_ids: Any
    security_group_ids: Any
    rollback_alarms: tuple[str, ...]
    challenger_alarms: tuple[str, ...] = ()
    plan_deployment_arn: Any
    function_timeout_seconds: int
    tags: dict[str, str]


def deployment_definition(args: DeploymentMachine) -> State:
    """Input: the approval event of a model package, or {"model_package_arn", "strategy"?}; strategy `ab` deploys it as the challenger."""
    common = args.common
    after_endpoint = "RegisterScalableTarget" if args.settings.scaling else "RecordEndpoint"
    states = {
        **_identify(args),
        "Claim": common.claim(
            then="PlanDeployment",
            duplicate="Duplicate",
            on_error="NotifyFailure",
            attributes={"kind": {"S": "deployment"}, "model_package_arn": {"S.$": "$.model_package_arn"}},
        ),
        "Duplicate": {"Type": "Pass", "Parameters": {"status": "duplicate", "claim.$": "$.claim"}, "Next": "AlreadyDone"},
        "AlreadyDone": {"Type": "Succeed"},
        "PlanDeployment": common.invoke(
            args.plan_deployment_arn,
            "$.request",
            then="CreateModel",
            on_error="RecordFailure",
            result_path="$.plan",
            timeout_seconds=args.function_timeout_seconds,
        ),
        "CreateModel": _create_model(args),
        "CreateEndpointConfig": _create_endpoint_config(args),
        **_move_endpoint(args),
        **_challenger(args),
        **_wait(args, after_endpoint),
        **(scaling_states(common, args.endpoint, VARIANT, args.settings.scaling, then="RecordEndpoint") if args.settings.scaling else {}),
        **_record(args),
        "Deployed": {
            "Type": "Pass",
            "Parameters": {
                "status": "succeeded",
                "endpoint": args.endpoint,
                "version.$": "$.plan.answer.version",
                "model_package_arn.$": "$.model_package_arn",
                "endpoint_config.$": "$.plan.answer.endpoint_config_name",
            },
            "End": True,
        },
        **common.failure_states("deployment"),
    }
    return common.machine(f"Deployment pipeline of {common.model}", "IdentifyRequest", states)


def _identify(args: DeploymentMachine) -> dict[str, State]:
    # SageMaker sends several events for one approval; a request by a person always is a new deployment.
    requested = "States.Format('deployment#{}#{}', $.model_package_arn, $$.Execution.Name)"
    return {
        "IdentifyRequest": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.detail.ModelPackageArn", "IsPresent": True, "Next": "FromApproval"},
                {"Variable": "$.model_package_arn", "IsPresent": False, "Next": "BadRequest"},
            ],
            "Default": "FromRequest",
        },
        "FromApproval": {
            "Type": "Pass",
            "Parameters": {
                "model_package_arn.$": "$.detail.ModelPackageArn",
                "claim.$": "States.Format('deployment#{}', $.detail.ModelPackageArn)",
                "request.$": "$",
            },
            "Next": "Claim",
        },
        "FromRequest": {
            "Type": "Pass",
            "Parameters": {"model_package_arn.$": "$.model_package_arn", "claim.$": requested, "request.$": "$"},
            "Next": "Claim",
        },
        "BadRequest": {
            "Type": "Fail",
            "Error": "BadRequest",
            "Cause": "Expected an approval event with detail.ModelPackageArn, or model_package_arn",
        },
    }


def _create_model(args: DeploymentMachine) -> State:
    return args.common.task(
        "sagemaker:createModel",
        {
            "ModelName.$": "$.plan.answer.model_name",
            "ExecutionRoleArn": args.role_arn,
            "PrimaryContainer": {
                "Image.$": "$.plan.answer.container.Image",
                "ModelDataUrl.$": "$.plan.answer.container.ModelDataUrl",
                "Environment.$": "$.plan.answer.container.Environment",
            },
            "EnableNetworkIsolation": True,
            "VpcConfig": {"Subnets": args.subnet_ids, "SecurityGroupIds": args.security_group_ids},
            "Tags": _tags(args),
        },
        then="IsTest" if args.settings.ab_test else "CreateEndpointConfig",
        on_error="RecordFailure",
        retry=[args.common.retry(SAGEMAKER_TRANSIENT)],
    )


def _create_endpoint_config(args: DeploymentMachine) -> State:
    settings = args.settings
    variant = {
        "VariantName": VARIANT,
        "ModelName.$": "$.plan.answer.model_name",
        "InstanceType": settings.instance_type,
        "InitialInstanceCount": settings.instance_count,
        "InitialVariantWeight": 1.0,
        "RoutingConfig": ROUTING,
    }
    return args.common.task(
        # The optimised integration takes no field that SageMaker got later than it, such as RoutingConfig.
        "aws-sdk:sagemaker:createEndpointConfig",
        {
            "EndpointConfigName.$": "$.plan.answer.endpoint_config_name",
            **({"KmsKeyId": args.key_arn} if takes_volume_key(settings.instance_type) else {}),
            "ProductionVariants": [variant],
            "Tags": _tags(args),
        },
        then="EndpointExists",
        on_error="RecordFailure",
        retry=[args.common.retry(SAGEMAKER_TRANSIENT)],
    )


def _challenger(args: DeploymentMachine) -> dict[str, State]:
    settings = args.settings
    if settings.ab_test is None:
        return {}
    return challenger_states(
        args.common,
        endpoint=args.endpoint,
        settings=settings,
        key_arn=args.key_arn,
        tags=_tags(args),
        all_at_once=deployment_config(
            settings.model_copy(update={"strategy": "blue-green"}), args.rollback_alarms + args.challenger_alarms
        ),
    )


def _move_endpoint(args: DeploymentMachine) -> dict[str, State]:
    common = args.common
    names = {"EndpointName": args.endpoint, "EndpointConfigName.$": "$.plan.answer.endpoint_config_name"}
    update = common.task(
        # The optimised integration has no DeploymentConfig.
        "aws-sdk:sagemaker:updateEndpoint",
        {**names, "RetainAllVariantProperties": True, "DeploymentConfig": deployment_config(args.settings, args.rollback_alarms)},
        then="WaitForEndpoint",
        on_error="RecordFailure",
        retry=[common.retry(SAGEMAKER_TRANSIENT)],
    )
    create = common.task(
        "sagemaker:createEndpoint",
        {**names, "Tags": _tags(args)},
        then="WaitForEndpoint",
        on_error="RecordFailure",
        retry=[common.retry(SAGEMAKER_TRANSIENT)],
    )
    update_states = choose_update() if args.settings.ab_test else {}
    update_first = "ChangesVariants" if update_states else "UpdateEndpoint"
    existing = "StopScaling" if args.settings.scaling else update_first
    states: dict[str, State] = {
        "EndpointExists": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.plan.answer.failed", "BooleanEquals": True, "Next": "DeleteFailedEndpoint"},
                {"Variable": "$.plan.answer.exists", "BooleanEquals": True, "Next": existing},
            ],
            "Default": "CreateEndpoint",
        },
        # A failed endpoint cannot be updated, only deleted.
        "DeleteFailedEndpoint": common.task(
            "aws-sdk:sagemaker:deleteEndpoint",
            {"EndpointName": args.endpoint},
            then="WaitForDeletion",
            on_error="RecordFailure",
            retry=[common.retry(SAGEMAKER_TRANSIENT)],
        ),
        "WaitForDeletion": {"Type": "Wait", "Seconds": 2 * common.poll_seconds, "Next": "CreateEndpoint"},
        "CreateEndpoint": create,
        "UpdateEndpoint": update,
        **update_states,
    }
    if args.settings.scaling:
        states["StopScaling"] = stop_scaling_state(common, args.endpoint, VARIANT, then=update_first)
    return states


def deployment_config(settings: DeploymentSettings, rollback_alarms: tuple[str, ...]) -> State:
    """SageMaker's DeploymentConfig: a new fleet takes over all at once or by canary; an alarm during the bake rolls back."""
    routing: State = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": settings.bake_seconds}
    if settings.strategy == "canary":
        routing = {
            "Type": "CANARY",
            "WaitIntervalInSeconds": settings.bake_seconds,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": settings.canary_percent},
        }
    if settings.strategy == "all-at-once":
        routing["WaitIntervalInSeconds"] = 0
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": settings.termination_wait_seconds,
            "MaximumExecutionTimeoutInSeconds": settings.maximum_seconds,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in rollback_alarms]},
    }


def _wait(args: DeploymentMachine, then: str) -> dict[str, State]:
    common = args.common
    planned = "$.plan.answer.endpoint_config_name"
    in_service = {"Variable": "$.described.status", "StringEquals": "InService"}
    moved = {"Variable": "$.described.endpoint_config", "StringEqualsPath": planned}
    broken = [{"Variable": "$.described.status", "StringEquals": status} for status in ("Failed", "OutOfService", "UpdateRollbackFailed")]
    return {
        "WaitForEndpoint": {"Type": "Wait", "Seconds": common.poll_seconds, "Next": "DescribeEndpoint"},
        "DescribeEndpoint": common.task(
            "aws-sdk:sagemaker:describeEndpoint",
            {"EndpointName": args.endpoint},
            then="EndpointReady",
            on_error="RecordFailure",
            retry=[common.retry(ANY_TASK_FAILURE)],
            result={"status.$": "$.EndpointStatus", "endpoint_config.$": "$.EndpointConfigName"},
            result_path="$.described",
        ),
        "EndpointReady": {
            "Type": "Choice",
            "Choices": [
                {"And": [in_service, moved], "Next": then},
                {**in_service, "Next": "RolledBack"},
                {"Or": broken, "Next": "EndpointFailed"},
            ],
            "Default": "WaitForEndpoint",
        },
        "RolledBack": _error("RolledBack", "An alarm rolled the endpoint back to the configuration {}", "$.described.endpoint_config"),
        "EndpointFailed": _error("EndpointFailed", "The endpoint is {}: see its failure reason and its log", "$.described.status"),
    }


def _error(name: str, text: str, path: str) -> State:
    parameters = {"Error": name, "Cause.$": f"States.Format('{text}', {path})"}
    return {"Type": "Pass", "Parameters": parameters, "ResultPath": "$.error", "Next": "RecordFailure"}


def _record(args: DeploymentMachine) -> dict[str, State]:
    common = args.common
    in_service = {
        "id": {"S": f"endpoint#{args.endpoint}"},
        "kind": {"S": "endpoint"},
        "model": {"S": common.model},
        "status": {"S": "succeeded"},
        "version": {"S.$": "States.Format('{}', $.plan.answer.serving_version)"},
        "challenger": {"S.$": "States.Format('{}', $.plan.answer.challenger_version)"},
        "model_package_arn": {"S.$": "$.plan.answer.serving_package_arn"},
        "model_name": {"S.$": "$.plan.answer.serving_model_name"},
        "endpoint_config": {"S.$": "$.plan.answer.endpoint_config_name"},
        "previous_endpoint_config": {"S.$": "States.Format('{}', $.plan.answer.previous_endpoint_config)"},
        "updated": {"S.$": "$$.State.EnteredTime"},
    }
    return {
        "RecordEndpoint": common.task(
            "dynamodb:putItem",
            {"TableName": common.ledger_table, "Item": in_service},
            then="RecordDeployment",
            on_error="RecordFailure",
            retry=[common.retry(ANY_TASK_FAILURE)],
        ),
        "RecordDeployment": common.finish(
            "succeeded",
            then="Deployed",
            on_error="RecordFailure",
            values={"version": {"S.$": "States.Format('{}', $.plan.answer.version)"}, "endpoint": {"S": args.endpoint}},
        ),
    }


def _tags(args: DeploymentMachine) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in args.tags.items()]
