"""CloudWatch Logs Insights: StartQuery with the commands fields, display, filter, sort, limit and stats; others are refused by name.

Source: "CloudWatch Logs Insights query syntax" in the user guide. Fields of JSON events are discovered: `correlation_id`, `detail.state`.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import moto.logs.models
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogsBackend

from mlops.sandbox.context import Sandbox

Row = dict[str, Any]
LIMIT = 10_000
DEFAULT_FIELDS = ("@timestamp", "@message")
_SIMPLE = r"[@\w.\-]+"
_CONDITION = re.compile(
    rf"""\s*(?P<field>{_SIMPLE})\s*(?P<relation>=~|!=|=|>=|<=|>|<|not\s+like|like|in|not\s+in)\s*(?P<value>/(?:[^/\\]|\\.)*/i?|"[^"]*"|'[^']*'|\[[^\]]*\]|[\w.\-]+)\s*""",
    re.IGNORECASE,
)
FIGURES: dict[str, Callable[[Sequence[float]], float]] = {"count": len, "avg": statistics.fmean, "max": max, "min": min, "sum": sum}
_ASKED = rf"(?:{'|'.join(FIGURES)})\(\s*(?:\*|{_SIMPLE})\s*\)(?:\s+as\s+\w+)?"
_FIGURE = rf"({'|'.join(FIGURES)})\(\s*(\*|{_SIMPLE})\s*\)(?:\s+as\s+(\w+))?"
_PRESENT = re.compile(rf"\s*(?P<not>not\s+)?ispresent\(\s*(?P<field>{_SIMPLE})\s*\)\s*", re.IGNORECASE)


def install(sandbox: Sandbox) -> None:
    """Patch moto's queries."""
    moto.logs.models.execute_query = run  # type: ignore[attr-defined]
    get_results = LogsBackend.get_query_results

    def get_query_results(self: LogsBackend, query_id: str) -> Any:
        if query_id not in self.queries:
            raise ResourceNotFoundException("The specified query does not exist.")
        return get_results(self, query_id)

    LogsBackend.get_query_results = get_query_results  # type: ignore[method-assign]


def run(log_groups: Sequence[Any], query: str, start_time: int, end_time: int) -> list[Row]:
    """In the place of moto's: the rows of a query over events between two times (seconds since the epoch)."""
    rows = list(events(log_groups, start_time * 1000, end_time * 1000))
    rows.sort(key=lambda row: row["@epoch"], reverse=True)
    return execute(rows, query)


def events(log_groups: Sequence[Any], start: int, end: int) -> Iterator[Row]:
    for group in log_groups:
        for stream in group.streams.values():
            for event in stream.events:
                if start <= event.timestamp <= end:
                    moment = datetime.fromtimestamp(event.timestamp / 1000, UTC)
                    own = {"@message": event.message, "@logStream": stream.log_stream_name, "@log": group.name, "@ptr": str(event.event_id)}
                    stamp = moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
                    yield {**discovered(event.message), **own, "@timestamp": stamp, "@epoch": event.timestamp}


def discovered(message: str) -> Row:
    """The fields of a JSON event, nested ones with dots."""
    start = message.find("{")
    try:
        document = json.loads(message[start:]) if start >= 0 else None
    except ValueError:
        return {}
    return dict(_flat("", document)) if isinstance(document, dict) else {}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(item, dict | list):
            yield from _flat(name, item)
        else:
            yield name, item


def execute(rows: list[Row], query: str) -> list[Row]:
    """The query's rows with the fields it asks for; pure."""
    shown: list[str] = []
    for part in split(query, "|"):
        command, _, rest = part.strip().partition(" ")
        match command.lower():
            case "fields" | "display":
                shown = (shown if command.lower() == "fields" else []) + [name.strip() for name in rest.split(",")]
                strange = [name for name in shown if not re.fullmatch(_SIMPLE, name)]
                if strange:
                    raise refused(f"the expression {strange[0]!r}: it shows plain fields")
            case "filter":
                test = condition(rest)
                rows = [row for row in rows if test(row)]
            case "sort":
                field, _, order = rest.strip().partition(" ")
                rows = sorted(rows, key=lambda row: order_key(row, field), reverse=order.strip().lower() != "asc")
            case "limit":
                rows = rows[: int(rest)]
            case "stats":
                rows, shown = aggregated(rows, rest)
            case _:
                raise refused(f"the command {command!r}; it has fields, display, filter, sort, limit and stats")
    names = shown or list(DEFAULT_FIELDS)
    return [{name: row[name] for name in (*names, "@ptr") if name in row} for row in rows[:LIMIT]]


