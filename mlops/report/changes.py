"""Reports read again, and what changed since an earlier one of the same stack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops.errors import UserError
from mlops.report.grouping import STACK, Finding, order, resource_type

OPEN = ("fail", "error")
# What a list of changes is called, in the order in which it is told.
CHANGES = {
    "new": "new",
    "fixed": "fixed",
    "newly_not_evaluable": "newly not evaluable",
    "exempted": "now exempt",
    "no_longer_judged": "no longer judged",
    "unchanged": "unchanged",
}
HINT = "give the report.json that `mlops preview --report` wrote for the same stack"


def earlier(path: Path) -> dict[str, Any]:
    """An earlier report. UserError for a file that is none, and for one of another version."""
    return _report(_read(path), path)


def printed(path: Path) -> dict[str, Any]:
    """What `mlops preview --json` printed: a report, or an object with an `error`. UserError for anything else."""
    document = _read(path)
    error = document.get("error")
    if error is None:
        return _report(document, path)
    if not isinstance(error, dict) or not all(isinstance(error.get(key), str) for key in ("message", "where", "hint")):
        raise UserError("bad-report", "expected a report or an error of a preview, got other JSON", str(path), HINT)
    return document


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError("no-report", f"expected a report, got {error.strerror}", str(path), HINT) from None
    except UnicodeDecodeError as error:
        raise UserError("bad-report", f"expected JSON, got something that is no text (byte {error.start})", str(path), HINT) from None
    except json.JSONDecodeError as error:
        raise UserError("bad-report", f"expected JSON, got {error.msg}", f"{path}:{error.lineno}", HINT) from None
    except RecursionError:
        raise UserError("bad-report", "expected a report, got JSON that is nested too deeply", str(path), HINT) from None
    if not isinstance(document, dict):
        raise UserError("bad-report", "expected a report of the policy pack, got other JSON", str(path), HINT)
    return document


def _report(document: dict[str, Any], path: Path) -> dict[str, Any]:
    from pydantic import ValidationError

    from mlops.report.model import DOCUMENT, VERSION

    if "policy" not in document:
        raise UserError("bad-report", "expected a report of the policy pack, got other JSON", str(path), HINT)
    version = document.get("schema")
    if version != VERSION or "rules" not in document:
        told = f"schema {version}" if version != VERSION else "one without rules, of an earlier release"
        raise UserError("old-report", f"expected a report of schema {VERSION}, got {told}", str(path), "write it again with this release")
    try:
        DOCUMENT.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError("bad-report", f"expected a report of the policy pack, got {where}: {first['msg']}", str(path), HINT) from None
    return document


def keyed(findings: Iterable[Finding]) -> dict[tuple[str, ...], Finding]:
    """Findings by what makes each the same in two reports: rule, resource and state, wherever its line has moved.

    Those about the stack as a whole (a bad exemption) are told apart by what they say; a number tells apart what is left.
    """
    found: dict[tuple[str, ...], Finding] = {}
    numbers: Counter[tuple[str, ...]] = Counter()
    for finding in sorted(findings, key=order):
        said = finding["message"] if resource_type(finding["urn"]) == STACK else ""
        key = (finding["rule"], finding["urn"], finding.get("state") or "", said)
        found[*key, str(numbers[key])] = finding
        numbers[key] += 1
    return found


def compared(document: Mapping[str, Any], before: Mapping[str, Any], option: str = "--since") -> dict[str, Any]:
    """The changes from an earlier report to this one. UserError where that one is of another stack; `option` is where it was given.

    A finding that failed and is found no more counts as fixed only where its rule is still judged and its resource passes or is gone.
    """
    for key in ("project", "stack"):
        if document[key] != before[key]:
            raise UserError(
                "other-report", f"expected an earlier report of {key} {document[key]!r}, got one of {before[key]!r}", option, HINT
            )
    now, then = keyed(document["policy"]["findings"]), keyed(before["policy"]["findings"])
    judged = {rule["id"] for rule in document["rules"] if rule["level"] != "disabled"}
    changes: dict[str, list[Finding]] = {name: [] for name in CHANGES}
    for key, finding in now.items():
        was = then[key]["outcome"] if key in then else ""
        if finding["outcome"] in OPEN:
            changes["unchanged" if was in OPEN else "new"].append(finding)
        elif finding["outcome"] == "not_evaluable":
            changes["unchanged" if was == "not_evaluable" else "newly_not_evaluable"].append(finding)
        elif was in OPEN:
            changes["exempted"].append(finding)
        else:
            changes["unchanged" if was == "exempt" else "exempted"].append(finding)
    for key, finding in then.items():
        if finding["outcome"] in OPEN and key not in now:
            unjudged = finding["rule"] in {rule["id"] for rule in before["rules"]} and finding["rule"] not in judged
            changes["no_longer_judged" if unjudged else "fixed"].append(finding)
    return {"date": before["date"], **{name: _sorted(found) for name, found in changes.items()}}


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=order)
