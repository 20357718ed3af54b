"""The algorithms side by side: one interface, deterministic on one thread.

Each takes the matrix of `schema.matrix` (categories as codes, missing values as NaN) and gives the probability of the positive label.
With validation rows, boosting finds the number of rounds by early stopping; without, it makes `rounds` of them.

LightGBM also fits on several hosts, each with a share of the rows: they exchange histograms and come to one model.
Boosting goes by steps of 50 rounds, each from the bytes that the one before left. A `Keeper` may keep them: whoever goes on from what was
kept does the very same steps, so an interrupted fit ends in the same model. Sources: LightGBM and XGBoost parameter references (continued
training), scikit-learn user guide 1.11 (warm start).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Matrix = np.ndarray
Labelled = tuple[Matrix, np.ndarray]
ROUNDS, PATIENCE, LEARNING_RATE, LEAVES = 300, 20, 0.06, 31
LEAF_ROWS = 20
STEP = 50  # rounds between two checkpoints


@dataclass(frozen=True)
class Progress:
    """How far a fit has come: the rounds made, the model as bytes, the loss on the validation rows after each round."""

    rounds: int = 0
    model: bytes = b""
    scores: tuple[float, ...] = ()
    done: bool = False


class Keeper(Protocol):
    """Keeps a fit's progress beyond the life of this process."""

    def load(self) -> Progress | None:
        """Where to go on from, None at the beginning."""
        ...

    def save(self, progress: Progress) -> None:
        """After every step."""
        ...


@dataclass(frozen=True)
class Cluster:
    """The hosts of a distributed fit by their addresses, in the same order on all of them; which one this is; the first port it may use."""

    addresses: tuple[str, ...]
    rank: int
    port: int

    def parameters(self, step: int) -> dict[str, Any]:
        """LightGBM's data-parallel mode. Each step has ports of its own: those of the one before may not be free again yet."""
        first = self.port + step * len(self.addresses)
        return {
            "tree_learner": "data",
            "pre_partition": True,
            "num_machines": len(self.addresses),
            "machines": ",".join(f"{address}:{first + rank}" for rank, address in enumerate(self.addresses)),
            "local_listen_port": first + self.rank,
            "time_out": 5,
        }


@dataclass(frozen=True, eq=False)
class Fit:
    """What a model is fitted to, and how.

    rows: (n, features) as of `schema.matrix`; labels: (n,) of 0 and 1; categorical: one a feature, True where its values are codes.
    rounds: boosting rounds to make, at most with `validation` (rows and labels), which are watched for early stopping.
    keeper: where progress is kept beyond this process; cluster: the hosts, when this one has a share of the rows only.
    """

    rows: Matrix
    labels: np.ndarray
    categorical: Sequence[bool]
    seed: int
    rounds: int = ROUNDS
    validation: Labelled | None = None
    keeper: Keeper | None = None
    cluster: Cluster | None = None

    def columns(self, *, categorical: bool) -> list[int]:
        """The indices of the features that are categories, or of those that are not."""
        return [index for index, is_category in enumerate(self.categorical) if is_category == categorical]


def boost(step: Callable[[Progress, int], Progress], rounds: int, keeper: Keeper | None) -> Progress:
    """Steps until a fit is done; `step` takes the progress so far and the number of rounds to come to."""
    progress = (keeper.load() if keeper else None) or Progress()
    while not progress.done:
        progress = step(progress, min(rounds, progress.rounds + STEP))
        if keeper:
            keeper.save(progress)
    return progress


