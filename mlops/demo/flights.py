"""The story `mlops demo` tells: a year of real flights through the data, training and inference pipelines."""

from __future__ import annotations

import gzip
import hashlib
import io
import time
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from rich.markup import escape
from sklearn.metrics import roc_auc_score

from mlops import engine, policy
from mlops.data import flights as data
from mlops.demo.runner import StepFailed, Story
from mlops.operations import ingest, models, predictions, privileges
from mlops.operations.deployment import deploy_local
from mlops.operations.target import Target
from mlops.operations.training import next_execution, wait_for_training
from mlops.project import Project

MODEL = "flights"
TRAINING_MONTHS, LATER_MONTHS, REPLAYED_MONTHS = (1, 2), (3, 4, 5, 6), (7, 8, 9, 10, 11, 12)
BROKEN_ROWS = 25
SHOWN_SECONDS = 0.05
SHOWN_FINDINGS = 10
MONTH_NAMES = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]


def names(months: tuple[int, ...]) -> str:
    """(3, 4, 5) → March–May."""
    return MONTH_NAMES[months[0] - 1] if len(months) == 1 else f"{MONTH_NAMES[months[0] - 1]}–{MONTH_NAMES[months[-1] - 1]}"


def timeline(steps: list[dict[str, Any]]) -> str:
    """States with their seconds, each once; those that took no time to speak of are left out."""
    seconds: dict[str, float] = {}
    for step in steps:
        seconds[step["name"]] = seconds.get(step["name"], 0.0) + (step["seconds"] or 0.0)
    return " → ".join(f"{name} {total:.1f} s" for name, total in seconds.items() if total >= SHOWN_SECONDS)


