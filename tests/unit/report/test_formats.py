"""Every format of a report is valid and tells every finding once, whatever names and messages hold."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from jsonschema import Draft4Validator, Draft202012Validator
from lxml import etree
from markdown_it import MarkdownIt
from wellarchitected import Resource, evaluate

from mlops.errors import UserError
from mlops.report.files import contents, write
from mlops.report.grouping import PILLARS, resource_name
from mlops.report.junit import junit
from mlops.report.markdown import LIMIT, markdown
from mlops.report.model import SCHEMA_FILE, schema
from mlops.report.page import html
from mlops.report.sarif import sarif
from mlops.report.source import Source
from mlops.text import visible
from tests.pages import Page
from tests.unit.report.conftest import document, finding, reports

DATA = Path(__file__).parent / "data"
SARIF = Draft4Validator(json.loads((DATA / "sarif-schema-2.1.0.json").read_text()))
XSD = etree.XMLSchema(etree.parse(DATA / "junit-10.xsd"))
REPORT = Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
HERE = Source("apps/one", "apps/one/Pulumi.yaml")
Report = dict[str, Any]


def log_of(report: Report, code_scanning: bool = False) -> Report:
    """The log as it is read."""
    return json.loads("".join(sarif(report, HERE, code_scanning)))


def suites_of(report: Report) -> Any:
    """The root of the document of XML."""
    return etree.fromstring("".join(junit(report)).encode())


def files_of(report: Report) -> dict[str, str]:
    """The text of every file of a report."""
    return {name: "".join(text) for name, text in contents(report, HERE)}


def named(report: Report) -> Counter[tuple[str, str]]:
    """Rule and name of each finding."""
    return Counter((each["rule"], visible(resource_name(each["urn"]))) for each in report["policy"]["findings"])


@given(reports())
def test_sarif_is_valid_and_has_every_finding_once(report: Report) -> None:
    log = log_of(report)
    assert [error.message for error in SARIF.iter_errors(log)] == []
    results = [result for run in log["runs"] for result in run["results"]]
    found = Counter((each["ruleId"], each["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]) for each in results)
    assert found == Counter((each["rule"], visible(each["urn"])) for each in report["policy"]["findings"])
    prints = [each["partialFingerprints"]["primaryLocationLineHash"] for each in results]
    assert len(set(prints)) == len(prints)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    assert Counter(each["properties"]["outcome"] for each in results) == Counter(each["outcome"] for each in report["policy"]["findings"])


@given(reports())
def test_junit_is_valid_and_has_every_finding_and_every_rule_once(report: Report) -> None:
    root = suites_of(report)
    assert XSD.validate(root), XSD.error_log
    assert Counter(case.get("name") for case in root.iter("testcase")) == Counter(rule["id"] for rule in report["rules"])
    told = Counter()
    for case in root.iter("testcase"):
        lines = [line for text in case.itertext() for line in text.splitlines() if line.startswith("[")]
        told.update((case.get("name"), line.partition("urn:pulumi:")[2].partition("n: ")[0] + "n") for line in lines)
    assert told == Counter((each["rule"], visible(each["urn"]).removeprefix("urn:pulumi:")) for each in report["policy"]["findings"])
    for suite in [*root.iter("testsuite"), root]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error")):
            assert int(suite.get(attribute)) == sum(case.find(tag) is not None for case in cases)


@given(reports())
@examples(max_examples=60)
def test_the_page_is_whole_and_has_every_finding_once(report: Report) -> None:
    page = Page(html(report))
    assert page.open == []
    assert not page.all("script", "link", "img", "iframe", "object")
    tree = etree.HTML(html(report))
    told: Counter[tuple[str, str]] = Counter()
    for rule in tree.iterfind(".//details[@id]"):
        for line in rule.iterfind(".//ul[@class='resources']/li"):
            told[rule.get("id").removeprefix("finding-"), (line.find("a").text or "").strip()] += 1
    assert told == named(report)
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {attributes["href"][1:] for _, attributes, _ in page.all("a") if attributes["href"].startswith("#")} <= set(ids)


@given(reports())
@examples(max_examples=60)
def test_the_counts_of_the_page_add_up(report: Report) -> None:
    tree = etree.HTML(html(report))
    table = tree.find(".//section[@aria-labelledby='summary']//table")
    rows = [
        [int((cell.text or "0").replace(",", "")) for cell in row.iterfind("td")] for row in table.iter("tr") if row.find("td") is not None
    ]
    assert len(rows) == len(PILLARS) + 1
    assert all(sum(row[:-1]) == row[-1] for row in rows)
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1]
    policy = report["policy"]
    assert rows[-1][-1] + policy["not_applicable"] == policy["evaluations"]
    assert rows[-1][0] == policy["pass"] and rows[-1][2] + rows[-1][3] == policy["fail"]


@given(reports())
def test_markdown_has_every_finding_once_and_nothing_but_our_markup(report: Report) -> None:
    text = markdown(report)
    assert len(text) <= LIMIT
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(text[text.index("|---|") :])
    inline = [child for token in tokens for child in token.children or []]
    assert not [child for child in inline if child.type in ("link_open", "image", "html_inline", "s_open")]
    ours = re.compile(r"(<details><summary>[\w ,-]+: [\w ,]+</summary>|</details>|\s)+")
    assert all(ours.fullmatch(token.content) for token in tokens if token.type == "html_block")
    code = [child.content for child in inline if child.type == "code_inline"]
    names = [resource_name(each["urn"]) for each in report["policy"]["findings"]]
    for name in names:
        marker = re.search(r"n\d+n$", name)
        assert marker and sum(each.endswith(marker[0]) for each in code) == 1, name
    assert not re.search(r"@\w", " ".join(child.content for child in inline if child.type == "text"))


@given(reports())
@examples(max_examples=30)
def test_the_same_document_makes_the_same_bytes_whatever_the_order_of_its_findings(report: Report) -> None:
    turned = {**report, "policy": {**report["policy"], "findings": report["policy"]["findings"][::-1]}}
    first, second = files_of(report), files_of(turned)
    assert {name: text for name, text in first.items() if name != "report.json"} == {
        name: text for name, text in second.items() if name != "report.json"
    }
    assert first == files_of(report)


@given(reports())
@examples(max_examples=30)
def test_the_json_is_the_document_and_follows_the_published_schema(report: Report) -> None:
    text = files_of(report)["report.json"]
    assert json.loads(text) == {"schema": 1, **json.loads(json.dumps(report))}
    assert [error.message for error in REPORT.iter_errors(json.loads(text))] == []


def test_the_published_schema_is_that_of_the_code_and_refuses_what_is_no_report() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == schema(), "run python -m mlops.report.model"
    good = {"schema": 1, **document([finding()])}
    assert REPORT.is_valid(good)
    for key in ("schema", "stack", "policy", "rules"):
        assert not REPORT.is_valid({name: value for name, value in good.items() if name != key})
    assert not REPORT.is_valid({**good, "policy": {**good["policy"], "findings": [finding(outcome="pass")]}})


def test_a_real_evaluation_follows_the_published_schema() -> None:
    urn = "urn:pulumi:dev::app::aws:s3/bucket:Bucket::data"
    verdicts = evaluate([Resource(urn, "aws:s3/bucket:Bucket", "data", {"acl": "public-read"})], stack="dev", today=date(2026, 11, 26))
    report = {"schema": 1, "project": "app", "stack": "dev", "date": "2026-11-26", **json.loads(json.dumps(verdicts.to_dict()))}
    assert [error.message for error in REPORT.iter_errors(report)] == []


@pytest.mark.spec("P2e")
def test_a_failure_is_told_to_code_scanning_where_it_stands_in_the_repository() -> None:
    (run,) = log_of(document([finding(file="parts/a b.py", line=12), finding("bucket-named", file=None, line=None)]))["runs"]
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert [(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in places] == [
        ("apps/one/parts/a%20b.py", 12),
        ("apps/one/Pulumi.yaml", 1),
    ]
    assert {each["artifactLocation"]["uriBaseId"] for each in places} == set(run["originalUriBaseIds"])
    assert [each["level"] for each in run["results"]] == ["error", "warning"]
    assert run["automationDetails"]["id"] == "wellarchitected/app/dev/"


def test_a_result_tells_the_components_around_its_resource_innermost_first() -> None:
    report = document([finding()])
    lake = {"urn": "lake", "type": "acme:Lake", "name": "lake", "parent": "data", "file": "lake.py", "line": 3}
    data = {"urn": "data", "type": "acme:Data", "name": "data", "parent": report["resources"][0]["urn"], "file": "__main__.py", "line": 9}
    report["resources"] = [report["resources"][0], data, lake, {**report["resources"][1], "parent": "lake"}]
    (result,) = log_of(report)["runs"][0]["results"]
    around = [(each["message"]["text"], each["physicalLocation"]["artifactLocation"]["uri"]) for each in result["relatedLocations"]]
    assert around == [("in lake", "apps/one/lake.py"), ("in data", "apps/one/__main__.py")]
    assert list(SARIF.iter_errors(log_of(report))) == []
    assert "in lake lake.py:3" in " ".join(etree.HTML(html(report)).xpath("string(//ul[@class='resources'])").split())


def test_an_exempt_finding_is_suppressed_with_its_reason_and_what_is_not_evaluable_is_open() -> None:
    log = log_of(document([finding(outcome="exempt"), finding("bucket-copied", "not_evaluable")]))
    exempt, open_ = sorted(log["runs"][0]["results"], key=lambda each: each["kind"])
    assert exempt["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "it is public data (lake, until 2027-06-30)"}
    ]
    assert (open_["kind"], open_["level"], "suppressions" in open_) == ("open", "none", False)


def test_code_scanning_gets_open_problems_only_because_github_shows_all_it_gets() -> None:
    report = document(
        [finding(outcome="exempt"), finding("bucket-copied", "not_evaluable"), finding("bucket-named"), finding(outcome="error", name="x")]
    )
    log = log_of(report, code_scanning=True)
    assert list(SARIF.iter_errors(log)) == []
    (run,) = log["runs"]
    assert {each["ruleId"] for each in run["results"]} == {"bucket-named", "bucket-closed"}
    assert [run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] for each in run["results"]] == [
        each["ruleId"] for each in run["results"]
    ]


def test_of_more_findings_than_github_takes_the_worst_are_told_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops.report.sarif.RESULTS", 2)
    log = log_of(document([finding("bucket-named"), finding(), finding("bucket-copied"), finding(outcome="exempt", name="x")]))
    assert list(SARIF.iter_errors(log)) == []
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["bucket-closed", "bucket-copied"]
    (told,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("2 findings are not in this log")


def test_a_fingerprint_stays_when_the_line_moves_and_differs_for_another_resource() -> None:
    def prints(**changes: Any) -> str:
        return log_of(document([finding(**changes)]))["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"]

    assert prints() == prints(line=99) == prints(file="elsewhere.py") == prints(message="said otherwise")
    assert len({prints(), prints(name="other"), prints(state="Train"), prints(rule_id="bucket-copied")}) == 4


def test_more_findings_than_github_shows_of_a_run_become_several_runs_of_their_own_category() -> None:
    log = log_of(document([finding(name=f"data-{number}") for number in range(12_000)]))
    assert [len(run["results"]) for run in log["runs"]] == [5_000, 5_000, 2_000]
    assert len({run["automationDetails"]["id"] for run in log["runs"]}) == 3
    for run in log["runs"]:
        for described in run["tool"]["driver"]["rules"]:
            assert len(described["properties"]["tags"]) <= 10
            assert max(len(described[key]["text"]) for key in ("shortDescription", "fullDescription")) <= 1_024


@pytest.mark.parametrize(
    ("outcomes", "tags"),
    [
        (["error", "fail"], ["error", "system-out"]),
        (["fail", "exempt"], ["failure", "system-out"]),
        (["not_evaluable"], ["skipped"]),
        (["exempt"], ["system-out"]),
        ([], []),
    ],
)
def test_a_test_case_ends_as_its_rule_does(outcomes: list[str], tags: list[str]) -> None:
    root = suites_of(document([finding(outcome=each, name=f"b{n}") for n, each in enumerate(outcomes)]))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert [child.tag for child in cases["bucket-closed"]] == tags
    assert cases["bucket-unseen"].find("skipped").get("message") == "nothing to judge"
    assert cases["bucket-off"].find("skipped").get("message") == "disabled by the configuration"


@pytest.mark.parametrize("limit", [65_536, 20_000])
def test_a_comment_never_gets_longer_than_github_takes_and_counts_what_it_leaves_out(limit: int) -> None:
    found = [finding(["bucket-closed", "bucket-copied"][n % 2], name=f"data-{n}-n{n}n", message=f"{n} " + "x" * 200) for n in range(900)]
    text = markdown(document(found), limit)
    assert len(text) <= limit
    left_out = re.search(r"_([\d,]+) findings have no room here", text)
    assert left_out
    details = text[text.index("<details>") :]
    assert details.count("<details>") == details.count("</details>")
    assert len(re.findall(r"n\d+n`", details)) + int(left_out[1].replace(",", "")) == 900


@pytest.mark.spec("U2")
def test_a_comment_says_in_front_of_the_details_what_stops() -> None:
    text = markdown(document([finding(), finding("bucket-named"), finding(outcome="exempt", name="other")]))
    front = text[: text.index("<details>")]
    assert front.startswith("### ❌ dev: 1 finding stops the deployment\n")
    assert "**bucket-closed** Title of bucket-closed. `data`" in front and "bucket-named" not in front


def test_all_files_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    written = write(document([finding()]), tmp_path / "new" / "folder", HERE)
    assert [Path(each).name for each in written] == [
        "report.json", "report.html", "report.md", "report.sarif", "code-scanning.sarif", "report.junit.xml",
    ]  # fmt: skip
    assert all(Path(each).stat().st_size for each in written)


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError) as raised:
        write(document([finding()]), tmp_path / "taken", HERE)
    assert (raised.value.code, raised.value.exit_code, str(tmp_path / "taken")) == ("cannot-write", 2, raised.value.where)


@pytest.mark.parametrize(
    ("file", "shown"), [("exports/a b.json", "exports/a%20b.json"), ("-", "stdin"), ("/elsewhere/stack.json", "stack.json")]
)
def test_what_has_no_position_is_shown_in_the_file_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Source.of_file(file).uri(finding(file=None, line=None)) == shown


def test_paths_start_at_the_root_of_the_repository_or_at_the_project_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "apps" / "one").mkdir(parents=True)
    assert Source.of_project(tmp_path / "apps" / "one") == Source("", "Pulumi.yaml")
    (tmp_path / ".git").mkdir()
    assert Source.of_project(tmp_path / "apps" / "one") == Source("apps/one", "apps/one/Pulumi.yaml")
    assert Source.of_project(tmp_path) == Source("", "Pulumi.yaml")


@pytest.mark.parametrize("name", ["report.json", "report.sarif", "code-scanning.sarif", "report.junit.xml"])
def test_the_text_of_a_large_report_is_never_whole_in_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops.report.sarif.SHOWN_RESULTS", 100)
    report = document([finding(name=f"data-{number}", message=f"{number} is public. " * 20) for number in range(1_000)])
    text = next(text for each, text in contents(report, HERE) if each == name)
    tracemalloc.start()
    try:
        length = sum(map(len, text))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length > 300_000 and peak < length / 2
