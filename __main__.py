"""The platform: settings → components → outputs. Wiring only."""

import pulumi

from components.api.cdn import Cdn
from components.api.rest_api import RestApi
from components.base.model import Model
from components.base.platform import Platform
from components.base.runbooks import linked
from components.base.shared import Shared
from components.base.stack_outputs import stack_outputs
from components.cicd.pipeline import CicdPipeline
from components.cost.cost_controls import CostControls
from components.health.health_checks import HealthChecks
from components.observability.observability import Observability
from components.pipelines.approval_audit import ApprovalAudit
from components.pipelines.ended_executions import EndedExecutions
from components.pipelines.model_pipelines import ModelPipelines
from components.recovery.recovery import Recovery
from components.security.audit import Audit
from components.security.boundary import bounded
from components.security.security_audit import SecurityAudit
from components.security.security_response import SecurityResponse
from components.settings import source as settings_source

platform = bounded(linked(Platform.of(settings_source.read())))
models = platform.settings.models if platform.has("data") else []

shared = Shared.of(platform)
audit = Audit("audit", platform=platform, keys=shared.keys, lake=shared.lake)
SecurityResponse("security", shared=shared, audit=audit)
SecurityAudit("security-audit", shared=shared, audit=audit)
Recovery("recovery", shared=shared)

pipelines = [ModelPipelines.of(Model(model.name, shared=shared, settings=model)) for model in models]
api = cdn = None
if platform.has("models"):
    ApprovalAudit("approvals", shared=shared)
    api = RestApi("api", shared=shared, inference={each.model.key: each.lifecycle.inference for each in pipelines if each.lifecycle})
    cdn = Cdn("cdn", shared=shared, api=api) if platform.settings.cdn.enabled else None

if models:
    EndedExecutions("executions", shared=shared)
HealthChecks("health", shared=shared, pipelines=pipelines, api=api)
costs = CostControls("cost", shared=shared, pipelines=pipelines)

# After all functions: it may own their code.
cicd = CicdPipeline("cicd", shared=shared) if platform.has("cicd") else None

# Last: it watches what is in the inventory by then.
Observability("observability", shared=shared, endpoints=[each.model for each in pipelines if each.lifecycle], api=api, audit=audit)

for name, value in stack_outputs(shared, pipelines, api, cdn, cicd).items():
    pulumi.export(name, value)
pulumi.export("cost", costs.outputs)
