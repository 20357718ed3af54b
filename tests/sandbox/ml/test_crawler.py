"""A crawl reads its S3 target with the crawler's role and leaves a table that describes what lies there."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from mlops.sandbox.ml.crawler_schema import classify, column_type, partitions, unique_names

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def database(world):
    name = world.name("database").replace("-", "_")
    world.client("glue").create_database(DatabaseInput={"Name": name})
    return name


def crawler(world, database, folder, **fields):
    name = world.name("crawler")
    target = {"S3Targets": [{"Path": f"s3://{world.bucket}/{folder}/", **fields.pop("target", {})}]}
    world.client("glue").create_crawler(Name=name, **{"Role": world.glue_role, "DatabaseName": database, "Targets": target, **fields})
    return name


def crawl(world, name):
    """Start a crawl and wait for its end; GetCrawler's answer."""
    glue = world.client("glue")
    glue.start_crawler(Name=name)

    def ready():
        found = glue.get_crawler(Name=name)["Crawler"]
        return found if found["State"] == "READY" else None

    return world.eventually(ready, 30)


def table(world, database, name):
    return world.client("glue").get_table(DatabaseName=database, Name=name)["Table"]


def columns(found):
    return [(column["Name"], column["Type"]) for column in found["StorageDescriptor"]["Columns"]]


@pytest.mark.spec("P1b")
def test_csv_with_header_becomes_a_typed_table(world, database):
    events = world.events("aws.glue")
    world.put("crawl/flights/2013-01.csv", "Year,Dep Delay,carrier,ok\n2013,1.5,UA,true\n2013,,AA,false\n")
    world.put("crawl/flights/2013-02.csv", "Year,Dep Delay,carrier,ok\n2013,2,B6,true\n")
    name = crawler(world, database, "crawl/flights")
    last = crawl(world, name)["LastCrawl"]
    assert last["Status"] == "SUCCEEDED", last.get("ErrorMessage")
    found = table(world, database, "flights")
    assert columns(found) == [("year", "bigint"), ("dep_delay", "double"), ("carrier", "string"), ("ok", "boolean")]
    assert found["Parameters"]["classification"] == "csv"
    assert found["Parameters"]["skip.header.line.count"] == "1"
    assert (found["Parameters"]["recordCount"], found["Parameters"]["objectCount"]) == ("3", "2")
    assert found["StorageDescriptor"]["Location"] == f"s3://{world.bucket}/crawl/flights/"
    assert "Start Crawl" in world.log("/aws-glue/crawlers", name)
    states = world.eventually(
        lambda: {"Started", "Succeeded"} <= {e["detail"]["state"] for e in events() if e["detail"].get("crawlerName") == name}
    )
    assert states


def test_new_column_updates_the_table_and_log_behaviour_does_not(world, database):
    world.put("crawl/grow/a.csv", "a,b\n1,x\n")
    updating = crawler(world, database, "crawl/grow")
    crawl(world, updating)
    world.put("crawl/grow/a.csv", "a,b,c\n1,x,2\n")
    logging = crawler(world, database, "crawl/grow", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    crawl(world, logging)
    assert [name for name, _ in columns(table(world, database, "grow"))] == ["a", "b"]
    crawl(world, updating)
    assert [name for name, _ in columns(table(world, database, "grow"))] == ["a", "b", "c"]


@pytest.mark.spec("P1b")
def test_parquet_folders_become_partitions(world, database):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array([1, 2], pa.int32()), "when": pa.array([0, 1], pa.timestamp("us")), "tags": [["a"], []]}), buffer)
    for day in ("2013-01-01", "2013-01-02"):
        world.put(f"crawl/daily/date={day}/part-0.parquet", buffer.getvalue())
    crawl(world, crawler(world, database, "crawl/daily", TablePrefix="raw_"))
    found = table(world, database, "raw_daily")
    assert columns(found) == [("n", "int"), ("when", "timestamp"), ("tags", "array<string>")]
    assert found["PartitionKeys"] == [{"Name": "date", "Type": "string"}]
    assert found["Parameters"]["recordCount"] == "4"
    listed = world.client("glue").get_partitions(DatabaseName=database, TableName="raw_daily")["Partitions"]
    assert [entry["Values"] for entry in listed] == [["2013-01-01"], ["2013-01-02"]]
    assert listed[0]["StorageDescriptor"]["Location"].endswith("/date=2013-01-01/")


