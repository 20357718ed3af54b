"""The platform: settings → components → outputs. Wiring only."""

import pulumi

from components import settings_source
from components.approval_audit import ApprovalAudit
from components.audit import Audit
from components.blocks.table import Table
from components.code import Code
from components.images import Images
from components.keys import Keys
from components.lake import Lake
from components.model import Model
from components.network import Network
from components.notifications import Notifications
from components.observability import Observability
from components.platform import Platform
from components.rest_api import RestApi
from components.shared import Shared
from components.stack_outputs import ModelPipelines, stack_outputs

platform = Platform.of(settings_source.read())

keys = Keys("keys", platform=platform)
lake = Lake("lake", platform=platform, keys=keys)
shared = Shared(
    platform=platform,
    keys=keys,
    lake=lake,
    network=Network("network", platform=platform, log_key=keys.logs),
    notifications=Notifications("notifications", platform=platform, keys=keys),
    ledger=Table("ledger", platform=platform, table_name=platform.name("ledger"), key=keys.operations, data_classification="internal"),
    predictions=Table(
        "predictions", platform=platform, table_name=platform.name("predictions"), key=keys.predictions, data_classification="confidential"
    ),
    images=Images("images", platform=platform, keys=keys),
    code=Code("code", platform=platform, lake=lake),
)
Audit("audit", platform=platform, keys=keys, lake=lake)
approvals = ApprovalAudit("approvals", shared=shared)

pipelines = [ModelPipelines.of(Model(model.name, shared=shared, settings=model)) for model in platform.settings.models]
api = RestApi("api", shared=shared, inference={each.model.key: each.inference for each in pipelines})

Observability(
    "observability",
    shared=shared,
    machines=[name for each in pipelines for name in each.machines()],
    functions=[approvals.function.function_name, *(name for each in pipelines for name in each.functions())],
    work_queues=[each.inference.queue.queue_name for each in pipelines],
    failure_queues=[
        *(approvals.failures.queue_name, shared.notifications.queue_name),
        *(name for each in pipelines for name in each.failure_queues()),
    ],
    endpoints={each.model.key: each.model.endpoint for each in pipelines},
    api=api,
)

for name, value in stack_outputs(shared, api, pipelines).items():
    pulumi.export(name, value)
