"""Route 53 health checks probe what the sandbox serves, and their metric says what they saw."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError


class Site:
    """A server on this machine that is well or not."""

    def __init__(self) -> None:
        self.status = 200
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(site.status)
                self.end_headers()
                self.wfile.write(b'{"status":"ok"}')

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()


def create(aws, **changes) -> str:
    configuration = {"Type": "HTTP", "FailureThreshold": 1, "RequestInterval": 10, "ResourcePath": "/health", **changes}
    answer = aws.client("route53").create_health_check(CallerReference=aws.name("check"), HealthCheckConfig=configuration)
    return answer["HealthCheck"]["Id"]


def latest(aws, check: str, statistic: str = "Maximum") -> float | None:
    """The status of the latest second with a report."""
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Route53",
                        "MetricName": "HealthCheckStatus",
                        "Dimensions": [{"Name": "HealthCheckId", "Value": check}],
                    },
                    "Period": 1,
                    "Stat": statistic,
                },
            }
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"][0]
    points = sorted(zip(found["Timestamps"], found["Values"], strict=True))
    return points[-1][1] if points else None


@pytest.mark.spec("REL-7")
def test_the_metric_follows_the_site_down_and_up_again(aws, site, wait):
    check = create(aws, FullyQualifiedDomainName="localhost", Port=site.server.server_port)
    wait(lambda: latest(aws, check) == 1)
    site.status = 503
    wait(lambda: latest(aws, check, "Minimum") == 0)
    observed = aws.client("route53").get_health_check_status(HealthCheckId=check)["HealthCheckObservations"][0]["StatusReport"]["Status"]
    assert observed.startswith("Failure: HTTP Status Code 503")
    site.status = 200
    wait(lambda: latest(aws, check) == 1)
    aws.client("route53").delete_health_check(HealthCheckId=check)


def test_one_failure_is_not_the_end_where_three_are_asked_for(aws, site, wait):
    check = create(aws, FullyQualifiedDomainName="localhost", Port=site.server.server_port, FailureThreshold=10)
    wait(lambda: latest(aws, check) == 1)
    site.status = 503

    def seen() -> str:
        status = aws.client("route53").get_health_check_status(HealthCheckId=check)
        return status["HealthCheckObservations"][0]["StatusReport"]["Status"]

    wait(lambda: "503" in seen())
    assert latest(aws, check) == 1
    aws.client("route53").delete_health_check(HealthCheckId=check)


@pytest.mark.parametrize("changes", [{"FullyQualifiedDomainName": "example.com"}, {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": 1}])
def test_what_cannot_be_probed_is_refused(aws, changes):
    with pytest.raises(ClientError, match="the sandbox"):
        create(aws, **changes)
