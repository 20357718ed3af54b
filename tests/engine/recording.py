"""Runs a program under the real Pulumi CLI with a pack that records what the engine sends it; `python -m tests.engine.recording` renews the files.

The recordings (tests/unit/engine/recordings) hold no path of a machine and no time: unit tests compare the offline engine with them where
there is no CLI.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.engine.cli import environment as cli_environment
from tests.engine.standin import served_for_previews
from tests.unit.engine import awkward
from tests.unit.engine.requests import compact, said_in

_SALT = b"recorded"
_PROJECT = "<project>"
_CALLBACK = re.compile(r"callback [0-9a-f-]{36}")  # the SDK names a callback anew in every run


def encrypted(text: str) -> str:
    """`text` as the CLI's passphrase secrets manager encrypts it, with an empty passphrase."""
    key = hashlib.pbkdf2_hmac("sha256", b"", _SALT, 1_000_000, 32)
    nonce = hashlib.sha256(text.encode()).digest()[:12]
    return ":".join(["v1", *(base64.b64encode(part).decode() for part in (nonce, AESGCM(key).encrypt(nonce, text.encode(), None)))])


def copied(name: str, directory: Path) -> Path:
    """A copy of the program that the CLI can write into, with encrypted values that it can decrypt: `v1:AAAA:<text>` stands for the text."""
    project = awkward.project(name, directory)
    for file in project.glob("**/Pulumi.*.yaml"):
        text = re.sub(r"v1:AAAA:([\w:./-]+)", lambda match: encrypted(match[1]), file.read_text())
        salt = f"encryptionsalt: v1:{base64.b64encode(_SALT).decode()}:{encrypted('pulumi')}\n"
        file.write_text(salt + text)
    return project


def record(name: str, directory: Path) -> dict[str, Any]:
    """What the CLI's engine sends a policy pack in a preview of a committed program, and what it says; `directory` is for scratch."""
    return record_project(copied(name, directory), "dev", directory)


def record_project(project: Path, stack: str, directory: Path) -> dict[str, Any]:
    """The same of any project that the CLI may write into."""
    file, pack, tools = directory / "requests", directory / "pack", directory / "bin"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("name: recorder\nversion: 1.0.0\nruntime: recorder\n")
    tools.mkdir()
    script = tools / "pulumi-analyzer-policy-recorder"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("recorder.py")}"\n')
    script.chmod(0o755)
    environment = cli_environment(directory)
    environment |= {"PATH": f"{tools}{os.pathsep}{environment['PATH']}", "REQUESTS_FILE": str(file)}

    def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", "--non-interactive", *arguments, "--stack", stack]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)

    with served_for_previews(project) as providers:
        environment["PULUMI_DEBUG_PROVIDERS"] = providers
        made = pulumi("stack", "init")
        if made.returncode:
            raise RuntimeError(made.stderr)
        answer = pulumi("preview", "--json", "--policy-pack", str(pack))
    requests = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    diagnostics = json.loads(answer.stdout)["diagnostics"] if answer.stdout.startswith("{") else []
    configured = next((it for it in requests if it["request"] == "ConfigureStack"), {})
    messages = [(it["severity"].partition("#")[0], it["message"]) for it in diagnostics if "$PATH" not in it["message"]]
    document = {
        "failed": answer.returncode != 0,
        "error": _error(diagnostics) or answer.stderr if answer.returncode else "",
        "said": [] if answer.returncode else said_in(messages),
        "config": configured.get("config", {}),
        "secret": sorted(configured.get("configSecretKeys", [])),
        **compact(requests),
    }
    return json.loads(json.dumps(document).replace(str(project), _PROJECT))


def _error(diagnostics: list[dict[str, Any]]) -> str:
    """The exception that ended the program, or what the engine refused."""
    text = next((it["message"] for it in diagnostics if it["severity"] == "error"), "").removeprefix("error: ").strip()
    text = _CALLBACK.sub("callback <id>", text)
    refused = re.search(r'\bdetails = "(.*?)"\n\s*debug_error_string', text, re.DOTALL)
    return refused[1] if refused else text.splitlines()[-1] if text.startswith("Program failed with") else text


def written(document: dict[str, Any]) -> str:
    """A recording as it is committed."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Renew the recordings of all programs, or of those that are named."""
    for name in sys.argv[1:] or awkward.NAMES:
        with tempfile.TemporaryDirectory() as scratch:
            document = record(name, Path(scratch))
        awkward.recording(name).parent.mkdir(parents=True, exist_ok=True)
        awkward.recording(name).write_text(written(document))
        print(f"recorded {name}")


if __name__ == "__main__":
    main()