class FlightsStory:
    """The steps, in order; each returns its facts and raises StepFailed when what it shows did not happen."""

    def __init__(self, project: Project, story: Story, *, keep: bool) -> None:
        self.project, self.story, self.keep = project, story, keep
        self.folder = project.state / "demo"
        self.passed = 0

    # what the steps share -------------------------------------------------------------------------------------------
    @property
    def target(self) -> Target:
        return self._target

    @property
    def model(self) -> dict[str, Any]:
        return {**self.target.model(MODEL)[1], "name": MODEL}

    def tell(self) -> None:
        """Runs the whole story."""
        self.story.run_all(
            [
                ("preview", "Preview of stacks dev and prod, judged by the policy pack", self.preview),
                ("up", "The platform into the sandbox", self.up),
                ("data", "A year of flights out of New York as CSV files", self.write_files),
                ("ingest", f"Data pipeline: {names(TRAINING_MONTHS)}, {BROKEN_ROWS} rows broken on purpose", self.ingest_first),
                ("train", "Training: the models compared", self.first_training),
                ("deploy", "Approval and deployment", lambda: self.approve("best of its run, better than the trivial baseline")),
                ("predict", "Ten predictions over the API", self.predict),
                ("ingest-later", f"Data pipeline: {names(LATER_MONTHS)} as one file", self.ingest_later),
                ("drift", "Later months replayed through the endpoint until drift is found", self.replay_until_drift),
                ("retrain", "Retraining, started by the drift alarm", self.retraining),
                (
                    "redeploy",
                    "The new version into service",
                    lambda: self.approve("retrained after drift; better on the same later flights"),
                ),
                ("replay", "The rest of the year through the new version", self.replay_rest),
                ("privileges", "Least privilege, from the record of every call", self.privileges),
                ("where", "Where everything lies", self.where),
            ]
        )

    # steps ----------------------------------------------------------------------------------------------------------
    def preview(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for stack in ("dev", "prod"):
            self.story.progress(stack)
            record = engine.preview(self.project.root, stack)
            config = self.project.root / policy.CONFIG_FILE
            report = policy.evaluate(record, policy.load_config(config) if config.is_file() else None, date.today())
            verdicts = report.to_dict()
            judged, items = verdicts["policy"], verdicts["checklist"]
            passed = sum(item["status"] == "pass" for item in items)
            self.story.say(
                f"{stack:<5} {len(record.resources)} resources · {judged['rules']} rules, {judged['evaluations']} evaluations: "
                f"{judged['pass']} pass, {judged['fail']} fail, {judged['not_evaluable']} not evaluable · checklist {passed} of {len(items)}"
            )
            facts[stack] = {
                "resources": len(record.resources),
                **{key: judged[key] for key in ("rules", "evaluations", "pass", "fail", "not_evaluable", "error")},
                "checklist_pass": passed,
                "checklist": {item["id"]: item["status"] for item in items},
            }
            if report.blocking:
                raise StepFailed(f"stack {stack} breaks a mandatory rule; see `mlops preview --stack {stack}`")
        return facts

    def up(self) -> dict[str, Any]:
        deployed = deploy_local(self.project, attached=not self.keep)
        self._target = Target.open(self.project, "local")
        levels = deployed.levels
        self.story.say(
            f"{sum(levels.values())} resources: {levels['executed']} executed, {levels['kept']} kept, {levels['refused']} refused"
        )
        return {"resources": levels, "endpoint": deployed.running.endpoint, "api_url": deployed.outputs["api"]["url"]}

    def write_files(self) -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        first = [
            data.write_month(self.folder, TRAINING_MONTHS[0], broken_rows=BROKEN_ROWS),
            *(data.write_month(self.folder, m) for m in TRAINING_MONTHS[1:]),
        ]
        self.first_files = first
        self.later_file = data.write_months_as_one(self.folder, LATER_MONTHS)
        self.replayed_files = {month: data.write_month(self.folder, month, labelled=False) for month in REPLAYED_MONTHS}
        self.actual = data.labels(REPLAYED_MONTHS)
        files = [*first, self.later_file, *self.replayed_files.values()]
        rows = sum(data.count_rows(file) for file in files)
        self.story.say(f"{rows:,} flights in {len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB")
        return {"flights": rows, "files": [file.name for file in files]}

    def _ingest(self, files: list[Path]) -> list[dict[str, Any]]:
        rows = []
        for row in ingest.ingest(self.target, MODEL, files, lambda file, step: self.story.progress(f"{file}: {step}")):
            if row["status"] != "succeeded":
                raise StepFailed(f"{row['uri']}: {row.get('error', {}).get('message') or row['status']}")
            if row["rows"] != row["accepted"] + row["quarantined"]:
                raise StepFailed(f"{row['uri']}: {row['rows']} rows in, {row['accepted']} + {row['quarantined']} out")
            self.passed += row["rows"]
            name = row["uri"].rsplit("/", 1)[-1]
            self.story.say(
                f"{name}: {row['rows']:,} rows = {row['accepted']:,} accepted + {row['quarantined']:,} quarantined, {row['seconds']} s"
            )
            for reason, count in sorted(row["reasons"].items(), key=lambda item: -item[1]):
                self.story.say(f"    [yellow]{count:>6,}[/]  {escape(reason)}")
            row["steps"] = ingest.steps(self.target, row["execution"])
            self.story.say(f"    [dim]{timeline(row['steps'])}[/]")
            rows.append(row)
        return rows

    def ingest_first(self) -> dict[str, Any]:
        self.since = time.time()
        return {"files": self._ingest(self.first_files)}

    def ingest_later(self) -> dict[str, Any]:
        return {"files": self._ingest([self.later_file])}

    def first_training(self) -> dict[str, Any]:
        return self._training(self.since)

    def _training(self, since: float) -> dict[str, Any]:
        execution = next_execution(self.target, self.model, since)
        result = wait_for_training(self.target, execution)
        if result["status"] != "succeeded":
            raise StepFailed(f"training {result['status']}: {result['detail']}")
        metric = self.model["metric"]
        comparison = result["output"]["comparison"]
        for row in comparison:
            self.story.say(
                f"{row['algorithm']:<24} {metric} {row['metrics'][metric]:.4f}  log loss {row['metrics']['log_loss']:.4f}  [dim]{row['seconds']:.1f} s[/]"
            )
        for other in ("baseline", "incumbent"):
            if f"{other}:{metric}" in comparison[0]["metrics"]:
                label = "trivial baseline" if other == "baseline" else "version in service"
                self.story.say(f"{label:<24} {metric} {comparison[0]['metrics'][f'{other}:{metric}']:.4f}  (same later flights)")
        best = comparison[0]["metrics"]
        if f"incumbent:{metric}" in best:
            self.story.say(f"{'gain of the best':<24} {metric} {best[metric] - best[f'incumbent:{metric}']:+.4f}")
        self.version = result["output"]["version"]
        self.story.say(f"registered as version {self.version}: {result['output']['algorithm']}, {result['output']['status']}")
        if result["output"]["status"] == "Rejected":
            raise StepFailed(f"the gate rejected version {self.version}")
        return {key: result[key] for key in ("execution", "seconds")} | {
            key: result["output"][key]
            for key in ("version", "algorithm", "status", "comparison", "training_run", "reason")
            if key in result["output"]
        }

    def approve(self, reason: str) -> dict[str, Any]:
        since = time.time()
        row = models.decide(self.target, self.model, self.version, "Approved", reason)
        self.story.progress("deployment state machine")
        deployment = models.deployment(self.target, self.model, row["arn"], since)
        if deployment["status"] != "succeeded":
            raise StepFailed(f"deployment failed: {deployment['error']}")
        serving = models.in_service(self.target, self.model)
        if [variant["version"] for variant in serving] != [self.version]:
            raise StepFailed(f"expected version {self.version} in service, found {serving}")
        self.story.say(f"version {self.version} approved and in service at {serving[0]['endpoint']} after {deployment['seconds']} s")
        return {"version": self.version, "reason": reason, "deployment": deployment, "in_service": serving}

    def predict(self) -> dict[str, Any]:
        instances = predictions.first_rows(self.replayed_files[REPLAYED_MONTHS[0]], 10, without={data.TARGET})
        rows, key = [], f"demo-{time.time_ns()}"
        for number, instance in enumerate(instances):
            started = time.perf_counter()
            answer = predictions.online(self.target, MODEL, [instance], None if number else key)
            if answer["rejected"]:
                raise StepFailed(f"the API rejected a real flight: {answer['rejected']}")
            row = answer["predictions"][0] | {"client_ms": round((time.perf_counter() - started) * 1000, 1)}
            rows.append(row)
            self.story.say(
                f"{row['id']:<34} {'late' if row['value'] else 'on time':<8} p(late) {row['probability']:.3f}  version {row['model_version']}  "
                f"{row['latency_ms']:.1f} ms, {row['client_ms']:.1f} ms at the client"
            )
        again = predictions.online(self.target, MODEL, instances[:1], key)["predictions"][0]
        if not again["replayed"] or again["request_id"] != rows[0]["request_id"]:
            raise StepFailed(f"expected the stored answer to request {rows[0]['request_id']} asked again with its key, got {again}")
        self.story.say("[dim]the first one asked again with its idempotency key: the stored answer[/]")
        status, description = self.target.call_api("GET", f"/models/{MODEL}")
        if status != 200 or description["version"] != str(self.version):
            raise StepFailed(f"expected GET /models/{MODEL} to tell of version {self.version}, got {status} {description}")
        self.story.say(f"[dim]GET /models/{MODEL}: version {description['version']} answers[/]")
        return {"predictions": rows, "replayed": again, "description": description}

    def _replay(self, month: int) -> dict[str, Any]:
        file, name = self.replayed_files[month], MONTH_NAMES[month - 1]
        self.story.progress(name)
        summary = predictions.batch(self.target, self.model, file)
        if summary["rows"] != summary["predicted"] + summary["rejected"]:
            raise StepFailed(f"{file.name}: {summary['rows']} rows in, {summary['predicted']} + {summary['rejected']} out")
        self.passed += summary["rows"]
        bucket, prefix = summary["results"].removeprefix("s3://").split("/", 1)
        body = self.target.client("s3").get_object(Bucket=bucket, Key=prefix + "predictions.csv.gz")["Body"].read()
        predicted = pd.read_csv(io.BytesIO(gzip.decompress(body)))[[data.ID, "probability"]]
        joined = predicted.merge(self.actual, on=data.ID).dropna()
        auc = float(roc_auc_score(joined[data.TARGET], joined["probability"]))
        report = self._drift_report(summary["id"])
        drifted = sorted((row for row in report["features"] if row["drifted"]), key=lambda row: -row["psi"])
        self.story.say(
            f"{name:<10} {summary['rows']:,} flights in {summary['seconds']:.1f} s by version {summary['model_version']}, {summary['rejected']} rejected · "
            f"AUC {auc:.3f} once the flights had landed · drift: "
            + (", ".join(f"{row['name']} PSI {row['psi']:.2f}" for row in drifted[:3]) if drifted else "none")
        )
        facts = {key: summary[key] for key in ("id", "rows", "predicted", "rejected", "seconds", "model_version")}
        facts |= {
            "month": name,
            "sha256": hashlib.sha256(gzip.decompress(body)).hexdigest(),
            "auc": auc,
            "drifted": [row["name"] for row in drifted],
            "largest_psi": drifted[0]["psi"] if drifted else 0,
        }
        return facts

    def _drift_report(self, window: str) -> dict[str, Any]:
        """The report that `detect_drift` wrote when the batch's summary arrived."""
        bucket, key = self.target.outputs["buckets"]["predictions"], f"{MODEL}/drift/{window}.json"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.target.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("KeyCount"):
                return self.target.read_json(bucket, key)
            time.sleep(0.2)
        raise StepFailed(f"no drift report for window {window} within 120 s: expected s3://{bucket}/{key}")

    def replay_until_drift(self) -> dict[str, Any]:
        months, self.since = [], time.time()
        while not (months and months[-1]["drifted"]):
            if len(months) == len(REPLAYED_MONTHS):
                raise StepFailed("no drift found in the whole second half of the year")
            months.append(self._replay(REPLAYED_MONTHS[len(months)]))
        self.replayed = len(months)
        alarm = self._alarm()
        self.story.say(f"alarm [red]{alarm['StateValue']}[/] {alarm['AlarmName']}: {escape(alarm['StateReason'])}")
        return {"months": months, "alarm": {"name": alarm["AlarmName"], "state": alarm["StateValue"], "reason": alarm["StateReason"]}}

    def _alarm(self) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            alarm = self.target.client("cloudwatch").describe_alarms(AlarmNames=[self.model["drift_alarm"]])["MetricAlarms"][0]
            if alarm["StateValue"] == "ALARM":
                return alarm
            time.sleep(0.5)
        raise StepFailed(f"alarm {self.model['drift_alarm']} stayed in {alarm['StateValue']}")

    def retraining(self) -> dict[str, Any]:
        return self._training(self.since)

    def replay_rest(self) -> dict[str, Any]:
        months = [self._replay(month) for month in REPLAYED_MONTHS[self.replayed :]]
        if self.passed != data.ALL_FLIGHTS:
            raise StepFailed(f"expected each of {data.ALL_FLIGHTS:,} flights to pass the platform once, {self.passed:,} did")
        self.story.say(f"[green]{self.passed:,} flights passed the platform, each once[/]")
        return {"months": months, "flights": self.passed}

    def privileges(self) -> dict[str, Any]:
        """What `mlops audit --privileges` says of all that the story made the roles do."""
        judged = privileges.privileges(self.target, self.project.root)
        figures = {key: judged[key] for key in ("granted", "used", "explained", "unexplained", "denied")}
        roles = sum(role["acted"] for role in judged["roles"])
        self.story.say(
            f"{figures['granted']} grants of {len(judged['roles'])} roles, {roles} of which acted: {figures['used']} used, "
            f"{figures['explained']} unused with a written reason, {figures['unexplained']} without · {figures['denied']} calls denied"
        )
        for finding in judged["findings"][:SHOWN_FINDINGS]:
            self.story.say(f"[red]{finding['kind']}[/] {finding['role']} {escape(finding['action'])} on {escape(finding['resource'])}")
        if judged["findings"]:
            raise StepFailed(f"{len(judged['findings'])} findings; see `mlops demo --keep`, then `mlops audit --privileges`")
        return {**figures, "roles": len(judged["roles"]), "roles_acted": roles}

    def where(self) -> dict[str, Any]:
        outputs, buckets = self.target.outputs, self.target.outputs["buckets"]
        places = {
            "raw files": f"s3://{buckets['raw']}/{self.model['data_prefix']}",
            "quarantined rows, with reasons": f"s3://{buckets['quarantine']}/{MODEL}/",
            "features and manifests": f"s3://{buckets['processed']}/{MODEL}/",
            "models, baselines": f"s3://{buckets['models']}/{MODEL}/training/",
            "predictions, drift reports": f"s3://{buckets['predictions']}/{MODEL}/",
            "registry": self.model["model_package_group"],
            "API": f"{outputs['api']['url']}/models/{MODEL}/predictions",
            "CSV files": str(self.folder.relative_to(self.project.root)),
        }
        for what, place in places.items():
            self.story.say(f"{what:<32} {place}")
        return places
