"""Resources of two previews matched: by URN, and by alias where something was only moved."""

from __future__ import annotations

from typing import Any

from mlops.compare.aliases import aliases
from mlops.compare.estimates import compared as estimates_compared
from mlops.compare.resources import compared
from mlops.engine.record import Record, RecordedResource, make_urn

BUCKET = "aws:s3/bucket:Bucket"


def resource(name: str, parent: str = "", type_: str = BUCKET, **changes: Any) -> dict[str, Any]:
    urn = make_urn("app", "dev", parent, type_, name)
    return {"urn": urn, "type": type_, "name": name, "parent": parent, "provider": "urn:p", "protect": False, "ignore_changes": [],
            "external": False, "file": "a.py", "line": 1, "inputs": {}, "aliases": []} | changes  # fmt: skip


def named(resources: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in resources]


def test_what_is_added_changed_and_removed() -> None:
    before = [resource("same"), resource("gone"), resource("mended", inputs={"acl": "public"})]
    now = [resource("same", file="b.py", line=9), resource("mended", inputs={"acl": "private"}), resource("new")]
    found = compared(now, before)
    assert (named(found["added"]), named(found["removed"]), found["unchanged"]) == (["new"], ["gone"], 1)
    (changed,) = found["changed"]
    assert changed["properties"] == [{"path": "acl", "before": "public", "after": "private"}] and changed["options"] == []
    back = compared(before, now)
    assert (named(back["added"]), named(back["removed"]), back["unchanged"]) == (["gone"], ["new"], 1)


def test_a_change_that_replaces_the_resource_says_so() -> None:
    """By the provider's data; of a type that it does not cover nothing is said."""
    before, now = ({"name": name, "hashKey": "id", "billingMode": name} for name in ("a", "b"))
    types = ("aws:dynamodb/table:Table", "other:x:Y")
    found = compared(
        [resource(type_, type_=type_, inputs=now) for type_ in types], [resource(type_, type_=type_, inputs=before) for type_ in types]
    )
    replacing = {each["name"]: [change["path"] for change in each["properties"] if change.get("replaces")] for each in found["changed"]}
    assert replacing == {"aws:dynamodb/table:Table": ["name"], "other:x:Y": []}


def test_taking_protection_off_is_a_change() -> None:
    (changed,) = compared([resource("data")], [resource("data", protect=True)])["changed"]
    assert changed["options"] == [{"path": "protect", "before": True, "after": False}] and changed["properties"] == []


def test_a_resource_with_an_alias_is_moved_not_added_and_removed() -> None:
    old = resource("data", inputs={"acl": "private"})
    parent = make_urn("app", "dev", "", "app:x:Lake", "lake")
    new = resource("data", parent, inputs={"acl": "private"}, aliases=["urn:pulumi:dev::app::x::nobody", old["urn"]])
    found = compared([new], [old])
    assert (found["added"], found["removed"], found["unchanged"]) == ([], [], 0)
    assert found["changed"][0]["moved_from"] == old["urn"] and found["changed"][0]["properties"] == []


def test_an_alias_takes_nothing_from_a_resource_that_is_still_there() -> None:
    old = resource("data")
    found = compared([resource("data"), resource("copy", aliases=[old["urn"]])], [old])
    assert (named(found["added"]), found["removed"], found["unchanged"]) == (["copy"], [], 1)


def recorded(name: str, type_: str, parent: str, specs: list[dict[str, Any]]) -> RecordedResource:
    return RecordedResource(
        urn=make_urn("app", "dev", parent, type_, name), type=type_, name=name, custom=True, remote=False, parent=parent, provider="",
        protect=False, inputs={}, outputs={}, dependencies=[], property_dependencies={}, options={"aliases": specs} if specs else {},
    )  # fmt: skip


def test_what_lies_in_a_renamed_component_was_there_under_its_former_name() -> None:
    """As under the CLI: the type of the former parent, and its name where the child's begins with it."""
    lake = recorded("lake", "app:x:Lake", "", [{"name": "store", "type": "app:x:Store"}])
    child = recorded("lake-raw", BUCKET, lake.urn, [])
    renamed = recorded("clean", BUCKET, lake.urn, [{"name": "dirty"}, {"urn": "urn:pulumi:dev::app::t::elsewhere"}, {"noParent": True}])
    found = aliases(Record("app", "dev", [lake, child, renamed]))
    store, prefix = "app:x:Store", "urn:pulumi:dev::app::"
    assert found == {
        lake.urn: [f"{prefix}{store}::store"],
        child.urn: [f"{prefix}{store}${BUCKET}::store-raw"],
        renamed.urn: [
            f"{prefix}app:x:Lake${BUCKET}::dirty", "urn:pulumi:dev::app::t::elsewhere", f"{prefix}{BUCKET}::clean",
            f"{prefix}{store}${BUCKET}::clean", f"{prefix}{store}${BUCKET}::dirty",
        ],
    }  # fmt: skip


NOTHING: dict[str, Any] = {"added": [], "changed": [], "removed": []}


def cost(**services: float) -> dict[str, Any]:
    def figures(number: float) -> dict[str, float]:
        return {"low": number / 2, "expected": number, "high": number * 2}

    listed = [{"service": name, **figures(number)} for name, number in services.items()]
    return {"cost": {"monthly_usd": figures(sum(services.values())), "services": listed}}


def test_the_difference_of_an_estimate_is_told_by_service() -> None:
    told = estimates_compared(cost(s3=1.0, lambda_=2.0, new=5.0), cost(s3=1.0, lambda_=3.0, gone=4.0), NOTHING)
    total = told["cost"]["monthly_usd"]
    assert (total["before"]["expected"], total["after"]["expected"], total["difference"]["expected"]) == (8.0, 8.0, 0.0)
    services = {each["service"]: each for each in told["cost"]["services"]}
    assert {name: each["difference"]["high"] for name, each in services.items()} == {"lambda_": -2.0, "new": 10.0, "gone": -8.0}
    assert services["new"]["before"] is None and services["gone"]["after"] is None and "carbon" not in told


def test_a_base_without_an_estimate_is_told() -> None:
    assert estimates_compared(cost(s3=1.0), {}, NOTHING) == {"cost": None}
    assert estimates_compared({}, cost(s3=1.0), NOTHING) == {}
