"""A CSV file in chunks for the endpoint: rows that keep the contract go in, the others stand apart with their reasons. Pure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from platform_common.contract import Contract, ContractError
from platform_common.rows import RowChecker

# Two requests of this size are in flight; a row of a few hundred bytes keeps them well under SageMaker's 6 MB.
CHUNK_ROWS, CHUNK_BYTES = 4_000, 3_000_000


class BadAnswer(Exception):
    """The endpoint's answer does not fit the rows it was given."""


def batch_id(bucket: str, key: str, version: str) -> str:
    """The id of the batch of one object version: 32 hex digits; a second event for it means the same batch."""
    return hashlib.sha256(f"{bucket}#{key}#{version}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Layout:
    """Where things stand in a file's rows: columns that the results repeat (all but the target), and the model's inputs."""

    header: tuple[str, ...]
    kept_indices: tuple[int, ...]
    input_indices: tuple[int, ...]

    @property
    def output_header(self) -> list[str]:
        return ["row", *(self.header[index] for index in self.kept_indices), "probability", "value", "model_version"]


def layout(contract: Contract, header: Sequence[str]) -> Layout:
    """The layout of a file with this header; ContractError when it is not the contract's (the target may be absent)."""
    contract.check_header(header, labelled=False)
    position = {name: index for index, name in enumerate(header)}
    kept = tuple(index for index, name in enumerate(header) if name != contract.target)
    return Layout(tuple(header), kept, tuple(position[name] for name in contract.inputs))


class Checker:
    """Row checks of a file to predict: as in validation, but the target's value is nobody's business."""

    def __init__(self, contract: Contract, header: Sequence[str]) -> None:
        target = contract.target
        self._target = header.index(target) if target in header else None
        self._width = len(header)
        self._checker = RowChecker(contract, [name for name in header if name != target])
        self._wrong_width = f"row: wrong number of columns, the header has {self._width}"

    def reasons(self, fields: list[str]) -> list[str]:
        if len(fields) != self._width:
            return [self._wrong_width]
        return self._checker.reasons(fields if self._target is None else fields[: self._target] + fields[self._target + 1 :])


@dataclass
class Chunk:
    """Rows in file order: what the endpoint gets, what each line of the results begins with, and the rejected rows as JSON lines."""

    body: bytes
    rows: list[str]
    rejected: list[str]


def parse_header(line: str) -> list[str]:
    names = next(csv.reader([line]), [])
    if not any(names):
        raise ContractError("expected a CSV file with a header line, got an empty file")
    return names


def parse_line(line: str) -> list[str]:
    """The fields of one line. A line is a row, as in validation: a line break inside quotes makes two broken rows."""
    return next(csv.reader([line]), []) if '"' in line else line.split(",")


def as_line(fields: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()


def chunks(lines: Iterable[str], contract: Contract, header: Sequence[str], where: Layout) -> Iterator[Chunk]:
    """The file's rows (without its header) as chunks; every row is in exactly one, either in `rows` or in `rejected`."""
    checker = Checker(contract, header)
    first = as_line([where.header[index] for index in where.input_indices])
    inputs: list[str] = []
    rows: list[str] = []
    rejected: list[str] = []
    size, number = 0, 1
    for raw in lines:
        line = raw.rstrip("\r\n")
        if not line:
            continue  # an empty line is no row
        number += 1
        fields = parse_line(line)
        reasons = checker.reasons(fields)
        if reasons:
            rejected.append(rejection(header, fields, line, number, reasons))
        else:
            # Fields of a line without quotes need none: joining is five times faster than a writer.
            join = as_line if '"' in line else ",".join
            text = join([fields[index] for index in where.input_indices])
            inputs.append(text)
            rows.append(f"{number},{join([fields[index] for index in where.kept_indices])}")
            size += len(text)
        if len(rows) + len(rejected) >= CHUNK_ROWS or size > CHUNK_BYTES:
            yield Chunk("\n".join([first, *inputs, ""]).encode(), rows, rejected)
            inputs, rows, rejected, size = [], [], [], 0
    if rows or rejected:
        yield Chunk("\n".join([first, *inputs, ""]).encode(), rows, rejected)


def rejection(header: Sequence[str], fields: list[str], line: str, number: int, reasons: list[str]) -> str:
    """A rejected row as in the quarantine: as it came, its number, its reasons."""
    fits = len(fields) == len(header)
    return json.dumps(
        {**dict(zip(header, fields, strict=False)), **({} if fits else {"_record": line}), "_row": number, "_reasons": reasons}
    )


def results(chunk: Chunk, answer: bytes) -> tuple[str, set[str]]:
    """The lines of predictions.csv of a chunk, and the model versions that answered. BadAnswer unless there is one answer a row."""
    answers = answer.decode().splitlines()
    if len(answers) != len(chunk.rows) or any(line.count(",") != 2 for line in answers):
        raise BadAnswer(f"expected {len(chunk.rows)} lines of probability, prediction and version from the endpoint, got {len(answers)}")
    lines = [f"{row},{line}\n" for row, line in zip(chunk.rows, answers, strict=True)]
    return "".join(lines), {line.rpartition(",")[2] for line in answers}
