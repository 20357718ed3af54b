"""A metric is its namespace, its name and its set of dimensions: listed once, and read without the data of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

OF_MODEL = [{"Name": "service", "Value": "flights"}]
OF_VERSION = [*OF_MODEL, {"Name": "ModelVersion", "Value": "3"}]


@pytest.fixture
def namespace(aws):
    name, now = aws.name("models"), datetime.now(UTC)
    for minutes, dimensions in ((1, OF_MODEL), (2, OF_VERSION), (3, OF_VERSION), (4, list(reversed(OF_VERSION)))):
        datum = {"MetricName": "Predictions", "Value": 10, "Dimensions": dimensions, "Timestamp": now - timedelta(minutes=minutes)}
        aws.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[datum])
    return name


def total(aws, namespace, dimensions):
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName="Predictions",
        Dimensions=dimensions,
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_a_metric_of_several_dimensions_is_listed_once_however_many_data_it_has(aws, namespace):
    def listed(**asked):
        found = aws.client("cloudwatch").list_metrics(Namespace=namespace, **asked)["Metrics"]
        return sorted(tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"])) for metric in found)

    of_model, of_version = (("service", "flights"),), (("ModelVersion", "3"), ("service", "flights"))
    assert listed() == sorted([of_model, of_version])
    assert listed(Dimensions=[{"Name": "ModelVersion"}]) == [of_version]
    assert listed(Dimensions=[{"Name": "ModelVersion", "Value": "4"}]) == listed(MetricName="Requests") == []


def test_statistics_are_of_just_the_dimensions_asked_for(aws, namespace):
    assert (total(aws, namespace, OF_MODEL), total(aws, namespace, OF_VERSION)) == (10, 30)
    assert total(aws, namespace, [{"Name": "ModelVersion", "Value": "3"}]) == total(aws, namespace, []) == 0
