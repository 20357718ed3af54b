"""How long the names of a stack become, against what AWS allows.

Every name starts with `<project>-<stack>`; what follows is fixed, or holds a model's name. The longest of each kind stand here, so that a project, a stack
or a model with a long name is refused before anything is registered; a test compares the list with what the stacks really register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NameLength:
    """The longest names of a kind: `end` follows the prefix, or the prefix and `-<model>` where there is a model. `source` is AWS's page on the limit."""

    kind: str
    limit: int
    end: str
    of_model: bool
    source: str

    def name(self, prefix: str, model: str) -> str:
        """Such a name, with a stand-in for its variable parts."""
        return f"{prefix}-{model}{self.end}" if self.of_model else f"{prefix}{self.end}"


_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_SAGEMAKER = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
_BACKUP = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"
_STATES = "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"
_SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"

LONGEST = (
    NameLength("S3 bucket", 63, "-predictions-123456789012", False, _S3),
    NameLength("IAM role", 64, "-efficiency-report-weekly", False, _IAM),
    NameLength("IAM role", 64, "-object-created-event", True, _IAM),
    NameLength("Lambda function", 64, "-remediate-public-bucket", False, _LAMBDA),
    NameLength("Lambda function", 64, "-store-predictions", True, _LAMBDA),
    NameLength("SQS queue", 80, "-security-audit-failures", False, _SQS),
    NameLength("SQS queue", 80, "-predictions-dead", True, _SQS),
    NameLength("state machine", 80, "-deployment", True, _STATES),
    NameLength("schedule", 64, "-efficiency-report-weekly", False, _SCHEDULER),
    NameLength("schedule", 64, "-drift-check", True, _SCHEDULER),
    NameLength("event rule", 64, "-remediate-public-bucket", False, _EVENTS),
    NameLength("event rule", 64, "-summary-created", True, _EVENTS),
    NameLength("backup vault", 50, "-backups", False, _BACKUP),
    NameLength("model package group", 63, "", True, _SAGEMAKER),
    # Made while the platform runs: a training run has 12 digits, a deployment its version, its time and 4 digits.
    NameLength(
        "training job",
        63,
        "-123456789012-logreg",
        True,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html",
    ),
    NameLength("endpoint configuration", 63, "-v999-20260101000000-1234", True, _SAGEMAKER),
)


@dataclass(frozen=True)
class TooLong:
    """One name that AWS would refuse, and by how much."""

    length: NameLength
    name: str

    @property
    def over(self) -> int:
        return len(self.name) - self.length.limit


def too_long(prefix: str, models: Sequence[str]) -> TooLong | None:
    """The worst of the names that are too long; None where all fit."""
    model = max(models, key=len, default="")
    found = [TooLong(each, each.name(prefix, model)) for each in LONGEST if model or not each.of_model]
    worst = max(found, key=lambda each: each.over)
    return worst if worst.over > 0 else None
