"""AWS list prices of what the clean-up and the cost report speak of: estimates beside what AWS bills.

US dollars in us-east-1, on demand, without tax and free tier, as of 2025-10; other regions differ by some 10 percent.
Sources: aws.amazon.com/sagemaker/pricing (real-time inference), /s3/pricing, /cloudwatch/pricing.
"""

from __future__ import annotations

from collections.abc import Iterable

AS_OF = "list prices of us-east-1, 2025-10"
HOURS_A_MONTH = 730
INSTANCE_HOUR = {
    "ml.t2.medium": 0.056,
    "ml.t3.medium": 0.05,
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.c6g.large": 0.0816,
    "ml.m6g.large": 0.0924,
}
STORED_GB_MONTH = {"s3": 0.023, "logs": 0.03}
GB = 1024**3


def instances_month(fleet: Iterable[tuple[str, int]]) -> float | None:
    """Dollars a month of (instance type, count) pairs; None when a type has no known price."""
    fleet = list(fleet)
    if any(kind not in INSTANCE_HOUR for kind, _ in fleet):
        return None
    return round(sum(INSTANCE_HOUR[kind] * count for kind, count in fleet) * HOURS_A_MONTH, 2)


def stored_month(store: str, size: int) -> float:
    """Dollars a month of `size` bytes in S3 ("s3", standard class) or CloudWatch Logs ("logs")."""
    return round(size / GB * STORED_GB_MONTH[store], 6)
