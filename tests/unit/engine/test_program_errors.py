"""A program that fails is told by its own lines: where, what, what to do; no frame of the engine's, of Pulumi's or of a library's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.engine import EngineError, preview

Writer = Callable[..., Path]
HEAD = "import pulumi\nimport pulumi_aws as aws\n"
FOREIGN = ("site-packages", "asyncio", "child.py", "program_failure", "runpy", "pulumi/runtime")


def failure(write_program: Writer, source: str, config: str = "aws:region: eu-west-1", timeout: float | None = None) -> EngineError:
    with pytest.raises(EngineError) as raised:
        preview(write_program(HEAD + source, config), "dev", timeout=timeout)
    error = raised.value
    assert not [part for part in FOREIGN if part in error.trace]
    assert error.hint
    return error


def test_an_exception_is_told_with_its_place_and_the_lines_that_led_there(write_program: Writer) -> None:
    error = failure(write_program, "def broken(size):\n    return 1 / size\nbroken(0)")
    assert (error.code, error.where) == ("program-failed", "__main__.py:4")
    assert error.message == "the program failed: ZeroDivisionError: division by zero"
    assert error.trace.splitlines()[:2] == ['  File "__main__.py", line 5, in <module>', "    broken(0)"]
    assert "    return 1 / size" in error.trace.splitlines()


def test_all_frames_are_kept_for_who_asks(write_program: Writer) -> None:
    error = failure(write_program, "aws.s3.Bucket('b', bucket_name='x')")
    assert "aws.s3.Bucket('b', bucket_name='x')" in error.trace
    assert "pulumi_aws/s3/bucket.py" in error.full_trace
    assert "--verbose" in error.hint


@pytest.mark.parametrize("waiting", [1, 3], ids=["one resource waits", "several wait"])
def test_an_exception_in_an_apply_is_told_by_the_function_whoever_waits_for_it(write_program: Writer, waiting: int) -> None:
    source = f"""
def name_of(value):
    return value["missing"]

name = pulumi.Output.from_input({{}}).apply(name_of)
for number in range({waiting}):
    aws.sqs.Queue(f"queue-{{number}}", name=name)
"""
    error = failure(write_program, source)
    assert (error.where, error.message) == ("__main__.py:5", "the program failed: KeyError: 'missing'")
    assert '    return value["missing"]' in error.trace.splitlines()


def test_what_an_exception_came_of_is_told_too(write_program: Writer) -> None:
    source = "try:\n    {}['size']\nexcept KeyError as error:\n    raise ValueError('no size is set') from error"
    error = failure(write_program, source)
    assert (error.where, error.message) == ("__main__.py:6", "the program failed: ValueError: no size is set")
    assert error.trace.index("KeyError: 'size'") < error.trace.index("direct cause") < error.trace.index("ValueError: no size is set")


def test_a_fault_in_a_module_of_the_programs_names_that_module(write_program: Writer, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "storage.py").write_text("import json\n\ndef rules():\n    return json.loads('{bad')\n")
    error = failure(write_program, "from parts import storage\nstorage.rules()")
    assert error.where == "parts/storage.py:4"
    assert "json/decoder.py" not in error.trace


def test_a_syntax_error_names_its_line(write_program: Writer) -> None:
    error = failure(write_program, "if True print('x')")
    assert (error.where, error.message) == ("__main__.py:3", "the program failed: SyntaxError: invalid syntax")
    assert "if True print('x')" in error.trace


def test_a_name_that_a_module_does_not_have_is_told_with_its_line(write_program: Writer) -> None:
    error = failure(write_program, "from json import no_such_name")
    assert (error.where, "no_such_name" in error.message, "import" in error.hint) == ("__main__.py:3", True, True)


def test_what_is_not_installed_or_not_set_is_told_with_the_line_that_wants_it(write_program: Writer) -> None:
    assert failure(write_program, "def load():\n    import no_such_module\nload()").where == "__main__.py:4"
    error = failure(write_program, "def size():\n    return pulumi.Config().require_int('size')\nsize()")
    assert (error.code, error.where) == ("missing-config", "__main__.py:4")


def test_a_configuration_value_of_the_wrong_type_is_told_with_its_file(write_program: Writer) -> None:
    error = failure(write_program, "pulumi.Config().require_int('size')", "example:size: large")
    assert (error.where, "'large'" in error.message, "Pulumi.dev.yaml" in error.hint) == ("__main__.py:3", True, True)


def test_a_run_error_is_told_without_frames(write_program: Writer) -> None:
    with pytest.raises(EngineError) as raised:
        preview(write_program(HEAD + "raise pulumi.RunError('set the size')"), "dev")
    assert (raised.value.message, raised.value.trace, raised.value.where) == ("the program failed: set the size", "", "__main__.py:3")


@pytest.mark.parametrize(
    ("call", "told"),
    [("sys.exit(3)", "the program ended itself with exit code 3"), ("sys.exit('no size')", "the program ended itself: no size")],
)
def test_a_program_that_exits_is_a_failure_that_keeps_what_it_said(write_program: Writer, call: str, told: str) -> None:
    error = failure(write_program, f"import sys\nprint('the size is missing', file=sys.stderr)\n{call}")
    assert (error.message, error.where) == (told, "__main__.py:5")
    assert error.record is not None and "the size is missing" in [log.message for log in error.record.logs]


def test_a_program_that_exits_with_zero_is_none(write_program: Writer) -> None:
    assert preview(write_program(HEAD + "import sys; sys.exit(0)"), "dev").outputs == {}


def test_a_process_that_crashes_is_told_by_its_signal(write_program: Writer) -> None:
    error = failure(write_program, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert error.message == "the program's process ended with signal SIGSEGV"


def test_a_program_that_does_not_end_is_stopped_and_told_where_it_stood(write_program: Writer) -> None:
    error = failure(write_program, "import time\ndef wait():\n    time.sleep(60)\nwait()", timeout=2)
    assert (error.code, error.where, error.message) == ("program-timeout", "__main__.py:5", "the program did not end within 2 s")
    assert "--timeout" in error.hint


def test_an_output_that_never_gets_a_value_is_told_as_such(write_program: Writer) -> None:
    source = "import asyncio\npulumi.export('never', pulumi.Output.from_input(asyncio.sleep(60)))"
    error = failure(write_program, source, timeout=2)
    assert (error.code, "never get a value" in error.trace) == ("program-timeout", True)


def test_secrets_are_masked_in_the_error_and_in_what_was_said(write_program: Writer) -> None:
    source = "secret = pulumi.Config().require('password')\nprint('it is', secret)\nraise ValueError(secret)"
    error = failure(write_program, source, "example:password: {secure: v1:a:b}")
    assert error.message == "the program failed: ValueError: [secret]"
    assert error.record is not None and "it is [secret]" in [log.message for log in error.record.logs]
    assert "[secret]" in error.trace
