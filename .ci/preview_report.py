"""What a pull request changes in the previews of its stacks: `python .ci/preview_report.py DIR [--base PROJECT] STACK…`.

Writes each stack's report into DIR/STACK, what all of them say in short into DIR/comment.md, and the open problems of all into
DIR/code-scanning.sarif. With --base, the project as it is without the change, each report says what is new and what is fixed. Ends with 1
when a preview failed, after the report of all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mlops.report.markdown import LIMIT, markdown, plain

MLOPS = Path(sys.executable).with_name("mlops")
TITLE = "## What this change would deploy\n\n"
BYTES = 100_000  # of the comment: an environment variable carries it, and Linux takes 128 KiB for one


def preview(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the document of a preview."""
    run = subprocess.run([MLOPS, "preview", *arguments, "--json"], capture_output=True, text=True, check=False)
    sys.stderr.write(run.stderr)
    return run.returncode, json.loads(run.stdout)


def judged(stack: str, folder: Path, base: Path | None) -> tuple[int, dict[str, Any]]:
    """A stack's preview with its report in a folder, compared with that of the base where there is one."""
    since: list[str] = []
    if base:
        code, document = preview("--project", str(base), "--stack", stack, "--report", str(folder / "base"))
        since = ["--since", str(folder / "base" / "report.json")] if "error" not in document else []
    return preview("--stack", stack, "--report", str(folder), *since)


def section(stack: str, document: dict[str, Any], limit: int) -> str:
    """What is said of one stack."""
    if "error" in document:
        return f"### ❌ {plain(stack)}: no preview\n\n{plain(document['error']['message'])} ({plain(document['error']['where'])})\n"
    return markdown(document, limit)


def comment(documents: dict[str, dict[str, Any]]) -> str:
    """All stacks, in what one comment and one environment variable take."""
    limit = (LIMIT - len(TITLE)) // len(documents) - 1
    while True:
        text = TITLE + "\n".join(section(stack, document, limit) for stack, document in documents.items())
        if len(text) <= LIMIT and len(text.encode()) <= BYTES:
            return text
        limit = limit * 3 // 4


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("stacks", nargs="+")
    parser.add_argument("--base", type=Path)
    given = parser.parse_args(arguments)
    results = {stack: judged(stack, given.folder / stack, given.base) for stack in given.stacks}
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "comment.md").write_text(comment({stack: document for stack, (_, document) in results.items()}), encoding="utf-8")
    logs = [json.loads(file.read_text()) for stack in given.stacks if (file := given.folder / stack / "code-scanning.sarif").is_file()]
    if logs:
        merged = {**logs[0], "runs": [run for log in logs for run in log["runs"]]}
        (given.folder / "code-scanning.sarif").write_text(json.dumps(merged))
    return int(any(code for code, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
