"""Inference of a model: predictions over the API, batch predictions of files, and storing of every prediction."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.api.warm_function import WarmFunction
from components.base.grants import ENDPOINT_INVOKE, FUNCTION_INVOKE, Statement, allow
from components.base.model import Model
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import ALIAS, Function, FunctionArgs, function_name
from components.blocks.work_queue import WorkQueue, WorkQueueArgs

# API Gateway gives up after 29 seconds.
API_SECONDS = 29
STORE_BATCH = 500
STORE_WINDOW_SECONDS = 30


class InferencePipeline(pulumi.ComponentResource):
    """`predict` and `batch_predict` answer the API; `queue` holds predictions that are not stored yet."""

    def __init__(self, name: str, *, model: Model, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:InferencePipeline", name, None, opts)
        self._name = name
        self._model = model
        self.endpoint = model.endpoint
        self.queue = self._queue()
        self.predict = self._predict()
        provisioned = model.shared.platform.settings.performance.concurrency.provisioned
        if provisioned:
            WarmFunction(f"{name}-warm", function=self.predict, settings=provisioned, opts=pulumi.ResourceOptions(parent=self))
        self.store = self._store()
        self.batch_predict = self._batch_predict()
        EventTrigger(
            f"{name}-batch-created",
            platform=model.shared.platform,
            rule_name=model.name("batch-created"),
            description=f"A file under batch/{model.key}/ is predicted",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [model.shared.lake.raw.name]}, "object": {"key": [{"prefix": f"batch/{model.key}/"}]}},
            },
            target=self.batch_predict,
            dead_letters=model.failures,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"predict": self.predict.alias_arn, "batch_predict": self.batch_predict.alias_arn})

    def _function(
        self, handler: str, environment: dict[str, Any], statements: list[Statement], seconds: int, *, events: bool = False
    ) -> Function:
        model = self._model
        args = FunctionArgs(
            handler=handler,
            pipeline="inference",
            model=model.key,
            environment={
                "MODEL": model.key,
                "METRIC_NAMESPACE": model.metric_namespace,
                "ALLOWED_ORIGIN": model.shared.platform.settings.api.allowed_origins[0],
                **environment,
            },
            statements=statements,
            timeout_seconds=seconds,
            memory_mb=model.shared.platform.settings.functions.memory_mb,
            dead_letters=model.failures if events else None,
            tags=model.tags,
        )
        return Function(f"{self._name}-{handler.replace('_', '-')}", args, shared=model.shared, opts=pulumi.ResourceOptions(parent=self))

    def _endpoint_statements(self) -> list[Statement]:
        model, arns = self._model, self._model.shared.platform.arns
        endpoint = allow(ENDPOINT_INVOKE, arns.sagemaker("endpoint", model.endpoint))
        return [endpoint, *model.shared.lake.models.grant_get("code/contracts/")]

    def _queue(self) -> WorkQueue:
        model = self._model
        seconds = model.shared.platform.settings.functions.timeout_seconds
        # A batch that times out must not come back while the function may still be at it.
        args = WorkQueueArgs(
            queue_name=model.name("predictions"),
            pipeline="inference",
            model=model.key,
            key=model.shared.keys.operations,
            visibility_seconds=6 * seconds,
        )
        return WorkQueue(f"{self._name}-predictions", args, platform=model.shared.platform, opts=pulumi.ResourceOptions(parent=self))

    def _predict(self) -> Function:
        shared = self._model.shared
        environment = {
            "ENDPOINT": self._model.endpoint,
            "CONTRACT_URI": shared.code.contracts[self._model.key],
            "PREDICTIONS_TABLE": shared.predictions.table_name,
            "PREDICTIONS_QUEUE_URL": self.queue.url,
            "LEDGER_TABLE": shared.ledger.table_name,
        }
        statements = [
            *self._endpoint_statements(),
            *shared.predictions.grant_get(),
            *shared.predictions.grant_write(),
            *self.queue.grant_send(),
        ]
        # A request that could not be answered gives its key back.
        statements += shared.predictions.grant_delete()
        # The ledger tells an endpoint that is switched off for the night from one that was never there.
        statements += shared.ledger.grant_get()
        return self._function("predict", environment, statements, API_SECONDS)

    def _store(self) -> Function:
        shared, key = self._model.shared, self._model.key
        statements = [*self.queue.grant_consume(), *shared.lake.predictions.grant_write(f"{key}/online/")]
        seconds = shared.platform.settings.functions.timeout_seconds
        function = self._function("store_predictions", {"PREDICTIONS_BUCKET": shared.lake.predictions.name}, statements, seconds)
        aws.lambda_.EventSourceMapping(
            f"{self._name}-store",
            event_source_arn=self.queue.arn,
            function_name=function.alias_arn,
            batch_size=STORE_BATCH,
            maximum_batching_window_in_seconds=STORE_WINDOW_SECONDS if shared.platform.settings.stack.environment != "local" else 1,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": 5},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function]),
        )
        return function

    def _batch_predict(self) -> Function:
        model, shared = self._model, self._model.shared
        lake, arns = shared.lake, shared.platform.arns
        environment = {
            "ENDPOINT": model.endpoint,
            "CONTRACT_URI": shared.code.contracts[model.key],
            "RAW_BUCKET": lake.raw.name,
            "PREDICTIONS_BUCKET": lake.predictions.name,
            "LEDGER_TABLE": shared.ledger.table_name,
        }
        own = arns.function_alias(function_name(shared.platform, "batch_predict", model.key), ALIAS)
        statements = [
            *self._endpoint_statements(),
            *lake.raw.grant_get_versions(f"batch/{model.key}/"),
            *lake.predictions.grant_upload(f"{model.key}/batch/"),
            *shared.ledger.grant_write(),
            # An API request is answered at once and worked on by an invocation of its own.
            allow(FUNCTION_INVOKE, own),
        ]
        seconds = shared.platform.settings.functions.batch_timeout_seconds
        return self._function("batch_predict", environment, statements, seconds, events=True)
