"""The report as Markdown for a comment on a pull request: short first, details collapsed, and never longer than GitHub takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops.report.changes import CHANGES
from mlops.report.difference import markdown as difference
from mlops.report.estimate_markdown import estimate_lines
from mlops.report.grouping import (
    KINDS,
    MARKS,
    STOPPING,
    Alike,
    Finding,
    alike,
    by_pillar,
    counts,
    headline,
    kind,
    not_judged,
    place,
    resource_name,
    stopping,
)
from mlops.report.markup import code, plain
from mlops.text import counted

LIMIT = 65_536  # characters of a comment on GitHub
RESOURCES_A_LINE = 10
SHOWN_RULES = 10  # of those that stop the deployment, in front of everything that is collapsed
OUTCOMES = {"pass": "pass", "fail": "fail", "exempt": "exempt", "not_evaluable": "not evaluable", "error": "rule defects"}


def markdown(document: Mapping[str, Any], limit: int = LIMIT) -> str:
    """The report, in at most `limit` characters: what does not fit is counted, and report.html has it."""
    summary = "\n".join([*_summary(document), *_changes(document), *estimate_lines(document), *_pillars(document)]) + "\n"
    ending = "\n".join(_not_judged(document)) + "\n"
    room = limit - len(summary) - len(ending)
    changed = difference.details(document["difference"], room * 2 // 3) if "difference" in document else ""
    text = summary + changed + _details(document, room - len(changed)) + ending
    return text if len(text) <= limit else f"{summary[: limit - 2]}…\n"


def _summary(document: Mapping[str, Any]) -> Iterator[str]:
    policy = document["policy"]
    found = counts(policy["findings"])
    stops = any(found.get(name) for name in STOPPING)
    yield f"### {'❌' if stops else '✅'} {plain(document['stack'])}: {headline(document)}"
    yield ""
    told = [f"{number:,} {KINDS[name]}" for name, number in found.items()]
    figures = [counted(len(document["resources"]), "resource")] if "resources" in document else []
    figures += [counted(policy["rules"], "rule"), f"{policy['pass']:,} passed", *told]
    yield f"{plain(document['project'])} · {document['date']} · {' · '.join(figures)}"
    yield ""
    blocking = stopping(by_pillar(document))
    for group, number in blocking[:SHOWN_RULES]:
        names = ", ".join(code(resource_name(finding["urn"])) for finding in group.findings[: min(number, 3)])
        more = f" and {number - 3} more" if number > 3 else ""
        yield f"- {MARKS[kind(group.findings[0])]} **{plain(group.rule['id'])}** {plain(group.rule['title'])} {names}{more}"
    if len(blocking) > SHOWN_RULES:
        yield f"- … and {counted(len(blocking) - SHOWN_RULES, 'rule')} more, below"
    for each in policy.get("remediations", ())[:SHOWN_RULES]:
        what = each["problem"] or ", ".join(f"{path} = {json.dumps(value)}" for path, value in each["changes"].items())
        yield f"- remediated: **{plain(each['rule'])}** {code(resource_name(each['urn']))} {plain(what)}"
    if left := policy.get("remediations", ())[SHOWN_RULES:]:
        yield f"- remediated: … and {len(left)} more"
    if blocking or policy.get("remediations"):
        yield ""


def _pillars(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"| pillar | {' | '.join(OUTCOMES.values())} |"
    yield f"|---|{'---:|' * len(OUTCOMES)}"
    for row in document["pillars"]:
        yield f"| {row['pillar']} | {' | '.join(str(row[outcome]) for outcome in OUTCOMES)} |"
    total = [sum(row[outcome] for row in document["pillars"]) for outcome in OUTCOMES]
    yield f"| **all** | {' | '.join(f'**{number}**' for number in total)} |"
    yield ""


def _changes(document: Mapping[str, Any]) -> Iterator[str]:
    if "difference" in document:
        yield from difference.summary(document)
    elif "since" in document:
        since = document["since"]
        yield f"**Since {since['date']}:** {', '.join(f'{len(since[name])} {label}' for name, label in CHANGES.items())}"
        yield ""
        yield from difference.findings(since)
        yield ""


def _details(document: Mapping[str, Any], room: int) -> str:
    """The findings by pillar, item, rule and resource, as many as have room."""
    left_out = "\n_{} findings have no room here: report.html has them._\n"
    room -= len(left_out) + 20
    total = len(document["policy"]["findings"])
    shown, written = 0, 0
    parts: list[str] = []
    for pillar in by_pillar(document):
        told = ", ".join(f"{number} {KINDS[name]}" for name, number in pillar.kinds.items())
        opening, closing = f"<details><summary>{pillar.name}: {told}</summary>\n\n", "\n</details>\n\n"
        fitting: list[str] = []
        used = written + len(opening) + len(closing)
        count = 0
        for line, findings in _lines(pillar.items):
            if used + len(line) + 1 > room:
                break
            fitting.append(line)
            used += len(line) + 1
            count += findings
        if count:
            parts.append(opening + "\n".join(fitting) + closing)
            written, shown = used, shown + count
    return "".join(parts) + (left_out.format(f"{total - shown:,}") if shown < total else "")


def _lines(items: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Each line, and how many findings it tells."""
    for item in items:
        yield f"**{' '.join(part for part in (item.id, plain(item.text)) if part)}**", 0
        yield "", 0
        for group in item.rules:
            yield f"- **{plain(group.rule['id'])}** ({group.rule['severity']}) {plain(group.rule['title'])}", 0
            for same in alike(group.findings):
                yield from _alike(same)
        yield "", 0


def _alike(same: Alike) -> Iterator[tuple[str, int]]:
    what = kind(same.findings[0])
    if len(same.findings) == 1:
        yield f"  - {MARKS[what]} {KINDS[what]}: {_resource(same.findings[0])} {plain(same.message)}", 1
        return
    yield f"  - {MARKS[what]} {KINDS[what]}, {counted(len(same.findings), 'resource')}: {plain(same.message)}", 0
    for start in range(0, len(same.findings), RESOURCES_A_LINE):
        line = same.findings[start : start + RESOURCES_A_LINE]
        yield f"    - {', '.join(_resource(finding) for finding in line)}", len(line)


def _resource(finding: Finding) -> str:
    where = place(finding)
    return f"{code(resource_name(finding['urn']))} {code(where)}" if where else code(resource_name(finding["urn"]))


def _not_judged(document: Mapping[str, Any]) -> Iterator[str]:
    told = ", ".join(f"{len(rules)} {why}" for why, rules in not_judged(document).items() if rules)
    if told:
        yield f"Rules that judged nothing: {told}."