def best_round(scores: Sequence[float]) -> tuple[int, bool]:
    """After how many rounds the loss was lowest, and whether `PATIENCE` rounds since brought no better one."""
    best = 0
    for number, score in enumerate(scores):
        if score < scores[best]:
            best = number
        elif number - best >= PATIENCE:
            return best + 1, True
    return best + 1, False


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

    distributed = False
    file = "model.joblib"

    def __init__(self, estimator: Any, rounds: int = 0) -> None:
        self.estimator, self.rounds = estimator, rounds

    @classmethod
    def fit(cls, given: Fit) -> Model:
        import joblib
        from sklearn.ensemble import HistGradientBoostingClassifier

        classifier: Any = HistGradientBoostingClassifier

        def step(before: Progress, target: int) -> Progress:
            estimator = joblib.load(io.BytesIO(before.model)) if before.model else first
            estimator.set_params(max_iter=target)
            watched = {} if given.validation is None else {"X_val": given.validation[0], "y_val": given.validation[1]}
            estimator.fit(given.rows, given.labels, **watched)
            # Entry 0 is the score before the first round; a score is a loss with the other sign.
            scores = tuple(-float(score) for score in estimator.validation_score_[1:]) if watched else ()
            kept = io.BytesIO()
            joblib.dump(estimator, kept)
            return Progress(target, kept.getvalue(), scores, estimator.n_iter_ < target or target == given.rounds)

        first = classifier(
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=LEAF_ROWS,
            categorical_features=list(given.categorical),
            early_stopping=given.validation is not None,
            n_iter_no_change=PATIENCE,
            random_state=given.seed,
            warm_start=True,
        )
        fitted = boost(step, given.rounds, given.keeper)
        return cls(joblib.load(io.BytesIO(fitted.model)), given.rounds if given.validation is None else 1 + int(np.argmin(fitted.scores)))

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
    def fit(cls, given: Fit) -> Model:
        import joblib
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression as Estimator
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
        encoded = OneHotEncoder(handle_unknown="ignore")
        columns = ColumnTransformer(
            [("numbers", numeric, given.columns(categorical=False)), ("categories", encoded, given.columns(categorical=True))]
        )

        def step(_before: Progress, _target: int) -> Progress:
            kept = io.BytesIO()
            joblib.dump(make_pipeline(columns, Estimator(max_iter=300, random_state=given.seed)).fit(given.rows, given.labels), kept)
            return Progress(0, kept.getvalue(), (), done=True)

        return cls(joblib.load(io.BytesIO(boost(step, 0, given.keeper).model)))


class LightGBM:
    """LightGBM with its own categorical splits."""

    distributed = True
    file = "model.lightgbm.txt"

    def __init__(self, booster: Any, rounds: int = 0) -> None:
        self.booster, self.rounds = booster, rounds

    @classmethod
    def fit(cls, given: Fit) -> Model:
        import lightgbm

        parameters = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": LEARNING_RATE,
            "num_leaves": LEAVES,
            "min_data_in_leaf": LEAF_ROWS,
            "feature_fraction": 0.8,
            "seed": given.seed,
            "data_random_seed": given.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        columns = given.columns(categorical=True)

        def step(before: Progress, target: int) -> Progress:
            history: dict[str, Any] = {}
            network = given.cluster.parameters(before.rounds // STEP) if given.cluster else {}
            train = lightgbm.Dataset(given.rows, given.labels, categorical_feature=columns, params={**parameters, **network})
            valid = [] if given.validation is None else [train.create_valid(given.validation[0], given.validation[1])]
            booster = lightgbm.train(
                # The state of the feature sampling is not part of a model: each step has a seed of its own.
                {**parameters, **network, "feature_fraction_seed": given.seed + before.rounds},
                train,
                target - before.rounds,
                valid_sets=valid,
                init_model=lightgbm.Booster(model_str=before.model.decode()) if before.model else None,
                callbacks=[lightgbm.record_evaluation(history)] if valid else [],
            )
            scores = before.scores + tuple(history["valid_0"]["binary_logloss"] if valid else ())
            done = target == given.rounds or (bool(valid) and best_round(scores)[1])
            if given.cluster:
                booster.free_network()
            return Progress(target, booster.model_to_string().encode(), scores, done)

        fitted = boost(step, given.rounds, given.keeper)
        booster = lightgbm.Booster(model_str=fitted.model.decode())
        return cls(booster, given.rounds if given.validation is None else best_round(fitted.scores)[0])

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

    distributed = False
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
    def fit(cls, given: Fit) -> Model:
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
            "seed": given.seed,
            "nthread": 1,
        }
        train = cls._data(given.rows, given.categorical, given.labels)
        evals = [] if given.validation is None else [(cls._data(given.validation[0], given.categorical, given.validation[1]), "validation")]

        def step(before: Progress, target: int) -> Progress:
            history: dict[str, Any] = {}
            base = xgboost.Booster(parameters, model_file=bytearray(before.model)) if before.model else None
            booster = xgboost.train(
                parameters, train, target - before.rounds, evals=evals, evals_result=history, verbose_eval=False, xgb_model=base
            )
            scores = before.scores + tuple(history["validation"]["logloss"] if evals else ())
            done = target == given.rounds or (bool(evals) and best_round(scores)[1])
            return Progress(target, bytes(booster.save_raw("ubj")), scores, done)

        fitted = boost(step, given.rounds, given.keeper)
        booster = xgboost.Booster(parameters, model_file=bytearray(fitted.model))
        return cls(booster, given.rounds if given.validation is None else best_round(fitted.scores)[0])

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
