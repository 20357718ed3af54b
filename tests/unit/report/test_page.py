"""The page of a report: what it says of resources, exemptions, remediations and rules that judged nothing."""

from __future__ import annotations

from typing import Any

from lxml import etree

from mlops.report.junit import junit
from mlops.report.markdown import markdown
from mlops.report.page import DEEPEST, LISTED_FINDINGS, WHOLE_TREE, html, tree
from tests.unit.report.conftest import BUCKET, OUTCOMES, STACK, document, finding
from tests.unit.report.test_terminal import shown

COMPONENT = "acme:storage:Lake"


def resource(urn: str, parent: str = STACK, type_: str = BUCKET) -> dict[str, Any]:
    return {"urn": urn, "type": type_, "name": urn, "parent": parent, "file": "lake.py", "line": 3, "protect": False}


def section(report: dict[str, Any], name: str) -> str:
    """The text of a section of the page, its white space as one space."""
    (found,) = etree.HTML(html(report)).xpath(f"//section[@aria-labelledby='{name}']")
    return " ".join("".join(found.itertext()).split())


def test_a_component_says_how_much_is_in_it_and_what_was_found_there() -> None:
    stack, *_ = document()["resources"]
    inside = finding(urn="bucket-1")
    report = document(
        [inside], resources=[stack, resource("lake", type_=COMPONENT), resource("bucket-1", "lake"), resource("bucket-2", "lake")]
    )
    text = section(report, "resources")
    assert "lake acme:storage:Lake lake.py:3 2 inside ✘ 1 mandatory" in text
    assert "bucket-1 aws:s3/bucket:Bucket lake.py:3 ✘ 1 mandatory" in text and "bucket-2 aws:s3/bucket:Bucket lake.py:3" in text


def test_a_provider_is_listed_where_something_was_found_of_it() -> None:
    providers = [resource(urn, "", "pulumi:providers:aws") for urn in ("faulty", "quiet")]
    roots, _ = tree(document([finding(urn="faulty")], resources=providers))
    assert [node.resource["urn"] for node in roots] == ["faulty"]


def test_of_very_many_resources_only_those_with_findings_and_what_they_lie_in_are_listed_and_the_page_says_so() -> None:
    report = document([finding(urn="bucket-7")])
    lakes = [resource(f"lake-{n}", type_=COMPONENT) for n in range(WHOLE_TREE)]
    report["resources"] = [report["resources"][0], *lakes, *(resource(f"bucket-{n}", f"lake-{n}") for n in range(9))]
    roots, listed = tree(report)
    assert listed == 3 and [node.resource["name"] for node in roots[0].below] == ["lake-7", "bucket-7"]
    assert f"3 resources of {len(report['resources']):,}: those with findings" in section(report, "resources")


def test_resources_that_lie_in_each_other_or_too_deep_are_listed_all_the_same() -> None:
    chain = [resource(f"r{n}", f"r{n - 1}" if n else "") for n in range(300)]
    circle = [resource("a", "b"), resource("b", "a"), resource("below", "a"), resource("itself", "itself"), resource("orphan", "nowhere")]
    roots, listed = tree(document(resources=[*chain, *circle]))
    assert listed == 305 == sum(1 + len(node.below) for node in roots)
    deepest = max(len(list(each.iterancestors("ul"))) for each in etree.HTML(html(document(resources=chain))).iterfind(".//li[@id]"))
    assert deepest <= DEEPEST + 2


def test_of_very_many_findings_of_a_rule_the_page_lists_some_and_counts_the_others() -> None:
    text = section(document([finding(name=f"b{n}") for n in range(LISTED_FINDINGS + 7)]), "findings")
    assert text.count(BUCKET) == LISTED_FINDINGS and "… and 7 more findings: report.json has them." in text
    assert f"✘ {LISTED_FINDINGS + 7} mandatory" in text