def test_compressed_json_lines_are_read(world, database):
    world.put("crawl/lines/a.json.gz", gzip.compress(b'{"a": 1, "b": {"c": "x"}, "d": null}\n{"a": 2.5, "b": {"c": "y"}, "d": [1]}\n'))
    crawl(world, crawler(world, database, "crawl/lines"))
    found = table(world, database, "lines")
    assert columns(found) == [("a", "double"), ("b", "struct<c:string>"), ("d", "array<int>")]
    assert found["Parameters"]["compressionType"] == "gzip"


def test_role_without_access_fails_the_crawl(world, database):
    role = world.role("glue.amazonaws.com", "logs:*", "glue:*")
    last = crawl(world, crawler(world, database, "crawl/flights", Role=role))["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "AccessDenied" in last["ErrorMessage"]
    assert world.client("glue").get_crawler(Name=crawler(world, database, "crawl/none"))["Crawler"]["State"] == "READY"


def test_role_that_may_not_write_the_catalog_fails_the_crawl(world, database):
    role = world.role("glue.amazonaws.com", "logs:*", "s3:*", "glue:GetTable")
    world.put("crawl/denied/a.csv", "a,b\n1,x\n")
    last = crawl(world, crawler(world, database, "crawl/denied", Role=role))["LastCrawl"]
    assert last["Status"] == "FAILED"
    assert "glue:CreateTable" in last["ErrorMessage"]


def test_running_crawler_refuses_a_second_start(world, database):
    for number in range(30):
        world.put(f"crawl/many/{number}.csv", "a,b\n1,x\n")
    name = crawler(world, database, "crawl/many")
    world.client("glue").start_crawler(Name=name)
    with pytest.raises(ClientError) as error:
        world.client("glue").start_crawler(Name=name)
    assert error.value.response["Error"]["Code"] == "CrawlerRunningException"
    world.eventually(lambda: world.client("glue").get_crawler(Name=name)["Crawler"]["State"] == "READY", 30)


def test_empty_target_makes_no_table(world, database):
    assert crawl(world, crawler(world, database, "crawl/nothing"))["LastCrawl"]["Status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="not found"):
        table(world, database, "nothing")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Schedule": "cron(0 1 * * ? *)"}, "with a schedule"),
        ({"Classifiers": ["mine"]}, "with custom classifiers"),
        ({"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "p"}]}}, "with targets of the kind JdbcTargets"),
    ],
)
def test_crawlers_that_are_not_carried_out_are_refused(world, database, fields, message):
    with pytest.raises(ClientError, match=message):
        crawler(world, database, "crawl/flights", **fields)


def test_mixed_formats_fail_with_the_advice(world, database):
    world.put("crawl/mixed/a.csv", "a,b\n1,x\n")
    world.put("crawl/mixed/b.json", '{"a": 1}\n')
    last = crawl(world, crawler(world, database, "crawl/mixed"))["LastCrawl"]
    assert "holds csv and json" in last["ErrorMessage"]


def test_header_needs_a_column_that_is_not_text():
    assert classify(b"a,b\nx,y\nz,w\n", "k", True).columns == (("col0", "string"), ("col1", "string"))
    assert classify(b"1,2\n3,4\n", "k", True).columns == (("col0", "bigint"), ("col1", "bigint"))
    assert classify(b"a|b\n1|y\n", "k", True).details["delimiter"] == "|"


def test_types_names_and_partitions():
    assert [column_type(cells) for cells in (["1", ""], ["1", "2.5"], ["1", "x"], ["", ""], ["nan"], ["1_0"])] == [
        "bigint",
        "double",
        "string",
        "",
        "string",
        "string",
    ]
    assert unique_names(["A b", "a_b", ""]) == ["a_b", "a_b_1", "col"]
    assert partitions("date=1/x/file.csv") == (("date", "1"), ("partition_1", "x"))
