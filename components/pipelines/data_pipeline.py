"""The data pipeline of a model: an object in the raw bucket starts crawl, validation and preprocessing, then training."""

from __future__ import annotations

import pulumi

from components.base.contracts import maximum_rejected_fraction
from components.base.grants import CRAWLER_RUN, JOB_RUN, Statement, allow
from components.base.model import Model
from components.blocks.event_trigger import EventTrigger
from components.blocks.function import Function
from components.blocks.state_machine import StateMachine
from components.pipelines.glue_jobs import GlueJobs
from components.state_machines.data import DataMachine, data_definition


class DataPipeline(pulumi.ComponentResource):
    """`machine` runs once for each object version under `data/<model>/`; without `training_trigger` it ends with the manifest."""

    def __init__(self, name: str, *, model: Model, training_trigger: Function | None, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:data:DataPipeline", name, None, opts)
        shared = model.shared
        child = pulumi.ResourceOptions(parent=self)
        self.glue = GlueJobs(f"{name}-glue", model=model, opts=child)
        self.machine = StateMachine(
            f"{name}-machine",
            platform=shared.platform,
            machine_name=model.name("data"),
            pipeline="data",
            model=model.key,
            definition=data_definition(self._definition(model, training_trigger)),
            statements=self._statements(model, training_trigger),
            log_key=shared.keys.logs,
            tags=model.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.glue]),
        )
        EventTrigger(
            f"{name}-object-created",
            platform=shared.platform,
            rule_name=model.name("object-created"),
            description=f"New data of {model.key} starts its data pipeline",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [shared.lake.raw.name]}, "object": {"key": [{"prefix": f"data/{model.key}/"}]}},
            },
            target=self.machine,
            dead_letters=model.failures,
            opts=child,
        )
        self.register_outputs({"state_machine": self.machine.arn})

    def _definition(self, model: Model, training_trigger: Function | None) -> DataMachine:
        shared, settings = model.shared, model.shared.platform.settings
        contract = shared.platform.contracts[model.key]
        return DataMachine(
            common=model.machine_common(),
            crawler=model.name("crawler"),
            validate_job=model.name("validate"),
            preprocess_job=model.name("preprocess"),
            job_timeout_seconds=settings.glue.timeout_minutes * 60 + 600,
            contract_uri=shared.code.contracts[model.key],
            processed_bucket=shared.lake.processed.name,
            quarantine_bucket=shared.lake.quarantine.name,
            maximum_rejected_fraction=maximum_rejected_fraction(contract, model.settings.maximum_rejected_fraction),
            training_trigger_arn=training_trigger.known_alias_arn if training_trigger else None,
            function_timeout_seconds=settings.functions.timeout_seconds + 30,
        )

    def _statements(self, model: Model, training_trigger: Function | None) -> list[Statement]:
        shared, arns = model.shared, model.shared.platform.arns
        jobs = [arns.glue("job", model.name(script)) for script in ("validate", "preprocess")]
        return [
            *shared.ledger.grant_write(),
            allow(CRAWLER_RUN, arns.glue("crawler", model.name("crawler"))),
            allow(JOB_RUN, jobs),
            *(training_trigger.grant_invoke() if training_trigger else []),
            *shared.notifications.grant_publish(),
            *model.failures.grant_send(),
        ]
