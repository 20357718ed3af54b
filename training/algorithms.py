"""The algorithms side by side: one interface, deterministic on one thread.

Each takes the matrix of `schema.matrix` (categories as codes, missing values as NaN) and gives the probability of the positive label.
With validation rows, boosting finds the number of rounds by early stopping; without, it makes `rounds` of them.
Sources: LightGBM and XGBoost parameter references, scikit-learn user guide 1.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Matrix = np.ndarray
Labelled = tuple[Matrix, np.ndarray]
ROUNDS, PATIENCE, LEARNING_RATE, LEAVES = 300, 20, 0.06, 31
LEAF_ROWS = 20


class Model(Protocol):
    """A trained model; `rounds` is the number of boosting rounds to make when fitting on more rows, 0 where there are none."""

    rounds: int

    def probability(self, rows: Matrix) -> np.ndarray:
        """The probability of the positive label, one a row."""
        ...

    def save(self, directory: Path) -> None:
        """Writes the model into the directory; `load` reads it again."""
        ...


class HistGradientBoosting:
    """scikit-learn's histogram gradient boosting, categories by its own splits."""

    file = "model.joblib"

    def __init__(self, estimator: Any, rounds: int = 0) -> None:
        self.estimator, self.rounds = estimator, rounds

    @classmethod
    def fit(
        cls,
        rows: Matrix,
        labels: np.ndarray,
        categorical: Sequence[bool],
        seed: int,
        rounds: int = ROUNDS,
        validation: Labelled | None = None,
    ) -> Model:
        from sklearn.ensemble import HistGradientBoostingClassifier

        classifier: Any = HistGradientBoostingClassifier
        estimator = classifier(
            learning_rate=LEARNING_RATE,
            max_iter=rounds,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_ROWS,
            categorical_features=list(categorical),
            early_stopping=validation is not None,
            n_iter_no_change=PATIENCE,
            random_state=seed,
        )
        if validation is None:
            return cls(estimator.fit(rows, labels), rounds)
        estimator.fit(rows, labels, X_val=validation[0], y_val=validation[1])
        return cls(estimator, max(1, int(np.argmax(estimator.validation_score_))))  # entry 0 is the score before the first round

    def probability(self, rows: Matrix) -> np.ndarray:
        return self.estimator.predict_proba(rows)[:, 1]

    def save(self, directory: Path) -> None:
        import joblib

        joblib.dump(self.estimator, directory / self.file, compress=3)

    @classmethod
    def load(cls, directory: Path) -> Model:
        import joblib

        return cls(joblib.load(directory / cls.file))


class LogisticRegression(HistGradientBoosting):
    """Logistic regression on imputed, standardised numbers and one-hot categories: the simple model the others must beat."""

    @classmethod
    def fit(
        cls,
        rows: Matrix,
        labels: np.ndarray,
        categorical: Sequence[bool],
        seed: int,
        rounds: int = ROUNDS,
        validation: Labelled | None = None,
    ) -> Model:
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression as Estimator
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        number_columns = [index for index, is_category in enumerate(categorical) if not is_category]
        category_columns = [index for index, is_category in enumerate(categorical) if is_category]
        numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
        encoded = OneHotEncoder(handle_unknown="ignore")
        columns = ColumnTransformer([("numbers", numeric, number_columns), ("categories", encoded, category_columns)])
        return cls(make_pipeline(columns, Estimator(max_iter=300, random_state=seed)).fit(rows, labels))


class LightGBM:
    """LightGBM with its own categorical splits."""

    file = "model.lightgbm.txt"

    def __init__(self, booster: Any, rounds: int = 0) -> None:
        self.booster, self.rounds = booster, rounds

    @classmethod
    def fit(
        cls,
        rows: Matrix,
        labels: np.ndarray,
        categorical: Sequence[bool],
        seed: int,
        rounds: int = ROUNDS,
        validation: Labelled | None = None,
    ) -> Model:
        import lightgbm

        parameters = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": LEARNING_RATE,
            "num_leaves": LEAVES,
            "min_data_in_leaf": LEAF_ROWS,
            "feature_fraction": 0.8,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        columns = [index for index, is_category in enumerate(categorical) if is_category]
        train = lightgbm.Dataset(rows, labels, categorical_feature=columns, free_raw_data=False)
        if validation is None:
            return cls(lightgbm.train(parameters, train, rounds), rounds)
        valid = train.create_valid(validation[0], validation[1])
        booster = lightgbm.train(
            parameters, train, rounds, valid_sets=[valid], callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)]
        )
        return cls(booster, booster.best_iteration)

    def probability(self, rows: Matrix) -> np.ndarray:
        return np.asarray(self.booster.predict(rows, num_threads=1))

    def save(self, directory: Path) -> None:
        self.booster.save_model(str(directory / self.file))

    @classmethod
    def load(cls, directory: Path) -> Model:
        import lightgbm

        return cls(lightgbm.Booster(model_file=str(directory / cls.file)))


class XGBoost:
    """XGBoost's histogram method with categorical splits."""

    file = "model.xgboost.ubj"

    def __init__(self, booster: Any, rounds: int = 0) -> None:
        self.booster, self.rounds = booster, rounds

    @staticmethod
    def _data(rows: Matrix, categorical: Sequence[bool], labels: np.ndarray | None = None) -> Any:
        import xgboost

        return xgboost.DMatrix(
            rows, labels, feature_types=["c" if each else "q" for each in categorical], enable_categorical=True, nthread=1
        )

    @classmethod
    def fit(
        cls,
        rows: Matrix,
        labels: np.ndarray,
        categorical: Sequence[bool],
        seed: int,
        rounds: int = ROUNDS,
        validation: Labelled | None = None,
    ) -> Model:
        import xgboost

        parameters = {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "learning_rate": LEARNING_RATE,
            "max_leaves": LEAVES,
            "max_depth": 0,
            "grow_policy": "lossguide",
            "min_child_weight": 5,
            "seed": seed,
            "nthread": 1,
        }
        train = cls._data(rows, categorical, labels)
        if validation is None:
            return cls(xgboost.train(parameters, train, rounds), rounds)
        evals = [(cls._data(validation[0], categorical, validation[1]), "validation")]
        booster = xgboost.train(parameters, train, rounds, evals=evals, early_stopping_rounds=PATIENCE, verbose_eval=False)
        return cls(booster, booster.best_iteration + 1)

    def probability(self, rows: Matrix) -> np.ndarray:
        return self.booster.predict(self._data(rows, [kind == "c" for kind in self.booster.feature_types]))

    def save(self, directory: Path) -> None:
        self.booster.save_model(directory / self.file)

    @classmethod
    def load(cls, directory: Path) -> Model:
        import xgboost

        booster = xgboost.Booster(model_file=str(directory / cls.file))
        booster.set_param({"nthread": 1})
        return cls(booster)


ALGORITHMS: dict[str, Any] = {
    "hist_gradient_boosting": HistGradientBoosting,
    "lightgbm": LightGBM,
    "xgboost": XGBoost,
    "logistic_regression": LogisticRegression,
}


def algorithm(name: str) -> Any:
    """The class of an algorithm; ValueError names the known ones."""
    if name not in ALGORITHMS:
        raise ValueError(f"hyperparameter algorithm: expected one of {', '.join(ALGORITHMS)}, got {name!r}")
    return ALGORITHMS[name]
