"""What the engine cannot do it refuses by name, and the program never outlives its engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.engine import EngineError, preview

Writer = Callable[..., Path]
HEAD = "import pulumi\nimport pulumi_aws as aws\n"


def refusal(write_program: Writer, source: str) -> EngineError:
    with pytest.raises(EngineError) as raised:
        preview(write_program(HEAD + source), "dev")
    return raised.value


@pytest.mark.parametrize(
    ("source", "code", "named"),
    [
        ('aws.ec2.get_instance(instance_id="i-1")', "unanswered", "aws:ec2/getInstance:getInstance"),
        ('pulumi.StackReference("org/network/dev")', "unanswered", "org/network/dev"),
        ("pulumi.runtime.register_invoke_transform(lambda args: None)", "unsupported-feature", "register_invoke_transform"),
        ("aws.sqs.Queue('q', opts=pulumi.ResourceOptions(transforms=[lambda args: 1 / 0]))", "transform_failed", "aws:sqs/queue:Queue 'q'"),
        (
            "hook = pulumi.ResourceHook('notify', lambda args: None, pulumi.ResourceHookOptions(on_dry_run=True))\n"
            "aws.sqs.Queue('q', opts=pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook])))",
            "unsupported-feature",
            "the resource hook 'notify'",
        ),
        ("aws.s3.BucketObject('o', bucket='b', source=pulumi.FileAsset('missing.txt'))", "asset_not_found", "missing.txt"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(write_program: Writer, source: str, code: str, named: str) -> None:
    error = refusal(write_program, source)
    assert (error.code, named in error.message) == (code, True), error
    assert error.hint


def test_a_refusal_that_the_program_swallows_still_fails_the_preview(write_program: Writer) -> None:
    error = refusal(write_program, "try:\n    aws.ec2.get_instance(instance_id='i-1')\nexcept Exception:\n    print('never mind')")
    assert error.code == "unanswered"


def test_a_refusal_names_the_line_of_the_program(write_program: Writer) -> None:
    error = refusal(write_program, "def listen():\n    pulumi.runtime.register_invoke_transform(lambda args: None)\nlisten()")
    assert error.where == "__main__.py:4"


def test_two_resources_of_one_urn_are_an_error_that_names_both_lines(write_program: Writer) -> None:
    error = refusal(write_program, "aws.sqs.Queue('q')\naws.sqs.Queue('q')")
    assert error.code == "duplicate-urn"
    assert "urn:pulumi:dev::example::aws:sqs/queue:Queue::q" in error.message
    assert {error.where, error.message.rpartition(" ")[2]} == {"__main__.py:3", "__main__.py:4"}


def test_a_program_that_refuses_its_settings_is_reported_in_its_own_words(write_program: Writer) -> None:
    told = '{"message": "value 0 is not allowed", "where": "Pulumi.dev.yaml: example:size", "hint": "allowed: 1 or more"}'
    error = refusal(write_program, f"import sys\nprint('MLOPS-SETTINGS-ERROR ' + {told!r}, file=sys.stderr)\nsys.exit(2)")
    assert (error.code, error.message) == ("bad-settings", "value 0 is not allowed")
    assert (error.where, error.hint) == ("Pulumi.dev.yaml: example:size", "allowed: 1 or more")
    assert error.record is not None
    assert [resource.type for resource in error.record.resources] in ([], ["pulumi:pulumi:Stack"])


def test_the_program_ends_with_its_engine(write_program: Writer, tmp_path: Path) -> None:
    root = write_program("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)")
    script = f"from pathlib import Path\nfrom mlops.engine import preview\npreview(Path({str(root)!r}), 'dev')"
    engine = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    try:
        pid = _wait_for(lambda: int((root / "pid").read_text() or 0) if (root / "pid").exists() else 0)
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        assert _wait_for(lambda: not _alive(pid))
    finally:
        engine.kill()


def test_an_interrupt_ends_the_program(write_program: Writer) -> None:
    root = write_program("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)")
    # A shell's background job, as some CI runs are, starts with interrupts ignored.
    listen = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    script = f"{listen}from pathlib import Path\nfrom mlops.engine import preview\npreview(Path({str(root)!r}), 'dev')"
    engine = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    try:
        pid = _wait_for(lambda: int((root / "pid").read_text() or 0) if (root / "pid").exists() else 0)
        engine.send_signal(signal.SIGINT)
        _, errors = engine.communicate(timeout=20)
        assert b"KeyboardInterrupt" in errors
        assert _wait_for(lambda: not _alive(pid))
    finally:
        engine.kill()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is dead: it only waits to be collected.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _wait_for(condition: Callable[[], int]) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not happen within 20 s")
