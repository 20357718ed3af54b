"""scikit-learn's breast cancer set as a CSV file that fits `contracts/breast_cancer.yaml`: 569 rows, for fast tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.datasets import load_breast_cancer

ID, TARGET = "sample_id", "diagnosis"
ALL_SAMPLES = 569


def samples() -> pd.DataFrame:
    """All samples: `sample_id`, thirty measurements, `diagnosis` (malignant or benign)."""
    data: Any = load_breast_cancer()
    frame: Any = pd.DataFrame(data["data"], columns=pd.Index([name.replace(" ", "_") for name in data["feature_names"]]))
    frame.insert(0, ID, [f"sample-{number:04}" for number in range(len(frame))])
    return frame.assign(**{TARGET: [str(data["target_names"][code]) for code in data["target"]]})


def write(path: Path, *, first: int = 0, last: int = ALL_SAMPLES, labelled: bool = True) -> Path:
    """Writes the samples numbered first (inclusive) to last (exclusive)."""
    frame = samples().iloc[first:last]
    path.parent.mkdir(parents=True, exist_ok=True)
    (frame if labelled else frame.drop(columns=TARGET)).to_csv(path, index=False, lineterminator="\n")
    return path
