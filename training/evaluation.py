"""How good probabilities are, and what a model that knows only the share of positives would reach."""

from __future__ import annotations

import numpy as np

HIGHER_IS_BETTER = {"auc": True, "average_precision": True, "accuracy": True, "log_loss": False, "brier": False}


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve by ranks (ties count half); 0.5 when only one label occurs."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    values, inverse, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[inverse][labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the precision-recall curve as a sum over thresholds; the share of positives for a constant."""
    if not labels.sum():
        return 0.0
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], np.cumsum(labels[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last row of each group of equal probabilities
    precision, recall = hits[last] / (last + 1), hits[last] / labels.sum()
    return float(np.sum(np.diff(np.append(0.0, recall)) * precision))


def metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """All metrics of `HIGHER_IS_BETTER` on these rows."""
    clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
    return {
        "auc": auc(labels, probabilities),
        "average_precision": average_precision(labels, probabilities),
        "accuracy": float(np.mean((probabilities >= 0.5) == labels)),
        "log_loss": float(-np.mean(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))),
        "brier": float(np.mean((probabilities - labels) ** 2)),
    }


def trivial(train_labels: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The metrics of the trivial baseline: every row gets the training rows' share of positives."""
    return metrics(labels, np.full(len(labels), float(train_labels.mean())))
