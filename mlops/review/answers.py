"""`wellarchitected.yaml` of a project: which tests show which best practice, and what people answered where no machine can judge."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mlops.errors import UserError
from mlops.review.framework import practices

FILE = "wellarchitected.yaml"
VALID_DAYS = 365
HEAD = """\
# The Well-Architected review of this project (`mlops review`): what no rule of the policy pack can judge.
# shown: best practice → ids of the specification whose tests (pytest markers) show it.
# answers: best practice → what people answer. Fill in answer (yes, partly, no or not_applicable), owner, because and date; evidence is a
# link or a document. An answer holds a year, or until valid_until; not_applicable also takes a reason: OUT_OF_SCOPE, BUSINESS_PRIORITIES,
# ARCHITECTURE_CONSTRAINTS or OTHER. `mlops review --init` adds the questions that are not here yet.
"""
Text = Annotated[str, Field(min_length=1)]


class Answer(BaseModel):
    """What somebody answers for, until when. With `answer` empty it is an open question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Literal["yes", "partly", "no", "not_applicable"] | None = None
    owner: Text | None = None
    because: Text | None = None
    date: datetime.date | None = None
    evidence: Text | None = None
    valid_until: datetime.date | None = None
    reason: Literal["OUT_OF_SCOPE", "BUSINESS_PRIORITIES", "ARCHITECTURE_CONSTRAINTS", "OTHER"] | None = None

    @field_validator("answer", mode="before")
    @classmethod
    def _yaml_reads_yes_as_true(cls, value: Any) -> Any:
        return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _an_answer_is_somebodys(self) -> Answer:
        if self.answer:
            missing = [name for name in ("owner", "because", "date") if getattr(self, name) is None]
            if missing:
                raise ValueError(
                    f"{missing[0]}: missing; an answer says who answers for it (owner), why (because) and when it was given (date)"
                )
        if self.valid_until and self.date and self.valid_until < self.date:
            raise ValueError(f"valid_until: {self.valid_until} is before the date of the answer, {self.date}")
        if self.reason and self.answer != "not_applicable":
            raise ValueError("reason: only with answer not_applicable; use because")
        return self

    @property
    def expires(self) -> datetime.date | None:
        """The last day it holds."""
        if self.answer is None or self.date is None:
            return None
        return self.valid_until or self.date + datetime.timedelta(days=VALID_DAYS)


class Answers(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shown: dict[str, Annotated[list[Text], Field(min_length=1)]] = {}
    answers: dict[str, Answer] = {}

    @field_validator("shown", "answers", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return {key: {} if item is None else item for key, item in value.items()} if isinstance(value, dict) else value or {}

    @field_validator("shown", "answers")
    @classmethod
    def _practices_exist(cls, value: dict[str, Any]) -> dict[str, Any]:
        for id_ in value:
            if id_ not in practices():
                raise ValueError(f"{id_}: there is no such best practice; expected an id such as OPS01-BP01")
        return value


def read(path: Path) -> Answers:
    """The file's content; empty where there is none. UserError for what is wrong in it."""
    if not path.is_file():
        return Answers()
    return parse(path.read_text(), str(path))


def parse(text: str, where: str) -> Answers:
    try:
        return Answers.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise UserError("bad-answers", f"expected YAML: {error}", where, "mend the file") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        given = f", got {first['input']!r}" if isinstance(first["input"], str | int | float) else ""
        raise UserError("bad-answers", f"{key}: {message}{given}", where, "mend the entry; `mlops review --init` shows the form") from None


def with_questions(text: str, where: str) -> tuple[str, list[str]]:
    """The file's text with every question that it lacks at its end, and their best practices."""
    known = parse(text, where).answers if text.strip() else {}
    missing = [each for each in practices().values() if each.ask and each.id not in known]
    if not missing:
        return text, []
    lines = [] if text.strip() else [HEAD, "shown:", "", "answers:"]
    if text.strip() and "answers" not in (yaml.safe_load(text) or {}):
        lines.append("answers:")
    for each in missing:
        lines += [
            "",
            f"  # {each.title} ({each.risk.lower()} risk): {each.ask}",
            f"  {each.id}: {{ answer: , owner: , because: , date: , evidence: }}",
        ]
    written = (text.rstrip("\n") + "\n" if text.strip() else "") + "\n".join(lines) + "\n"
    ids = [each.id for each in missing]
    wrong = UserError("bad-answers", "expected `answers:` to be the last section, found another after it", where, "move answers to the end")
    try:
        if set(ids) <= set(parse(written, where).answers):
            return written, ids
    except UserError:
        raise wrong from None
    raise wrong
