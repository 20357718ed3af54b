"""A SageMaker training job: load, train, evaluate on later data, describe the baseline, write the model.

1. Boosting finds its number of rounds on `train`, watched on `validation`.
2. The model is fitted again on train + validation: the latest rows tell most about the next ones.
3. It is evaluated on `test`, which is later than everything it has seen, beside the trivial baseline and, when the job has the channel
   `incumbent`, the version in service, on the same rows. What is evaluated is what is registered.

Prints one line `metric <name>=<value>;` a metric. Deterministic: sorted rows, seeds, one thread. Both fits keep checkpoints, so that a job
whose spot instance was taken away goes on where it was and ends in the same model.
"""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before numpy is imported: sums in another order are other sums

import json  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import tarfile  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import zlib  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import pandas as pd  # noqa: E402
from platform_common.contract import Contract, ContractError, load  # noqa: E402

import training  # noqa: E402
from training import algorithms, baseline, checkpoints, container, data, evaluation  # noqa: E402
from training.container import TrainingError  # noqa: E402
from training.schema import Schema, category_text, derive, matrix  # noqa: E402

DRIFT_THRESHOLD = 0.2  # population stability index; the industry's usual "significant shift" (Siddiqi, Credit Risk Scorecards, 2006)
# Below 32,768 the system gives no port to a connection by itself: one that it had given away would be taken here, or connected to.
FIRST_PORT, BANDS, PORTS_A_JOB = 20_000, 49, 256
SHIPPED_WITH_MODEL = ("__init__.py", "schema.py", "algorithms.py", "serve.py")


def main() -> int:
    try:
        run()
    except (TrainingError, ContractError, ValueError) as error:
        message = f"training failed: {error}"
        container.report_failure(message)
        print(log_line(message, "ERROR"), file=sys.stderr)
        return 1
    return 0


def run() -> None:
    started = time.perf_counter()
    settings = container.hyperparameters()
    name, metric, seed = settings.get("algorithm", "hist_gradient_boosting"), settings.get("metric", "auc"), int(settings.get("seed", "7"))
    algorithm = algorithms.algorithm(name)
    if metric not in evaluation.HIGHER_IS_BETTER:
        raise TrainingError(f"hyperparameter metric: expected one of {', '.join(evaluation.HIGHER_IS_BETTER)}, got {metric!r}")
    contract = read_contract(container.required_channel("contract"))
    train, validation, test = (data.read(container.required_channel(part), contract) for part in ("train", "validation", "test"))
    seen = pd.concat([train, validation], ignore_index=True)
    schema = data.schema_of(seen, contract, name)
    labels = {
        part: data.label(rows, contract) for part, rows in (("train", train), ("validation", validation), ("test", test), ("seen", seen))
    }
    if len(set(labels["seen"])) < 2:
        raise TrainingError(f"column '{contract.target}': expected both labels among {len(seen)} training rows, got one")
    inputs = {part: matrix(schema, rows) for part, rows in (("train", train), ("validation", validation), ("test", test), ("seen", seen))}

    arrays = {f"{kind} {part}": values[part] for kind, values in (("rows", inputs), ("labels", labels)) for part in ("train", "validation")}
    names, current = container.hosts()
    rank, share = names.index(current), slice(names.index(current), None, len(names))
    if len(names) > 1 and not algorithm.distributed:
        raise TrainingError(f"algorithm {name} fits on one host, the job has {len(names)}: set instance_count to 1 or choose lightgbm")
    kept = checkpoints.Checkpoints(
        container.checkpoint_directory(),
        checkpoints.fingerprint(settings, contract.name, arrays, len(names)),
        lambda message, **more: print(log_line(message, **more), flush=True),
        write=rank == 0,
    )
    watched = algorithm.fit(
        algorithms.Fit(
            inputs["train"][share],
            labels["train"][share],
            schema.categorical,
            seed,
            validation=(inputs["validation"], labels["validation"]),
            keeper=kept.stage("watched"),
            cluster=cluster(names, rank, 0),
        )
    )
    model = algorithm.fit(
        algorithms.Fit(
            inputs["seen"][share],
            labels["seen"][share],
            schema.categorical,
            seed,
            rounds=watched.rounds,
            keeper=kept.stage("final"),
            cluster=cluster(names, rank, 1),
        )
    )
    if rank:
        print(log_line("share trained", host=current, rows=len(labels["seen"][share]), hosts=len(names)))
        return  # the main host has the same model, evaluates it and writes it
    probabilities = model.probability(inputs["test"])
    seconds = time.perf_counter() - started

    scores = {"": evaluation.metrics(labels["test"], probabilities), "baseline:": evaluation.trivial(labels["seen"], labels["test"])}
    if (folder := container.channel("incumbent")) is not None:
        scores["incumbent:"] = incumbent_metrics(folder, test, labels["test"])
    flat = {f"{prefix}{key}": value for prefix, values in scores.items() for key, value in values.items()}
    for key, value in flat.items():
        print(f"metric {key}={value:.10g};")

    directory = container.model_directory()
    schema.save(directory)
    model.save(directory)
    baseline.write(
        directory, baseline_columns(schema, contract, seen) | {baseline.PREDICTION: ("number", probabilities)}, len(seen), DRIFT_THRESHOLD
    )
    write_evaluation(directory, contract, {"train": train, "validation": validation, "test": test}, settings, flat, watched.rounds, seconds)
    ship_code(directory / "code")
    fields = {
        "algorithm": name,
        metric: round(flat[metric], 4),
        "test_rows": len(test),
        "rounds": watched.rounds,
        "seconds": round(seconds, 1),
        "resumed": kept.resumed,
        "hosts": len(names),
    }
    print(log_line("model trained", **fields))