def aggregated(rows: list[Row], text: str) -> tuple[list[Row], list[str]]:
    """The rows of `stats avg(a) as b, count(*) by c`, the largest first figure first, and their columns."""
    whole = re.fullmatch(
        rf"\s*(?P<asked>{_ASKED}(?:\s*,\s*{_ASKED})*)(?:\s+by\s+(?P<by>{_SIMPLE}(?:\s*,\s*{_SIMPLE})*))?\s*", text, re.IGNORECASE
    )
    if whole is None:
        raise refused(f"stats {text.strip()!r}: it has {', '.join(FIGURES)} of plain fields, with as and by")
    by = [field.strip() for field in (whole["by"] or "").split(",") if field.strip()]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(field) for field in by), []).append(row)
    asked = [
        (found[1].lower(), found[2], found[3] or f"{found[1]}({found[2]})") for found in re.finditer(_FIGURE, whole["asked"], re.IGNORECASE)
    ]
    made = []
    for values, group in groups.items():
        figures = {name: figure(kind, field, group) for kind, field, name in asked}
        made.append({**dict(zip(by, values, strict=True)), **{name: value for name, value in figures.items() if value is not None}})
    first = asked[0][2]
    return sorted(made, key=lambda row: order_key(row, first), reverse=True), [*by, *(name for _, _, name in asked)]


def figure(kind: str, field: str, group: list[Row]) -> float | None:
    """One figure of a group's rows; None when no row has a number there."""
    if kind == "count":
        return len(group) if field == "*" else sum(field in row for row in group)
    values = [float(row[field]) for row in group if isinstance(row.get(field), int | float)]
    return FIGURES[kind](values) if values else None


def order_key(row: Row, field: str) -> tuple[int, float, str]:
    value = row.get("@epoch") if field == "@timestamp" else row.get(field)
    if value is None:
        return (0, 0.0, "")
    return (1, float(value), "") if isinstance(value, int | float) else (2, 0.0, str(value))


def condition(text: str) -> Callable[[Row], bool]:
    """`a = "x" and b like /y/ or ispresent(c)`; `and` binds stronger. No parentheses."""
    if re.match(r"\s*\(", text):
        raise refused("parentheses in filter")
    either = [[_comparison(one) for one in split(group, "and")] for group in split(text, "or")]
    return lambda row: any(all(test(row) for test in group) for group in either)


def _comparison(text: str) -> Callable[[Row], bool]:
    present = _PRESENT.fullmatch(text)
    if present is not None:
        return lambda row: (present["field"] in row) != bool(present["not"])
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise refused(f"the condition {text.strip()!r}")
    field, relation, raw = found["field"], " ".join(found["relation"].lower().split()), found["value"]
    if relation in ("like", "not like", "=~"):
        pattern = re.compile(raw.strip("/i").strip("/"), re.IGNORECASE) if raw.endswith("/i") else re.compile(_plain(raw, expression=True))
        return lambda row: (pattern.search(str(row.get(field, ""))) is not None) != (relation == "not like")
    if relation in ("in", "not in"):
        values = {_plain(item.strip()) for item in raw.strip("[]").split(",")}
        return lambda row: (str(row.get(field)) in values) != (relation == "not in")
    wanted = _plain(raw)
    if relation in ("=", "!="):
        return lambda row: (field in row and str(row[field]) == wanted) != (relation == "!=")
    number = float(wanted)
    return lambda row: _compare(row.get(field), relation, number)


def _compare(value: Any, relation: str, number: float) -> bool:
    try:
        own = float(value)
    except (TypeError, ValueError):
        return False
    return {">": own > number, "<": own < number, ">=": own >= number, "<=": own <= number}[relation]


def _plain(text: str, *, expression: bool = False) -> str:
    if text.startswith("/"):
        return text.strip("/")
    if text[0] in "\"'":
        return re.escape(text[1:-1]) if expression else text[1:-1]
    return text


def split(text: str, separator: str) -> list[str]:
    """Parts between separators that stand outside quotes and regular expressions; `and` and `or` stand between spaces."""
    pattern = r"\|" if separator == "|" else rf"\s+{separator}\s+"
    parts, last = [], 0
    for found in re.finditer(rf"""("[^"]*"|'[^']*'|/(?:[^/\\]|\\.)*/)|({pattern})""", text, re.IGNORECASE):
        if found[2]:
            parts.append(text[last : found.start()])
            last = found.end()
    return [part for part in [*parts, text[last:]] if part.strip()]


def refused(what: str) -> InvalidParameterException:
    return InvalidParameterException(f"MalformedQuery: the sandbox's Logs Insights does not execute {what}")
