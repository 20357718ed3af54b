"""The 32 items of the Well-Architected checklist, the best practices of the framework (release of 2026-09-22) and of its lens for ML."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Ids, titles and risks in data/best_practices.tsv are of this release; nothing else of the framework's text is here.
FRAMEWORK_VERSION = "2026-09-22"
LENS_VERSION = "2025-11-19"
LENS_SOURCE = "https://docs.aws.amazon.com/wellarchitected/latest/machine-learning-lens/"
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
    return {row["id"]: BestPractice(**row) for row in table("best_practices.tsv")}


@dataclass(frozen=True)
class LensPractice:
    """A best practice of the Machine Learning Lens."""

    id: str
    title: str
    pillar: str


@cache
def lens_practices() -> dict[str, LensPractice]:
    """All best practices of the Machine Learning Lens by id."""
    return {row["id"]: LensPractice(**row) for row in table("machine_learning_lens.tsv")}


@cache
def security_hub_controls() -> dict[str, frozenset[str]]:
    """The controls of AWS Security Hub by id, each with the standards it is part of (`FSBP`, `NIST-800-53-5`, `PCI-4.0.1`, `CIS-3.0.0`, …)."""
    return {row["id"]: frozenset(row["standards"].split()) for row in table("security_hub_controls.tsv")}


def table(name: str) -> csv.DictReader[str]:
    """The rows of a table of the pack."""
    return csv.DictReader((files("wellarchitected") / "data" / name).read_text(encoding="utf-8").splitlines(), delimiter="\t")