def test_of_very_many_resources_with_findings_the_tree_has_the_worst() -> None:
    found = [finding("bucket-named", urn=f"bucket-{n}") for n in range(WHOLE_TREE)] + [finding(urn="worst")]
    report = document(found, resources=[resource(each["urn"], "") for each in found])
    roots, listed = tree(report)
    assert listed == WHOLE_TREE and "worst" in {node.resource["urn"] for node in roots}
    assert 'class="urn">bucket-' in html(report), "what is not in the tree is named by its URN"


def test_exemptions_are_listed_once_each_the_next_to_expire_first() -> None:
    late = {"urn": "*", "reason": "r", "owner": "o", "expires": "2027-06-30"}
    soon = {**late, "expires": "2026-11-30"}
    findings = [finding("bucket-copied", "exempt", f"b{n}", exemption=late) for n in range(3)] + [finding(outcome="exempt", exemption=soon)]
    text = section(document(findings), "exemptions")
    assert "2 exemptions in use" in text and text.index("2026-11-30 in 4 days") < text.index("2027-06-30")
    assert text.endswith(" All4")


def test_rules_that_judged_nothing_are_named_with_the_reason() -> None:
    text = section(document(), "not-judged")
    assert "Disabled: 1 rule bucket-off" in text and "Nothing to judge: 1 rule bucket-unseen" in text


def test_a_rule_about_the_report_itself_has_always_something_to_judge() -> None:
    report = document()
    report["rules"].append(
        {**report["rules"][0], "id": "exemptions-valid", "types": ["pulumi:pulumi:Stack"], "counts": dict.fromkeys(OUTCOMES, 0)}
    )
    assert "exemptions-valid" not in section(report, "not-judged")
    (case,) = [
        each for each in etree.fromstring("".join(junit(report)).encode()).iter("testcase") if each.get("name") == "exemptions-valid"
    ]
    assert len(case) == 0


def test_what_a_check_could_not_judge_is_told() -> None:
    types = [{"type": "gcp:Bucket", "count": 3, "why": "other provider"}, {"type": "aws:iot/thing:Thing", "count": 1, "why": "no rule"}]
    text = section(document(not_judged=types, left_out={"being deleted": 2, "none": 0}, pending_operations=["updating"]), "not-judged")
    assert "no rule of this pack is for: 1 type gcp:Bucket (3)" in text
    assert "only the rules for all of AWS judge: 1 type aws:iot/thing:Thing (1)" in text
    assert "Left out: 2 resources, being deleted." in text and "working on 1 resource when it ended" in text and "none" not in text.lower()


def test_remediations_are_told_everywhere() -> None:
    report = document()
    made = {"rule": "bucket-closed", "urn": "urn:pulumi:dev::app::t::data", "changes": {"acl": "private"}, "problem": ""}
    report["policy"]["remediations"] = [made, {**made, "changes": {}, "problem": "the remediation failed with KeyError: 'x'"}]
    assert 'bucket-closed data: acl = "private"' in section(report, "remediations")
    assert "failed with KeyError" in section(report, "remediations")
    assert 'remediated: **bucket-closed** `data` acl = "private"' in markdown(report)
    text = shown(report)
    assert "remediated bucket-closed data" in text and 'acl = "private"' in text and "failed with KeyError" in text


def test_what_the_next_update_will_mend_is_told_apart_from_what_is_mended() -> None:
    made = {"rule": "bucket-closed", "urn": "urn:pulumi:dev::app::t::data", "changes": {"acl": "private"}, "problem": ""}
    text = section(document(mended_by_next_update=[made]), "remediations")
    assert "will change at the next update" in text and 'data: acl = "private"' in text and "the same changes" not in text


def test_a_report_without_resources_names_each_by_its_urn() -> None:
    report = document([finding()])
    del report["resources"]
    assert finding()["urn"] in section(report, "findings")
    assert not etree.HTML(html(report)).xpath("//section[@aria-labelledby='resources']")
