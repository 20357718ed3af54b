"""Health checks of the deployed stack: an API that is stopped is noticed, its alarm rings, and ends when it answers again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.sandbox

# The shortest that CloudWatch knows: the alarm's own five minutes are its schedule's.
PERIOD_SECONDS = 10
SETTINGS = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "Dimensions",
    "Period",
    "EvaluationPeriods",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
)
Checks = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def checks(mlops: Any, aws: Any) -> Checks:
    """Runs the function that the schedule runs; its checks by name."""

    def run() -> dict[str, dict[str, Any]]:
        answer = aws("lambda").invoke(FunctionName=f"{mlops.up['outputs']['prefix']}-check-health", Qualifier="live", Payload=b"{}")
        document = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, document
        return {each["check"]: each for each in document["checks"]}

    return run


@pytest.fixture
def alarm(mlops: Any, aws: Any) -> Iterator[Callable[[], str]]:
    """The state of the alarm on the API's check, which for this test judges shorter periods."""
    name, client = f"{mlops.up['outputs']['prefix']}-health-api", aws("cloudwatch")

    def described() -> dict[str, Any]:
        return client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]

    own = {key: value for key, value in described().items() if key in SETTINGS}
    client.put_metric_alarm(**own | {"Period": PERIOD_SECONDS})
    yield lambda: described()["StateValue"]
    # Its own period still holds the failure: the alarm ends with that period.
    client.put_metric_alarm(**own)


@pytest.fixture
def stop_api(mlops: Any, aws: Any) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Stops the API by throttling every request, and lets it go on as before."""
    api, client = mlops.up["outputs"]["api"], aws("apigateway")
    before = client.get_stage(restApiId=api["id"], stageName=api["stage"])["methodSettings"]["*/*"]

    def throttle(rate: float, burst: int) -> None:
        operations = [
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(rate)},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(burst)},
        ]
        client.update_stage(restApiId=api["id"], stageName=api["stage"], patchOperations=operations)

    def go_on() -> None:
        throttle(before["throttlingRateLimit"], before["throttlingBurstLimit"])

    yield lambda: throttle(0, 0), go_on
    go_on()
    assert client.get_stage(restApiId=api["id"], stageName=api["stage"])["methodSettings"]["*/*"] == before


def values(mlops: Any, aws: Any, check: str) -> list[float]:
    """The smallest value of the metric by minute, oldest first."""
    now = datetime.now(UTC)
    points = aws("cloudwatch").get_metric_statistics(
        Namespace=f"{mlops.up['outputs']['prefix']}/health",
        MetricName="healthy",
        Dimensions=[{"Name": "Check", "Value": check}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Minimum"],
    )["Datapoints"]
    return [point["Minimum"] for point in sorted(points, key=lambda point: point["Timestamp"])]


@pytest.mark.spec("REL-7")
def test_anybody_may_ask_whether_the_api_is_there_and_learns_nothing_else(mlops: Any) -> None:
    url = mlops.up["outputs"]["api"]["url"]
    with urlopen(f"{url}/health", timeout=10) as answer:
        assert (answer.status, json.loads(answer.read())) == (200, {"status": "ok"})
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{url}/health", data=b"{}", timeout=10)


@pytest.mark.spec("REL-7")
def test_a_working_stack_is_healthy_by_what_its_services_say(mlops: Any, aws: Any, checks: Checks) -> None:
    found = checks()
    assert set(found) == {"endpoint", "api", "tables", "queues", "keys", "bucket", "machines"}
    assert not [each for each in found.values() if each["outcome"] == "unhealthy"]
    outputs = mlops.up["outputs"]
    assert found["tables"]["targets"] == {outputs["ledger_table"]: "ACTIVE", outputs["predictions_table"]: "ACTIVE"}
    assert len(found["machines"]["targets"]) == 3 and set(found["keys"]["targets"].values()) == {"Enabled"}
    for check in found:
        assert values(mlops, aws, check)[-1] == 1.0, check


@pytest.mark.spec("REL-7", "REL-6d")
def test_a_stopped_api_rings_its_alarm_until_it_answers_again(
    mlops: Any, aws: Any, checks: Checks, alarm: Callable[[], str], stop_api: tuple[Callable[[], None], Callable[[], None]]
) -> None:
    stop, go_on = stop_api
    assert checks()["api"]["outcome"] == "healthy"
    stop()
    found = checks()
    assert {name for name, each in found.items() if each["outcome"] == "unhealthy"} == {"api"}
    assert list(found["api"]["targets"].values()) == ["HTTP 429"]
    assert values(mlops, aws, "api")[-1] == 0.0 and values(mlops, aws, "tables")[-1] == 1.0
    assert alarm() == "ALARM"
    go_on()
    deadline = time.monotonic() + 2 * PERIOD_SECONDS
    while checks()["api"]["outcome"] != "healthy" or alarm() != "OK":
        assert time.monotonic() < deadline, alarm()
        time.sleep(0.5)
