"""The 32 items of the Well-Architected checklist and the best practices of the framework (release of 2026-09-22)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Ids, titles and risks in data/best_practices.tsv are of this release; nothing else of the framework's text is here.
FRAMEWORK_VERSION = "2026-09-22"
FRAMEWORK_SOURCE = "https://docs.aws.amazon.com/wellarchitected/latest/framework/"
_ITEMS = {
    "OPS": ("infrastructure as code", "CI/CD pipeline", "automated testing", "monitoring and logging", "incident response"),
    "SEC": (
        "IAM least privilege",
        "encryption at rest",
        "encryption in transit",
        "CloudTrail logging",
        "security groups",
        "VPC configuration",
    ),
    "REL": ("multi-AZ deployment", "automated backups", "error handling", "retry logic", "health checks", "disaster recovery"),
    "PERF": ("serverless architecture", "auto-scaling", "caching (optional)", "right-sized resources", "performance monitoring"),
    "COST": ("cost allocation tags", "spot instances", "lifecycle policies", "on-demand billing", "resource clean-up"),
    "SUS": ("serverless (no idle)", "efficient algorithms", "minimal data transfer", "managed services", "green regions"),
}


@dataclass(frozen=True)
class Item:
    """One item of the checklist."""

    id: str
    pillar: str
    text: str


CHECKLIST: tuple[Item, ...] = tuple(
    Item(f"CHK-{pillar}-{number}", pillar, text) for pillar, texts in _ITEMS.items() for number, text in enumerate(texts, start=1)
)


@dataclass(frozen=True)
class BestPractice:
    """A best practice of the AWS Well-Architected Framework. `risk` is the risk of not following it: HIGH, MEDIUM or LOW."""

    id: str
    title: str
    pillar: str
    risk: str


@cache
def best_practices() -> dict[str, BestPractice]:
    """All best practices by id."""
    text = (files("wellarchitected") / "data" / "best_practices.tsv").read_text(encoding="utf-8")
    return {row["id"]: BestPractice(**row) for row in csv.DictReader(text.splitlines(), delimiter="\t")}
