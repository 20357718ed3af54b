"""Checks of the project, and the command: what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlops.cli.main import run
from mlops.doctor.check import Check, Finding, NotChecked, not_checked, ok, problem
from mlops.doctor.examination import looked
from tests.unit.doctor.conftest import resource

ROOT = Path(__file__).parents[3]
Look = Callable[[str, Any], list[Finding]]
KEYS = {"id", "title", "area", "subject", "status", "found", "expected", "fix", "why"}


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as stop:
        run(["doctor", *arguments, "--json"])
    return int(stop.value.code or 0), json.loads(capsys.readouterr().out)


def project(folder: Path, program: str, settings: str = "config:\n  aws:region: eu-west-1\n") -> Path:
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    for stack in ("dev", "local"):
        (folder / f"Pulumi.{stack}.yaml").write_text(settings)
    (folder / "__main__.py").write_text(program)
    return folder


@pytest.fixture
def without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


BUCKET = "import pulumi_aws as aws\naws.sqs.Queue('q', name={name!r})\n"


def rows(document: dict[str, Any], status: str) -> list[str]:
    return [row["id"] for row in document["checks"] if row["status"] == status]


def test_a_sound_project_before_its_first_up_has_no_problem(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = doctor(capsys, "--project", str(project(tmp_path, BUCKET.format(name="small-q"))))
    assert {"schema", "stack", "status", "exit_code", "verdict", "account", "counts", "checks", "not_applicable", "seconds"} == set(
        document
    )
    assert all(set(row) == KEYS for row in document["checks"])
    failing = [row for row in document["checks"] if row["status"] == "problem" and row["id"] not in ("memory", "policy")]
    assert failing == [] and document["account"] == "no_sandbox"
    assert document["counts"]["ok"] == len(rows(document, "ok"))
    assert code == (1 if document["counts"]["problem"] else 0)


@pytest.mark.usefixtures("without_credentials")
def test_without_credentials_the_account_is_not_asked_and_the_exit_code_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops.doctor.examination.all_checks", lambda: [Check("asks", "Asks", "account", lambda _: [ok("asked")], True)])
    code, document = doctor(capsys, "--stack", "dev", "--project", str(project(tmp_path, "")))
    assert (code, document["status"], document["account"]) == (3, "incomplete", "no_credentials")
    (row,) = document["checks"]
    assert row["status"] == "not_checked" and "credentials" in row["why"] and "aws sso login" in row["fix"] and row["found"] == ""


BAD = problem("this", "that", "do it")


@pytest.mark.usefixtures("without_credentials")
@pytest.mark.parametrize(
    ("stack", "findings", "code", "words"),
    [
        ("local", [ok("fine")], 0, "nothing seen that stands in the way of stack local"),
        ("local", [ok("fine"), not_checked("nobody knows")], 0, "1 not checked"),
        ("local", [BAD], 1, "1 problem stands in the way"),
        ("dev", [BAD, BAD], 1, "2 problems stand in the way of stack dev; the account was not asked"),
        ("dev", [ok("fine")], 3, "no problem seen on this machine and in the project; the account was not asked"),
    ],
)
def test_the_last_line_says_the_exit_code_that_the_command_ends_with(
    stack: str,
    findings: list[Finding],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlops.doctor.examination.all_checks", lambda: [Check("looks", "Looks", "machine", lambda _: findings, False)])
    with pytest.raises(SystemExit) as stop:
        run(["doctor", "--stack", stack, "--project", str(project(tmp_path, ""))])
    last = capsys.readouterr().out.splitlines()[-1]
    assert int(stop.value.code or 0) == code and last.endswith(f"(exit code {code})") and words in last


@pytest.mark.usefixtures("without_credentials")
def test_what_many_checks_could_not_look_at_for_one_reason_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = [Check(f"asks-{number}", f"Asks {number}", "account", lambda _: [ok("asked")], True) for number in range(3)]
    monkeypatch.setattr("mlops.doctor.examination.all_checks", lambda: [*asking, Check("x", "Else", "machine", lambda _: [ok("y")], False)])
    with pytest.raises(SystemExit):
        run(["doctor", "--stack", "dev", "--project", str(project(tmp_path, ""))])
    printed = capsys.readouterr().out
    assert printed.count("no AWS credentials were found") == 1 and "3 checks, such as Asks 0 and Asks 1" in printed
    assert "Else: y" in printed


def test_things_that_one_check_could_not_look_at_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [not_checked("nobody knows", subject=name) for name in ("apples", "pears", "plums")]
    monkeypatch.setattr("mlops.doctor.examination.all_checks", lambda: [Check("q", "Quotas", "quotas", lambda _: findings, False)])
    with pytest.raises(SystemExit):
        run(["doctor", "--project", str(project(tmp_path, ""))])
    assert "3 of Quotas, such as apples and pears: nobody knows" in capsys.readouterr().out


def test_a_region_that_is_misspelt_is_seen_without_an_account(context: Any, examined: Look) -> None:
    assert [each.status for each in examined("region-name", context())] == ["ok"]
    peer = json.dumps({"peer": {"stack": "prod-dr", "region": "eu-moon-1"}})
    wrong = examined("region-name", context(settings={"aws:region": "eu-wset-1", "mlops:recovery": peer}))
    assert [each.status for each in wrong] == ["problem", "problem"]
    assert "eu-west-1" in wrong[0].expected and wrong[0].fix == "correct aws:region in Pulumi.dev.yaml"
    assert "recovery.peer.region" in wrong[1].fix


def test_a_wrong_setting_is_told_as_the_preview_tells_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("__main__.py", "components", "contracts"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.local.yaml").write_text((ROOT / "Pulumi.local.yaml").read_text().replace("nat: single", "nat: two", 1))
    code, document = doctor(capsys, "--project", str(tmp_path))
    (row,) = [row for row in document["checks"] if row["id"] == "preview"]
    assert code == 1 and (row["status"], row["subject"]) == ("problem", "settings")
    assert "mlops:network.nat" in row["found"] and "'none', 'single'" in row["fix"]
    assert "policy" in rows(document, "not_checked"), "what builds on the preview was not looked at, and is not ok"


def test_an_unknown_stack_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = doctor(capsys, "--stack", "staging", "--project", str(ROOT))
    assert (code, document["error"]["code"]) == (2, "no-stack")


def test_a_name_that_is_too_long_is_found_with_what_to_shorten(context: Any, examined: Look) -> None:
    long = resource("aws:iam/role:Role", "r", name="r" * 70)
    fine = resource("aws:s3/bucket:Bucket", "b", bucket="b" * 63)
    (found,) = examined("name-lengths", context(long, fine))
    assert found.status == "problem" and "70 characters" in found.found and "by 6" in found.fix
    assert [each.status for each in examined("name-lengths", context(fine))] == ["ok"]
    assert examined("name-lengths", context()) == [], "nothing was looked at"


def test_functions_with_another_python_are_a_warning(context: Any, examined: Look) -> None:
    (found,) = examined("runtime", context(resource("aws:lambda/function:Function", "f", runtime="python3.99")))
    assert found.status == "warning" and "python3.99" in found.found


def refuse(code: str, message: str = "no") -> Callable[[Any], list[Finding]]:
    def look(_: Any) -> list[Finding]:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "ListThings")

    return look


@pytest.mark.parametrize(
    ("code", "word"), [("AccessDenied", "permission"), ("ThrottlingException", "throttled"), ("UnsupportedOperation", "no"), ("Odd", "Odd")]
)
def test_what_aws_does_not_answer_is_not_checked_and_says_why(code: str, word: str, context: Any) -> None:
    (found,) = looked(Check("c", "C", "account", refuse(code), False), context())
    assert found.status == "not_checked" and word in found.why and found.found == ""


def test_a_check_that_breaks_is_not_checked_and_ends_no_other(context: Any) -> None:
    def broken(_: Any) -> list[Finding]:
        raise ZeroDivisionError("by zero")

    def refusing(_: Any) -> list[Finding]:
        raise NotChecked("because", "do this")

    (found,) = looked(Check("c", "C", "account", broken, False), context())
    assert found.status == "not_checked" and "ZeroDivisionError" in found.why
    (found,) = looked(Check("c", "C", "account", refusing, False), context())
    assert (found.status, found.why, found.fix) == ("not_checked", "because", "do this")
