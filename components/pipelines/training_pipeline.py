"""The training pipeline of a model: one door (training_trigger), one job an algorithm, selection, registration."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.grants import (
    ENDPOINT_CONFIG_READ,
    ENDPOINT_READ,
    EXECUTION_START,
    MODEL_READ,
    PACKAGE_CREATE,
    PACKAGE_LIST,
    PACKAGE_READ,
    PACKAGE_UPDATE,
    SYNC_RULE,
    TRAINING_READ,
    TRAINING_RUN,
    Statement,
    allow,
    allow_anywhere,
    pass_role,
)
from components.base.model import Model
from components.blocks.function import Function, FunctionArgs
from components.blocks.schedule import Schedule
from components.blocks.service_role import ServiceRole
from components.blocks.state_machine import StateMachine
from components.pipelines.sagemaker_roles import training_statements
from components.state_machines.training import TrainingMachine, training_definition


class TrainingPipeline(pulumi.ComponentResource):
    """`trigger` is invoked with a reason: data, drift, schedule or request."""

    def __init__(self, name: str, *, model: Model, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:training:TrainingPipeline", name, None, opts)
        self._name = name
        self._model = model
        shared = model.shared
        child = pulumi.ResourceOptions(parent=self)
        self._group = aws.sagemaker.ModelPackageGroup(
            f"{name}-group",
            model_package_group_name=model.package_group,
            model_package_group_description=f"Versions of {model.key}",
            tags=model.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=shared.platform.protected),
        )
        self.role = ServiceRole(
            f"{name}-job",
            platform=shared.platform,
            role_name=model.name("training-job"),
            service="sagemaker.amazonaws.com",
            statements=training_statements(model),
            opts=child,
        )
        self.select_model = self._select_model()
        self.machine = StateMachine(
            f"{name}-machine",
            platform=shared.platform,
            machine_name=model.name("training"),
            pipeline="training",
            model=model.key,
            definition=training_definition(self._definition()),
            statements=self._statements(),
            log_key=shared.keys.logs,
            tags=model.tags,
            opts=child,
        )
        self.trigger = self._trigger()
        if model.settings.training.schedule:
            self._schedule(model.settings.training.schedule)
        self.register_outputs({"state_machine": self.machine.arn, "trigger": self.trigger.alias_arn})

    def _function(self, handler: str, environment: dict[str, pulumi.Input[str]], statements: list[Statement], events: bool) -> Function:
        model, functions = self._model, self._model.shared.platform.settings.functions
        args = FunctionArgs(
            handler=handler,
            pipeline="training",
            model=model.key,
            environment={"MODEL": model.key, "METRIC_NAMESPACE": model.metric_namespace, **environment},
            statements=statements,
            timeout_seconds=functions.timeout_seconds,
            memory_mb=functions.memory_mb,
            dead_letters=model.failures if events else None,
            tags=model.tags,
        )
        return Function(f"{self._name}-{handler.replace('_', '-')}", args, shared=model.shared, opts=pulumi.ResourceOptions(parent=self))

    def _trigger(self) -> Function:
        model, lake, arns = self._model, self._model.shared.lake, self._model.shared.platform.arns
        training = model.settings.training
        machine_arn = arns.state_machine(model.name("training"))
        environment: dict[str, pulumi.Input[str]] = {
            "LEDGER_TABLE": model.shared.ledger.table_name,
            "PROCESSED_BUCKET": lake.processed.name,
            "MODELS_BUCKET": lake.models.name,
            "TRAINING_STATE_MACHINE_ARN": machine_arn,
            "MODEL_PACKAGE_GROUP": model.package_group,
            "MINIMUM_ROWS": str(training.minimum_rows),
            "TRAIN_ON_DATA": training.train_on_data,
            "ENDPOINT": model.endpoint,
            "CONTRACT_URI": model.shared.code.contracts[model.key],
            "TRAINING_SOURCE_URI": model.shared.code.training_source,
        }
        statements = [
            *model.shared.ledger.grant_get(),
            *model.shared.ledger.grant_write(),
            *lake.processed.grant_read(f"{model.key}/"),
            *lake.processed.grant_write(f"{model.key}/training/"),
            allow(EXECUTION_START, machine_arn),
            # Which version is in service: the incumbent that the new one is compared with.
            allow(ENDPOINT_READ, arns.sagemaker("endpoint", model.endpoint)),
            allow(ENDPOINT_CONFIG_READ, arns.sagemaker("endpoint-config", f"{model.endpoint}-*")),
            allow(MODEL_READ, arns.sagemaker("model", f"{model.endpoint}-*")),
        ]
        return self._function("training_trigger", environment, statements, events=True)

    def _select_model(self) -> Function:
        model, lake, arns = self._model, self._model.shared.lake, self._model.shared.platform.arns
        gate = model.settings.gate
        environment: dict[str, pulumi.Input[str]] = {
            "MODEL_PACKAGE_GROUP": model.package_group,
            "METRIC": gate.metric,
            "MINIMUM_METRIC": str(gate.minimum),
            "MINIMUM_IMPROVEMENT": str(gate.improvement),
            "SERVING_IMAGE": model.shared.images.serving,
            "PROCESSED_BUCKET": lake.processed.name,
            "MODELS_BUCKET": lake.models.name,
            "ENDPOINT": model.endpoint,
        }
        group = arns.sagemaker("model-package-group", model.package_group)
        packages = arns.sagemaker("model-package", f"{model.package_group}/*")
        statements = [
            allow(TRAINING_READ, arns.sagemaker("training-job", f"{model.endpoint}-*")),
            allow(PACKAGE_CREATE, [group, packages]),
            allow([*PACKAGE_UPDATE, *PACKAGE_READ], packages),
            allow_anywhere(PACKAGE_LIST),
            *lake.models.grant_get(f"{model.key}/training/"),
            *lake.models.grant_write(f"{model.key}/training/"),
        ]
        return self._function("select_model", environment, statements, events=False)

    def _definition(self) -> TrainingMachine:
        model, shared = self._model, self._model.shared
        return TrainingMachine(
            common=model.machine_common(),
            name_prefix=model.endpoint,
            metric=model.settings.gate.metric,
            settings=model.settings.training,
            role_arn=self.role.known_arn,
            image=shared.images.training,
            models_bucket=shared.lake.models.name,
            model_key_arn=shared.keys.models.arn,
            subnet_ids=shared.network.private_subnet_ids,
            security_group_ids=[shared.network.training_security_group_id],
            select_model_arn=self.select_model.known_alias_arn,
            function_timeout_seconds=shared.platform.settings.functions.timeout_seconds + 30,
            tags=model.all_tags(),
        )

    def _statements(self) -> list[Statement]:
        model, shared, arns = self._model, self._model.shared, self._model.shared.platform.arns
        return [
            *shared.ledger.grant_update(),
            allow(TRAINING_RUN, arns.sagemaker("training-job", f"{model.endpoint}-*")),
            pass_role(self.role.known_arn, "sagemaker.amazonaws.com"),
            # `.sync` learns of the end of a job through a rule that Step Functions keeps in the account.
            allow(SYNC_RULE, arns.event_rule("StepFunctionsGetEventsForSageMakerTrainingJobsRule")),
            *shared.keys.models.grant_lend(),
            *self.select_model.grant_invoke(),
            *shared.notifications.grant_publish(),
            *model.failures.grant_send(),
        ]

    def _schedule(self, expression: str) -> None:
        Schedule(
            f"{self._name}-schedule",
            shared=self._model.shared,
            schedule_name=self._model.name("retraining"),
            expression=expression,
            target=self.trigger,
            event={"reason": "schedule"},
            dead_letters=self._model.failures,
            opts=pulumi.ResourceOptions(parent=self),
        )
