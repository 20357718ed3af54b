"""What the stacks' previews say, in short and in Markdown, for a comment on a pull request: `python .ci/preview_report.py dev prod`.

Ends with 1 when a preview failed, after the report of all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MLOPS = Path(sys.executable).with_name("mlops")
SHOWN = 30


def section(stack: str, document: Mapping[str, Any]) -> str:
    """One stack: a line of figures, and what the rules found, mandatory first."""
    if "error" in document:
        return f"### {stack}: no preview\n\n{document['error']['message']} ({document['error']['where']})\n"
    policy = document["policy"]
    findings = sorted((f for f in policy["findings"] if f["outcome"] in ("fail", "error")), key=lambda f: f["level"] != "mandatory")
    figures = f"{len(document['resources'])} resources · {policy['rules']} rules · {policy['pass']} pass · {policy['fail']} fail"
    lines = [f"### {stack}", "", f"{figures} · {policy['exempt']} exempt · {policy['not_evaluable']} not evaluable", ""]
    lines += [f"- {f['level']}: `{f['rule']}` {f['urn'].rsplit('::', 1)[-1]}: {f['message']}" for f in findings[:SHOWN]]
    lines += [f"- … and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    return "\n".join(lines) + "\n"


def main(stacks: list[str]) -> int:
    """The report on standard output."""
    codes = []
    print("## What this change would deploy\n")
    for stack in stacks:
        run = subprocess.run([MLOPS, "preview", "--stack", stack, "--json"], capture_output=True, text=True, check=False)
        codes.append(run.returncode)
        print(section(stack, json.loads(run.stdout)))
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
