"""What SageMaker may do for a model: one role for its training jobs, another for its endpoint."""

from __future__ import annotations

from components.base.grants import (
    ALARM_READ,
    INTERFACE_CREATE,
    INTERFACE_DESCRIBE,
    INTERFACE_LEND,
    INTERFACE_MANAGE,
    LOG_DESCRIBE,
    LOG_GROUP_CREATE,
    LOG_WRITE,
    METRICS_PUT,
    Statement,
    allow,
    allow_anywhere,
)
from components.base.model import Model

TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
NAMESPACES = ["/aws/sagemaker/TrainingJobs", "/aws/sagemaker/Endpoints", "aws/sagemaker/Endpoints"]


def training_statements(model: Model) -> list[Statement]:
    """Read code, contract, manifests, features and the version in service; write the model and checkpoints."""
    lake, keys = model.shared.lake, model.shared.keys
    return [
        *lake.models.grant_read("code/"),
        *lake.models.grant_read(f"{model.key}/"),
        *lake.models.grant_upload(f"{model.key}/training/"),
        *lake.models.grant_upload(f"{model.key}/checkpoints/"),
        *lake.processed.grant_read(f"{model.key}/"),
        *keys.models.grant_volumes(),
        *model.shared.images.grant_pull("training"),
        *_in_network(model),
        *_observed(model, TRAINING_LOG_GROUP),
    ]


def serving_statements(model: Model) -> list[Statement]:
    """Read the model archive."""
    lake, keys = model.shared.lake, model.shared.keys
    return [
        *lake.models.grant_read(f"{model.key}/training/"),
        *keys.models.grant_volumes(),
        *model.shared.images.grant_pull("serving"),
        *_in_network(model),
        *_observed(model, f"/aws/sagemaker/Endpoints/{model.endpoint}"),
        # SageMaker watches the rollback alarms during a deployment.
        allow(ALARM_READ, model.shared.platform.arns.alarm(model.name("endpoint-*"))),
    ]


def _in_network(model: Model) -> list[Statement]:
    arns = model.shared.platform.arns
    interface = arns.ec2("network-interface")
    return [
        allow_anywhere(INTERFACE_DESCRIBE),
        allow(INTERFACE_CREATE, [interface, arns.ec2("subnet"), arns.ec2("security-group")]),
        allow([*INTERFACE_MANAGE[:1], *INTERFACE_LEND], interface),
    ]


def _observed(model: Model, log_group: str) -> list[Statement]:
    arns = model.shared.platform.arns
    return [
        # Calls on a group are judged as `<group>:log-stream:`, so they need the pattern of its streams.
        allow([*LOG_WRITE, *LOG_GROUP_CREATE, *LOG_DESCRIBE[1:]], arns.log_streams(log_group)),
        allow_anywhere(METRICS_PUT, {"StringEquals": {"cloudwatch:namespace": NAMESPACES}}),
    ]
