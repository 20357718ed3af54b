"""What the previews of several stacks say, as one comment on a pull request: a row for each, then each in as much room as there is."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops.compare.estimates import ESTIMATES
from mlops.report.difference import words
from mlops.report.grouping import STOPPING, counts, headline
from mlops.report.markdown import LIMIT, markdown
from mlops.report.markup import code, fence, mentionless, plain
from mlops.text import counted, uncoloured, visible

TITLE = "## What this change would deploy"
FRAME = 1_536  # characters that whoever posts the comment may put around it
LEAST = 400  # characters in which a section still says something
HEADINGS = {"cost": "USD a month", "carbon": "kg CO2e a month"}


@dataclass(frozen=True)
class Preview:
    """What `mlops preview --json` printed of a stack: a document, or an error. `name` stands for an error, which names no stack."""

    name: str
    document: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        """Whether there is no preview."""
        return "error" in self.document

    @property
    def stops(self) -> bool:
        """Whether a deployment of the stack would be stopped."""
        return self.failed or any(name in STOPPING for name in counts(self.document["policy"]["findings"]))

    @property
    def title(self) -> str:
        """The stack and its verdict."""
        if self.failed:
            return f"{self.name}: no preview"
        return f"{self.document['project']} {self.document['stack']}: {headline(self.document)}"


def comment(previews: Sequence[Preview], logs: Mapping[str, str] | None = None, run: str = "", limit: int = LIMIT - FRAME) -> str:
    """The comment, in at most `limit` characters. `logs` is what `pulumi preview` printed, by stack; `run` the address of the whole reports."""
    front = f"{TITLE}\n\n{_table(previews, limit // 2)}\n"
    ending = f"The whole reports are artifacts of [this run]({run}).\n" if run else ""
    room = limit - len(front) - len(ending)
    sections = [_Section(preview) for preview in previews] + [_Log(name, text) for name, text in (logs or {}).items()]
    told: dict[int, str] = {}
    # The short ones first: what they leave is for the long ones.
    for left, index in zip(range(len(sections), 0, -1), sorted(range(len(sections)), key=lambda index: sections[index].size), strict=True):
        told[index] = sections[index].text(room // left)
        room -= len(told[index])
    return front + "".join(told[index] for index in sorted(told)) + ending


def _table(previews: Sequence[Preview], room: int) -> str:
    """A row for each stack: verdict, resources, findings, cost and carbon, with what the change makes of them."""
    estimated = [key for key in ESTIMATES if any(key in preview.document for preview in previews)]
    text = f"| stack | | resources | findings |{''.join(f' {HEADINGS[key]} |' for key in estimated)}\n"
    text += f"|---|---|---|---|{'---:|' * len(estimated)}\n"
    for index, preview in enumerate(previews):
        row = f"| {' | '.join(_cells(preview, estimated))} |\n"
        if len(text) + len(row) > room:
            return f"{text}\n… and {counted(len(previews) - index, 'stack')} more\n"
        text += row
    return text


def _cells(preview: Preview, estimated: Sequence[str]) -> Iterator[str]:
    document = preview.document
    yield plain(preview.name if preview.failed else f"{document['project']} {document['stack']}")
    if preview.failed:
        yield from ("❌ no preview", "", "", *("" for _ in estimated))
        return
    yield f"{'❌' if preview.stops else '✅'} {headline(document)}"
    difference = document.get("difference", {})
    yield plain(words.short(difference)) if difference.get("resources") else counted(len(document.get("resources", ())), "resource")
    since = document.get("since")
    yield f"{len(since['new'])} new, {len(since['fixed'])} fixed" if since else f"{len(document['policy']['findings'])}"
    for key in estimated:
        yield _estimate(document, difference, key)


def _estimate(document: Mapping[str, Any], difference: Mapping[str, Any], key: str) -> str:
    if key not in document:
        return "–"
    figures = ESTIMATES[key]
    now = words.amount(document[key][figures]["expected"])
    if not difference.get(key):
        return now
    missing = sum(row["count"] for row in difference[key].get("not_estimated", ()))
    without = f", without {counted(missing, 'resource')}" if missing else ""
    return f"{now} ({words.signed(difference[key][figures]['difference']['expected'])}{without})"


class _Section:
    """What a preview says, collapsed unless it stops something."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self.size = len(self.text(LIMIT))

    def text(self, room: int) -> str:
        """In at most `room` characters; nothing where that is too few to say something."""
        title = mentionless(html.escape(visible(self._preview.title)))
        opening, closing = f"<details{' open' if self._preview.stops else ''}><summary>{title}</summary>\n\n", "\n</details>\n\n"
        inside = room - len(opening) - len(closing)
        if inside < LEAST:
            return ""
        if self._preview.failed:
            return opening + _failure(self._preview.document["error"], inside) + closing
        # The heading says what the summary does.
        return opening + markdown(self._preview.document, inside).partition("\n\n")[2] + closing


class _Log:
    """What the real CLI printed, its end where there is not room for all: that is where it says how it ended."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self.size = len(self.text(LIMIT))

    def text(self, room: int) -> str:
        """In at most `room` characters; nothing where that is too few to say something."""
        opening = f"<details><summary>pulumi preview of {mentionless(html.escape(visible(self._name)))} against AWS</summary>\n\n"
        closing = "\n</details>\n\n"
        inside = room - len(opening) - len(closing)
        return opening + _fenced(self._text, inside) + closing if inside >= LEAST else ""


def _failure(error: Mapping[str, Any], room: int) -> str:
    told = visible(error["message"])[: room // 4]
    said = f"{plain(told)}\n\n{code(visible(error['where'])[: room // 4])}\n\n"
    if len(said) > room // 2:  # all of it markup
        said = ""
    return said + (_fenced(error["hint"], room - len(said)) if error["hint"] else "")


def _fenced(text: str, room: int) -> str:
    """Text of others as it was printed, the last lines of it that have room."""
    lines = [_line(line) for line in uncoloured(text).splitlines()]
    mark = fence(lines)
    used = 2 * len(mark) + 12
    shown: list[str] = []
    for line in reversed(lines):
        if used + len(line) + 1 > room:
            shown.append("…")
            break
        shown.append(line)
        used += len(line) + 1
    return f"{mark}text\n" + "".join(f"{line}\n" for line in reversed(shown)) + f"{mark}\n"


def _line(text: str) -> str:
    return " " * (len(text) - len(text.lstrip(" "))) + visible(text)
