"""`mlops ingest`, `train`, `predict`, `drift`: data in, predictions out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlops.cli.options import Json, LocalStack, Model, ProjectDir
from mlops.cli.output import Output
from mlops.operations import ingest as ingestion
from mlops.operations import predictions
from mlops.operations.target import Target
from mlops.operations.training import request_training, wait_for_training
from mlops.project import Project


def ingest(
    files: Annotated[list[Path], typer.Argument(help="CSV files of the model's data set.")],
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Put files into the data pipeline and follow it. Exit 1 when a run fails; rows = accepted + quarantined."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    rows: list[dict[str, Any]] = []
    with output.doing("running the data pipeline"):
        for row in ingestion.ingest(target, model, files):
            rows.append(row)
    document = {"files": rows, "accelerated": target.accelerated}
    output.document(document, lambda console: show_files(console, rows, accelerated=target.accelerated))
    return 1 if any(row["status"] == "failed" for row in rows) else 0


def show_files(console: Any, rows: list[dict[str, Any]], *, accelerated: bool) -> None:
    if accelerated:
        console.print("uploaded through S3 Transfer Acceleration (mlops:performance: transfer_acceleration)", soft_wrap=True)
    for row in rows:
        show_file(console, row)


def show_file(console: Any, row: dict[str, Any]) -> None:
    style = "green" if row["status"] == "succeeded" else "red"
    counted = "no rows counted"
    if row["rows"] is not None:
        counted = f"{row['rows']} rows, {row['accepted']} accepted, {row['quarantined']} quarantined"
    console.print(f"[{style}]{row['status']}[/] {escape(row['uri'])} in {row['seconds']} s: {counted}", soft_wrap=True)
    for reason, count in sorted(row["reasons"].items(), key=lambda item: -item[1])[:10]:
        console.print(f"    {count:>7}  {escape(reason)}")
    if "error" in row:
        console.print(f"    {escape(row['error']['code'])}: {escape(row['error']['message'])}", soft_wrap=True)
        if row["error"]["where"]:
            console.print(f"    where  {escape(row['error']['where'])}", soft_wrap=True)


def train(stack: LocalStack = "local", model: Model = None, project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Start a training on all data ingested so far and wait for it."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    answer = request_training(target, chosen)
    if answer["started"]:
        with output.doing(f"training run {answer['training_run']}"):
            answer |= wait_for_training(target, answer["execution"])
    output.document(
        {"training": answer}, lambda console: console.print(f"{answer.get('status', 'not started')}: {escape(answer['detail'])}")
    )
    return 0 if answer.get("status") == "succeeded" else 1


def predict(
    source: Annotated[str, typer.Argument(help="A CSV file (batch prediction), a JSON file or JSON text (over the API).")],
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key answers the stored prediction.")] = None,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Predict: JSON over the API, a CSV file as a batch. Exit 1 when rows were rejected."""
    output = Output(as_json)
    target = Target.open(Project.at(project), stack)
    name, chosen = target.model(model)
    if source.lower().endswith((".csv", ".csv.gz")):
        with output.doing(f"batch prediction of {source}"):
            summary = predictions.batch(target, {**chosen, "name": name}, Path(source))
        output.document(
            {"batch": summary},
            lambda console: console.print(
                f"{summary['predicted']} predicted, {summary['rejected']} rejected of {summary['rows']} rows: {summary['results']}"
            ),
        )
        return 1 if summary["rejected"] else 0
    answer = predictions.online(target, name, predictions.read_instances(source), key)
    output.document(answer, lambda console: show_predictions(console, answer))
    return 1 if answer["rejected"] else 0


def show_predictions(console: Any, answer: dict[str, Any]) -> None:
    table = Table("id", "value", "probability", "model version", "latency ms", "replayed")
    for row in answer["predictions"]:
        table.add_row(
            row["id"],
            str(row["value"]),
            f"{row['probability']:.4f}",
            str(row["model_version"]),
            f"{row['latency_ms']:.1f}",
            "yes" if row["replayed"] else "no",
        )
    if answer["predictions"]:
        console.print(table)
    for row in answer["rejected"]:
        console.print(f"[red]rejected[/] row {row.get('row')} field {row.get('field')}: {escape(str(row.get('reason')))}")


def drift(
    window: Annotated[str | None, typer.Option(help="Which stored predictions: the id of a batch; default the newest.")] = None,
    stack: LocalStack = "local",
    model: Model = None,
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Compare stored predictions with the training baseline. Exit 1 when features have drifted."""
    target = Target.open(Project.at(project), stack)
    _, chosen = target.model(model)
    answer = predictions.drift(target, chosen, window)
    Output(as_json).document(answer, lambda console: show_drift(console, answer))
    return 1 if answer["drifted"] else 0


def show_drift(console: Any, answer: dict[str, Any]) -> None:
    table = Table("feature", "PSI", "KS", "JS", "threshold", "drifted", title=f"window {answer['window']}", title_justify="left")
    for row in sorted(answer["features"], key=lambda item: -item["psi"]):
        table.add_row(
            row["name"],
            f"{row['psi']:.3f}",
            f"{row['ks']:.3f}",
            f"{row['js']:.3f}",
            str(row["threshold"]),
            "[red]yes[/]" if row["drifted"] else "no",
        )
    console.print(table)
