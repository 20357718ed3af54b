"""Deployment of a model: an approved version goes onto the endpoint; nothing here moves a model on `pulumi up`."""

from __future__ import annotations

import pulumi

from components.base.grants import (
    ALARM_MANAGE,
    ALARM_READ,
    ENDPOINT_CONFIG_CREATE,
    ENDPOINT_CONFIG_READ,
    ENDPOINT_DEPLOY,
    ENDPOINT_MANAGE,
    ENDPOINT_READ,
    MODEL_CREATE,
    MODEL_READ,
    PACKAGE_READ,
    SCALING,
    SERVICE_ROLE_CREATE,
    VARIANT_SCALE,
    Statement,
    allow,
    pass_role,
)
from components.base.inventory import LogSource
from components.base.model import Model
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function, FunctionArgs
from components.blocks.log_group import LogGroup
from components.blocks.service_role import ServiceRole
from components.blocks.state_machine import StateMachine
from components.pipelines.endpoint_alarms import EndpointAlarms
from components.pipelines.sagemaker_roles import serving_statements
from components.state_machines.deployment import DeploymentMachine, deployment_definition

SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


class ModelDeployment(pulumi.ComponentResource):
    """`machine` is started by the approval of a model package, or by a person with its ARN."""

    def __init__(self, name: str, *, model: Model, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:ModelDeployment", name, None, opts)
        self._name = name
        self._model = model
        shared = model.shared
        child = pulumi.ResourceOptions(parent=self)
        self.role = ServiceRole(
            f"{name}-endpoint",
            platform=shared.platform,
            role_name=model.name("endpoint"),
            service="sagemaker.amazonaws.com",
            statements=serving_statements(model),
            opts=child,
        )
        logs = LogGroup(
            f"{name}-endpoint-log",
            platform=shared.platform,
            group_name=f"/aws/sagemaker/Endpoints/{model.endpoint}",
            key=shared.keys.logs,
            opts=child,
        )
        shared.platform.inventory.logs.append(LogSource(logs.group_name, "inference", logs.group))
        self.alarms = EndpointAlarms(f"{name}-alarms", model=model, opts=child)
        self.plan = self._plan()
        self.machine = StateMachine(
            f"{name}-machine",
            platform=shared.platform,
            machine_name=model.name("deployment"),
            pipeline="deployment",
            model=model.key,
            definition=deployment_definition(self._definition()),
            statements=self._statements(),
            log_key=shared.keys.logs,
            tags=model.tags,
            opts=child,
        )
        EventTrigger(
            f"{name}-approved",
            platform=shared.platform,
            rule_name=model.name("approved"),
            description=f"An approved version of {model.key} is deployed",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": [model.package_group], "ModelApprovalStatus": ["Approved"]},
            },
            target=self.machine,
            dead_letters=model.failures,
            opts=child,
        )
        self.register_outputs({"state_machine": self.machine.arn})

    def _plan(self) -> Function:
        model, functions = self._model, self._model.shared.platform.settings.functions
        deployment, arns = model.settings.deployment, model.shared.platform.arns
        args = FunctionArgs(
            handler="plan_deployment",
            pipeline="deployment",
            model=model.key,
            environment={
                "MODEL": model.key,
                "ENDPOINT": model.endpoint,
                "MODEL_PACKAGE_GROUP": model.package_group,
                "STRATEGY": deployment.strategy,
                "INSTANCE_TYPE": deployment.instance_type,
                "INSTANCE_COUNT": str(deployment.instance_count),
                "LEDGER_TABLE": model.shared.ledger.table_name,
                **({"AB_TEST": str(deployment.ab_test.percent)} if deployment.ab_test else {}),
            },
            statements=[
                allow(PACKAGE_READ, arns.sagemaker("model-package", f"{model.package_group}/*")),
                allow(ENDPOINT_READ, arns.sagemaker("endpoint", model.endpoint)),
                *(self._challenger_statements() if deployment.ab_test else []),
            ],
            timeout_seconds=functions.timeout_seconds,
            memory_mb=functions.memory_mb,
            tags=model.tags,
        )
        return Function(f"{self._name}-plan-deployment", args, shared=model.shared, opts=pulumi.ResourceOptions(parent=self))

    def _challenger_statements(self) -> list[Statement]:
        # Which version the challenger is tested against.
        arns, endpoint = self._model.shared.platform.arns, self._model.endpoint
        return [
            allow(ENDPOINT_CONFIG_READ, arns.sagemaker("endpoint-config", f"{endpoint}-*")),
            allow(MODEL_READ, arns.sagemaker("model", f"{endpoint}-*")),
        ]

    def _definition(self) -> DeploymentMachine:
        model, shared = self._model, self._model.shared
        return DeploymentMachine(
            common=model.machine_common(),
            endpoint=model.endpoint,
            settings=model.settings.deployment,
            role_arn=self.role.known_arn,
            key_arn=shared.keys.models.arn,
            subnet_ids=shared.network.private_subnet_ids,
            security_group_ids=[shared.network.serving_security_group_id],
            rollback_alarms=self.alarms.names,
            challenger_alarms=self.alarms.challenger_names,
            plan_deployment_arn=self.plan.known_alias_arn,
            function_timeout_seconds=shared.platform.settings.functions.timeout_seconds + 30,
            tags=model.all_tags(),
        )

    def _statements(self) -> list[Statement]:
        model, shared, arns = self._model, self._model.shared, self._model.shared.platform.arns
        endpoint, configs = arns.sagemaker("endpoint", model.endpoint), arns.sagemaker("endpoint-config", f"{model.endpoint}-*")
        statements = [
            *shared.ledger.grant_write(),
            *self.plan.grant_invoke(),
            allow(MODEL_CREATE, arns.sagemaker("model", f"{model.endpoint}-*")),
            allow(ENDPOINT_CONFIG_CREATE, configs),
            allow(ENDPOINT_DEPLOY, [endpoint, configs]),
            allow(ENDPOINT_MANAGE, endpoint),
            pass_role(self.role.known_arn, "sagemaker.amazonaws.com"),
            *shared.keys.models.grant_lend(),
            allow(ALARM_READ, [arns.alarm(name) for name in (*self.alarms.names, *self.alarms.challenger_names)]),
            *shared.notifications.grant_publish(),
            *model.failures.grant_send(),
        ]
        if model.settings.deployment.scaling:
            statements += [
                allow(SCALING, arns.scalable_target()),
                allow(VARIANT_SCALE, [endpoint, configs]),
                allow(ALARM_MANAGE, arns.alarm(f"TargetTracking-endpoint/{model.endpoint}/*")),
                # The first scalable endpoint of an account needs the role by which Application Auto Scaling acts.
                allow(
                    SERVICE_ROLE_CREATE,
                    arns.service_linked_role(SCALING_SERVICE, "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"),
                    {"StringEquals": {"iam:AWSServiceName": SCALING_SERVICE}},
                ),
            ]
        return statements
