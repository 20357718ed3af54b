"""One comment from the previews of several stacks: a row for each, what stops is open, nothing of others is obeyed, and it always fits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlops.cli.main import run
from mlops.report.comment import Preview, comment
from tests.unit.report.conftest import document, finding, reports, texts
from tests.unit.report.test_difference import bucket, differing

Report = dict[str, Any]
ERROR = {
    "error": {
        "code": "no-stack",
        "message": "expected one of <dev>",
        "where": "Pulumi.new.yaml",
        "hint": "Traceback:\n  ``` @team\n    x = 1",
    }
}


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def test_each_stack_has_a_row_with_what_the_change_makes_of_it() -> None:
    changed = differing([bucket("new"), bucket("mended", acl=1)], [bucket("mended", acl=2)], costs=(10.0, 12.5))
    text = comment([Preview("a", changed), Preview("b", document(stack="prod")), Preview("preview-new", ERROR)])
    assert text.startswith("## What this change would deploy\n\n| stack |")
    assert rows(text)[:4] == [
        ["stack", "", "resources", "findings", "USD a month"],
        ["app dev", "❌ 1 finding stops the deployment", "+1 \\~1 -0", "1 new, 1 fixed", "12.50 (+2.50)"],
        ["app prod", "✅ Nothing stops the deployment", "1 resource", "0", "–"],
        ["preview-new", "❌ no preview", "", "", ""],
    ]


def test_what_stops_is_open_and_the_rest_is_collapsed() -> None:
    text = comment([Preview("a", document([finding()])), Preview("b", document(stack="prod")), Preview("c", ERROR)])
    assert "<details open><summary>app dev: 1 finding stops the deployment</summary>\n\napp · 2026-11-26" in text
    assert "<details><summary>app prod: Nothing stops the deployment</summary>" in text
    assert "<details open><summary>c: no preview</summary>\n\nexpected one of \\<dev\\>\n\n`Pulumi.new.yaml`\n\n````text\nTraceback:\n  ``` @team\n    x = 1\n````\n" in text  # fmt: skip


def test_what_the_real_cli_printed_is_there_from_its_end() -> None:
    log = "\n".join(f"\x1b[32m + line {n}\x1b[0m" for n in range(20_000)) + "\nResources:\n    ~ 2 to update\n"
    text = comment([Preview("a", document())], {"dev": log}, "https://github.com/o/r/actions/runs/1")
    assert "<summary>pulumi preview of dev against AWS</summary>" in text
    assert text.count("\x1b") == 0 and "\n    ~ 2 to update\n```\n" in text and "line 19999" in text and "line 1\n" not in text
    assert text.endswith("The whole reports are artifacts of [this run](https://github.com/o/r/actions/runs/1).\n") and len(text) <= 64_000


@given(st.lists(reports(4) | st.builds(lambda text: {"error": {"code": "c", "message": text, "where": text, "hint": text}}, texts), max_size=4),
       st.dictionaries(texts, texts, max_size=2), st.sampled_from([64_000, 5_000, 2_000]))  # fmt: skip
@examples(max_examples=60, deadline=None)
def test_whatever_previews_hold_the_comment_fits_and_is_ours(documents: list[Report], logs: dict[str, str], limit: int) -> None:
    text = comment([Preview(f"<b>@team-{n}", each) for n, each in enumerate(documents)], logs, limit=limit)
    assert len(text) <= limit
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert not [child for child in inline if child.type in ("link_open", "image", "html_inline", "s_open")]
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert set(re.findall(r"<[^>]*>", html)) <= {"<details>", "<details open>", "</details>", "<summary>", "</summary>"}
    assert html.count("<details") == html.count("</details>")
    assert not re.search(r"@\w", html + " ".join(child.content for child in inline if child.type == "text"))


@pytest.mark.parametrize("stacks", [3, 60, 2_000])
def test_however_many_stacks_there_are_the_comment_fits_and_counts_what_it_leaves_out(stacks: int) -> None:
    found = [finding(name=f"b{n}", message=f"{n} {'🪣' * 60}") for n in range(300 if stacks == 3 else 3)]
    text = comment([Preview("a", document(found, stack=f"s{n}")) for n in range(stacks)])
    assert len(text) <= 64_000 and text.count("<details") == text.count("</details>")
    told = len(re.findall(r"^\| app s\d+ ", text, re.MULTILINE))
    left = re.findall(r"… and ([\d,]+) stacks more", text)
    assert told + sum(int(each.replace(",", "")) for each in left) == stacks
    assert stacks > 3 or text.count("findings have no room here") == 3


def test_a_large_stack_gets_the_room_that_small_ones_leave() -> None:
    large = document([finding(name=f"b{n}", message=f"{n} {'x' * 200}") for n in range(250)], stack="large")
    text = comment([Preview("a", large), Preview("b", document()), Preview("c", document())])
    assert "have no room here" not in text and len(text) > 64_000 / 3 * 1.5


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as stop:
        run(["comment", *map(str, arguments)])
    return stop.value.code, capsys.readouterr().out


def test_the_command_reads_what_a_preview_printed_of_a_stack_and_of_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = []
    for name, printed in (("preview-dev", document([finding()])), ("preview-new", ERROR)):
        (tmp_path / name).mkdir()
        files.append(tmp_path / name / "preview.json")
        files[-1].write_text(json.dumps({"schema": 1, **printed}))
    (tmp_path / "dev.txt").write_text("Resources:\n    12 unchanged\n")
    code, text = call(capsys, *files, "--aws", tmp_path / "dev.txt")
    assert code == 0 and "| app dev | ❌" in text and "| preview-new | ❌ no preview |" in text and "    12 unchanged\n" in text
    code, said = call(capsys, *files, "--out", tmp_path / "comment.md", "--json")
    printed = json.loads(said)
    assert (tmp_path / "comment.md").read_text() == printed["comment"] and printed["characters"] == len(printed["comment"])
    assert printed["stacks"] == [
        {"name": "preview-dev", "previewed": True, "stops": True},
        {"name": "preview-new", "previewed": False, "stops": True},
    ]


@pytest.mark.parametrize(
    ("content", "arguments", "code"),
    [
        (None, [], "no-report"),
        ("{", [], "bad-report"),
        ("[]", [], "bad-report"),
        ('{"error": "x"}', [], "bad-report"),
        ('{"error": {"message": 1, "where": "", "hint": ""}}', [], "bad-report"),
        (json.dumps({"schema": 1, **ERROR}), ["--run", "javascript:alert(1)"], "bad-address"),
        (json.dumps({"schema": 1, **ERROR}), ["--run", "https://a/) [x](y"], "bad-address"),
        (json.dumps({"schema": 1, **ERROR}), ["--aws", "missing.txt"], "cannot-read"),
        (json.dumps({"schema": 1, **ERROR}), ["--out", "/nowhere/at/all.md"], "cannot-write"),
        (json.dumps({"schema": 1, **ERROR}), ["--limit", "10"], "usage"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, arguments: list[str], code: str
) -> None:
    file = tmp_path / "preview.json"
    if content is not None:
        file.write_text(content)
    ended, said = call(capsys, file, *arguments, "--json")
    assert (ended, json.loads(said)["error"]["code"]) == (2, code)
