"""Project and stack files are read as the CLI reads them, and what it would misread is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.engine import EngineError
from mlops.engine.config import load_project

Writer = Callable[..., Path]


def config_of(write_program: Writer, config: str, project: str = "name: example\nruntime: python") -> dict[str, str]:
    return load_project(write_program("", config, project), "dev").config


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("5", "5"),
        ("-3", "-3"),
        ("0.5", "0.5"),
        ("true", "true"),
        ("null", ""),
        ('""', ""),
        ("yes", "yes"),
        ("off", "off"),
        ('"012345678901"', "012345678901"),
        ('"2024-01-01"', "2024-01-01"),
        ("12:30", "12:30"),
        ("[a, 1, true]", '["a",1,true]'),
        ("{b: 1, a: {d: x, c: [1]}}", '{"a":{"c":[1],"d":"x"},"b":1}'),
        ("{a: <b>&c}", '{"a":"\\u003cb\\u003e\\u0026c"}'),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("{size: 0.0}", '{"size":0}'),
        ("[1.5e-7, 1e21, 0.000001]", "[1.5e-7,1e+21,0.000001]"),
    ],
)
def test_values_become_the_text_that_the_program_gets(write_program: Writer, written: str, text: str) -> None:
    assert config_of(write_program, f"example:key: {written}")["example:key"] == text


@pytest.mark.parametrize(
    "value", ["012345678901", "123456789012", "2024-01-01", "2024-01-01T00:00:00Z", "0x1F", "1_000", "0o17", ".inf", "1234567890123456"]
)
@pytest.mark.parametrize("shape", ["a:key: {value}", "a:key: [{value}]", "a:key:\n  inner: {value}"])
def test_unquoted_digits_and_dates_are_refused_with_file_and_line(write_program: Writer, value: str, shape: str) -> None:
    with pytest.raises(EngineError) as raised:
        config_of(write_program, shape.format(value=value))
    assert raised.value.code == "ambiguous_value"
    assert value in raised.value.message
    assert "Pulumi.dev.yaml:" in raised.value.where
    assert raised.value.hint == f'Quote it: "{value}".'


def test_project_defaults_are_merged_and_the_stack_wins(write_program: Writer) -> None:
    project = "name: example\nruntime: python\nconfig:\n  size: {type: integer, default: 3}\n  aws:region: {value: eu-west-1}\n  zone: {default: a}"
    assert config_of(write_program, "example:zone: b", project) == {"example:size": "3", "aws:region": "eu-west-1", "example:zone": "b"}


def test_a_secret_inside_an_object_makes_the_whole_key_secret(write_program: Writer) -> None:
    project = load_project(write_program("", "example:database:\n  user: me\n  password:\n    secure: v1:x:y"), "dev")
    assert project.secret_keys == ["example:database"]
    assert json.loads(project.config["example:database"]) == {"user": "me", "password": "encrypted-value-of-example:database"}
    assert project.placeholders == ["example:database"]


def test_the_placeholder_of_an_encrypted_value_has_the_declared_type(write_program: Writer) -> None:
    project = "name: example\nruntime: python\nconfig:\n  size: {type: integer}\n  on: {type: boolean}"
    config = config_of(write_program, "example:size: {secure: v1:x:y}\nexample:on: {secure: v1:x:y}", project)
    assert config == {"example:size": "0", "example:on": "false"}


@pytest.mark.parametrize(
    ("project", "config", "code", "message"),
    [
        ("name: example\nruntime: nodejs", "a:b: c", "unsupported-runtime", "'nodejs' is not supported"),
        ("runtime: python", "a:b: c", "bad-project", "expected a project 'name', got None"),
        ("name: example\nruntime: python\nmain: infra", "a:b: c", "no-program", "does not exist"),
        ("name: example\nruntime: python\nconfig:\n  size: {type: integer}", "a:b: c", "missing-config", "'example:size' has no value"),
        (
            "name: example\nruntime: python\nconfig:\n  size: {type: integer}",
            "example:size: big",
            "bad-config",
            "must be of type 'integer', got 'big'",
        ),
        ("name: example\nruntime: python", "a:b: c\na:b: d", "duplicate-key", "the key 'a:b' appears twice"),
        ("name: example\nruntime: python", "a:b: [", "bad-yaml", "not valid YAML"),
        ("name: example\nruntime: python", "- a", "bad-config", "'config' must be a mapping, got list"),
        ("name: example\nruntime: python", "? [a, b]\n: 1", "bad-yaml", "a key is a list or a mapping"),
        ("name: example\nruntime: python\nmain: 5", "a:b: c", "bad-project", "expected a path as `main`, got 5"),
        ("name: example\nruntime: python\nstackConfigDir: [a]", "a:b: c", "bad-project", "expected a path as `stackConfigDir`"),
        ("name: example\nruntime: {name: python, options: x}", "a:b: c", "bad-project", "expected a mapping as `runtime.options`, got 'x'"),
        (
            "name: example\nruntime: {name: python, options: {virtualenv: 3}}",
            "a:b: c",
            "bad-project",
            "expected a folder as `virtualenv`, got 3",
        ),
        (
            "name: example\nruntime: python\nconfig:\n  zones: {type: array, items: {}}",
            "example:zones: [a]",
            "bad-project",
            "the `items` of 'zones' have no type",
        ),
    ],
)
def test_bad_files_are_refused(write_program: Writer, project: str, config: str, code: str, message: str) -> None:
    with pytest.raises(EngineError) as raised:
        config_of(write_program, config, project)
    assert raised.value.code == code
    assert message in raised.value.message


def test_a_key_without_namespace_is_the_projects_as_under_the_cli(write_program: Writer) -> None:
    assert config_of(write_program, "size: 3\nexample:name: x") == {"example:size": "3", "example:name": "x"}


def test_an_unknown_stack_is_refused_with_the_stacks_there_are(write_program: Writer) -> None:
    with pytest.raises(EngineError) as raised:
        load_project(write_program("", "a:b: c"), "production")
    assert (raised.value.code, raised.value.hint) == ("no-stack", "The project has: dev.")


def test_a_directory_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no Pulumi\.yaml in"):
        load_project(tmp_path, "dev")


def test_the_projects_virtualenv_is_used_when_it_exists(write_program: Writer) -> None:
    root = write_program("", "a:b: c", "name: example\nruntime:\n  name: python\n  options:\n    virtualenv: venv")
    assert load_project(root, "dev").interpreter.python == Path(sys.executable)
    (root / "venv" / "bin").mkdir(parents=True)
    (root / "venv" / "bin" / "python").touch()
    assert load_project(root, "dev").interpreter.python == root / "venv" / "bin" / "python"


HEAD = "name: example\nruntime: python\nconfig:\n"


@pytest.mark.parametrize(
    ("declared", "config", "message"),
    [
        ("  size: {description: how many}", "a:b: c", "'example:size' has no value"),
        ("  one: {}\n  two: {}", "a:b: c", "'example:one' and 'example:two' have no value"),
        ("  size: {type: integer, default: big}", "a:b: c", "default of 'size' is not of type 'integer'"),
        ("  names: {type: array}", "a:b: c", "an array of what is not said"),
        ("  names: {type: array, items: {type: string}}", "example:names: [a, 1]", "must be of type 'array<string>'"),
        ("  key: {type: string, secret: true}", "example:key: open", "declared secret, but is in clear"),
        ("  key: {default: a, value: b}", "a:b: c", "both a default and a value"),
        ("  key: {typ: string}", "a:b: c", "has typ, which a declaration does not know"),
        ("  key: {type: number}", "a:b: c", "declared of type 'number'"),
        ("  aws:region: {default: eu-west-1}", "a:b: c", "takes neither a type nor a default"),
        ("  aws:region: {description: where}", "a:b: c", "has no value"),
        ("  ratio: 1.5", "a:b: c", "a number with a fraction"),
    ],
)
def test_what_the_cli_refuses_of_a_projects_declarations_is_refused(
    write_program: Writer, declared: str, config: str, message: str
) -> None:
    with pytest.raises(EngineError) as raised:
        config_of(write_program, config, HEAD + declared)
    assert message in raised.value.message
    assert raised.value.hint


def test_a_declared_secret_without_a_type_is_not_checked_as_under_the_cli(write_program: Writer) -> None:
    project = load_project(write_program("", "a:b: c", HEAD + "  key: {default: open, secret: true}"), "dev")
    assert (project.config["example:key"], project.secret_keys) == ("open", [])


@pytest.mark.parametrize(
    ("config", "code", "hint"),
    [
        ("a:b:c: 3", "bad-config", "Write `<namespace>:<name>`."),
    ],
)
def test_a_key_of_another_form_is_refused_with_the_form_to_write(write_program: Writer, config: str, code: str, hint: str) -> None:
    with pytest.raises(EngineError) as raised:
        config_of(write_program, config)
    assert (raised.value.code, raised.value.hint) == (code, hint)


def test_the_old_form_of_a_key_is_read(write_program: Writer) -> None:
    assert config_of(write_program, "example:config:size: 3") == {"example:size": "3"}


def test_environments_of_pulumi_esc_are_refused_by_name(write_program: Writer) -> None:
    root = write_program("", "a:b: c")
    (root / "Pulumi.dev.yaml").write_text("environment: [shared/aws]\nconfig: {}\n")
    with pytest.raises(EngineError) as raised:
        load_project(root, "dev")
    assert (raised.value.code, "Pulumi ESC" in raised.value.message) == ("unsupported-environment", True)


def test_a_key_without_a_value_is_empty_and_said_to_be(write_program: Writer) -> None:
    project = load_project(write_program("", "example:size:\nexample:name: ''"), "dev")
    assert (project.config, project.empty) == ({"example:size": "", "example:name": ""}, ["example:size"])


def test_a_program_in_another_language_is_told_as_such_and_not_as_one_without_its_main(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: example\nruntime: nodejs\n")
    (tmp_path / "index.ts").write_text("")
    with pytest.raises(EngineError) as raised:
        load_project(tmp_path, "dev")
    assert raised.value.code == "unsupported-runtime"


@pytest.mark.parametrize("text", ["config:\n  a:b: größe\n".encode("latin-1"), "config:\n  a:b: c\n".encode("utf-16")])
def test_a_file_that_is_no_utf_8_is_refused(write_program: Writer, text: bytes) -> None:
    root = write_program("")
    (root / "Pulumi.dev.yaml").write_bytes(text)
    with pytest.raises(EngineError, match="no UTF-8") as raised:
        load_project(root, "dev")
    assert (raised.value.code, raised.value.where) == ("bad-yaml", str(root / "Pulumi.dev.yaml"))


@pytest.mark.parametrize("stack", ["", "../dev", "organisation/dev", "dev stack"])
def test_what_is_no_name_of_a_stack_is_refused_as_the_cli_does_it(write_program: Writer, stack: str) -> None:
    root = write_program("")
    (root / "Pulumi.dev.yaml").unlink()
    with pytest.raises(EngineError) as raised:
        load_project(root, stack)
    assert raised.value.code == "bad-stack"