def cluster(names: list[str], rank: int, fit: int) -> algorithms.Cluster | None:
    """The hosts as one fit sees them; None for a job of one host. Ports follow from the job's name, so that all hosts know them."""
    if len(names) == 1:
        return None
    first = FIRST_PORT + zlib.crc32(os.environ.get("TRAINING_JOB_NAME", "").encode()) % BANDS * PORTS_A_JOB
    return algorithms.Cluster(tuple(container.address(name) for name in names), rank, first + PORTS_A_JOB // 2 * fit)


def log_line(message: str, level: str = "INFO", **fields: Any) -> str:
    """A JSON line in the shape of the functions' logs; the correlation id is the training run."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    run_id = os.environ.get("TRAINING_RUN", "")
    known = {"level": level, "message": message, "timestamp": moment, "service": "train", "correlation_id": run_id}
    return json.dumps({**known, **fields}, default=str)


def read_contract(folder: Path) -> Contract:
    files = sorted(folder.rglob("*.json"))
    if len(files) != 1:
        raise TrainingError(f"channel contract: expected one JSON file, got {[file.name for file in files]}")
    return load(files[0].read_bytes())


def incumbent_metrics(folder: Path, test: pd.DataFrame, labels: Any) -> dict[str, float]:
    """The version in service on the same test rows, by its own schema."""
    archives = sorted(folder.rglob("*.tar.gz"))
    if len(archives) != 1:
        raise TrainingError(f"channel incumbent: expected one model.tar.gz, got {[file.name for file in archives]}")
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(archives[0]) as archive:
            archive.extractall(temporary, filter="data")
        schema = Schema.load(Path(temporary))
        model = algorithms.algorithm(schema.algorithm).load(Path(temporary))
    try:
        rows = matrix(schema, test)
    except KeyError as error:
        raise TrainingError(f"channel incumbent: the version in service needs column {error}, which the data no longer has") from error
    return evaluation.metrics(labels, model.probability(rows))


def baseline_columns(schema: Schema, contract: Contract, rows: pd.DataFrame) -> dict[str, tuple[str, Any]]:
    """The features as the baseline describes them: raw values, not codes."""
    derived = {each.name: each for each in schema.derived}
    columns: dict[str, tuple[str, Any]] = {}
    for feature in schema.features:
        if feature.name in derived:
            values = derive(derived[feature.name].function, rows[derived[feature.name].source])
        else:
            values = category_text(rows[feature.name]) if feature.categories is not None else rows[feature.name]
        columns[feature.name] = (contract.feature_type(feature.name), values)
    return columns


def write_evaluation(
    directory: Path,
    contract: Contract,
    parts: dict[str, pd.DataFrame],
    settings: dict[str, str],
    metrics: dict[str, float],
    rounds: int,
    seconds: float,
) -> None:
    """`evaluation.json`: what was trained on which rows and how good it is on later ones."""
    document = {
        "schema": 1,
        "contract": contract.name,
        "hyperparameters": {key: value for key, value in sorted(settings.items()) if not key.startswith("sagemaker_")},
        "rows": {part: len(rows) for part, rows in parts.items()},
        "windows": {part: data.window(rows, contract) for part, rows in parts.items()},
        "rounds": rounds,
        "seconds": round(seconds, 3),
        "metrics": metrics,
    }
    (directory / "evaluation.json").write_text(json.dumps(document, indent=1) + "\n")


def ship_code(folder: Path) -> None:
    """The code that serves the model goes with it, so a version answers the same for as long as it exists."""
    source = Path(training.__file__).parent
    package = folder / "training"
    package.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED_WITH_MODEL:
        shutil.copyfile(source / name, package / name)
    shutil.copyfile(source / "serve.py", folder / "serve.py")


if __name__ == "__main__":
    sys.exit(main())
