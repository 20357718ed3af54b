"""The interpreter is the one that Pulumi.yaml names, else one that has what the program requires, else ours; what it lacks is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.engine import EngineError, preview
from mlops.engine.interpreter import choose, installed

Writer = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_environment_is_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def environment(folder: Path, **packages: str) -> Path:
    """A virtual environment as far as its files tell."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    for name, version in packages.items():
        (folder / "lib" / "python3.12" / "site-packages" / f"{name}-{version}.dist-info").mkdir(parents=True)
    return python


def chosen(root: Path, **options: str) -> tuple[Path, str]:
    interpreter = choose(root, options, root / "Pulumi.yaml")
    return interpreter.python, interpreter.why


def test_the_one_that_is_named_is_taken_whatever_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pulumi-random\n")
    python = environment(tmp_path / "env")
    assert chosen(tmp_path, virtualenv="env") == (python, "that of `virtualenv: env` in Pulumi.yaml")


def test_uv_keeps_its_environment_beside_the_lock_of_the_workspace(tmp_path: Path) -> None:
    python = environment(tmp_path / ".venv", pulumi="3.100.0")
    (tmp_path / "uv.lock").touch()
    (tmp_path / "stacks").mkdir()
    assert chosen(tmp_path / "stacks", toolchain="uv") == (python, "that of `toolchain: uv` in Pulumi.yaml")


def test_without_a_named_one_the_projects_own_is_taken_and_else_the_activated_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("pulumi>=3\n# more\npulumi_random==4.0.0 # pinned\n-e .\n")
    own = environment(tmp_path / "venv", pulumi="3.100.0", pulumi_random="4.0.0")
    assert chosen(tmp_path)[0] == own
    (own.parents[1] / "lib" / "python3.12" / "site-packages" / "pulumi_random-4.0.0.dist-info").rmdir()
    activated = environment(tmp_path / "elsewhere", pulumi="3.200.0", pulumi_random="4.0.0")
    monkeypatch.setenv("VIRTUAL_ENV", str(activated.parents[1]))
    assert chosen(tmp_path) == (activated, "that of the activated environment")


def test_ours_is_taken_where_there_is_no_other_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pulumi>=3,<4\npulumi-aws<7\npulumi-gitlab>=8\n")
    interpreter = choose(tmp_path, {"virtualenv": "venv"}, tmp_path / "Pulumi.yaml")
    assert interpreter.python == Path(sys.executable)
    assert "venv of Pulumi.yaml does not exist" in interpreter.why
    assert list(interpreter.missing) == ["pulumi-gitlab>=8"]
    assert [each.split(" ")[0] for each in interpreter.different] == ["pulumi-aws<7"]
    assert (
        interpreter.install
        == f"python3 -m venv {tmp_path}/venv && {tmp_path}/venv/bin/python -m pip install -r {tmp_path}/requirements.txt"
    )


def test_requirements_are_read_from_included_files_and_from_pyproject(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("pulumi-gitlab\ncolorama; sys_platform == 'win32'\n")
    assert list(choose(tmp_path, {}, tmp_path).missing) == ["pulumi-gitlab"]
    (tmp_path / "requirements.txt").unlink()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\ndependencies = ['pulumi-vault>=7']\n")
    assert list(choose(tmp_path, {}, tmp_path).missing) == ["pulumi-vault>=7"]


def test_requirements_are_read_as_powershell_writes_them_and_a_file_that_includes_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("-r requirements.txt\npulumi-gitlab\n".encode("utf-16"))
    assert list(choose(tmp_path, {}, tmp_path).missing) == ["pulumi-gitlab"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("requirements.txt", b"pulumi # gr\xf6\xdfe", "is no UTF-8"),
        ("pyproject.toml", b"[project\n", "not valid TOML"),
        ("pyproject.toml", b"tool = 'x'", "tool is no table"),
        ("pyproject.toml", b"[tool]\npoetry = {dependencies = 'pulumi'}", "tool.poetry.dependencies is no table"),
        ("pyproject.toml", b"[project]\ndependencies = 'pulumi'", "project.dependencies is no list"),
    ],
)
def test_requirements_that_cannot_be_read_are_refused_by_their_file(tmp_path: Path, name: str, text: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(EngineError, match=said) as raised:
        choose(tmp_path, {}, tmp_path / "Pulumi.yaml")
    assert (raised.value.code, raised.value.where) == ("bad-requirements", str(tmp_path / name))


def test_what_our_own_environment_has_is_known() -> None:
    assert {"pulumi", "pulumi-aws"} <= set(installed(Path(sys.executable)))


def test_an_unknown_toolchain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="expected a toolchain of pip, uv, poetry, got 'conda'"):
        choose(tmp_path, {"toolchain": "conda"}, tmp_path / "Pulumi.yaml")


def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it(write_program: Writer) -> None:
    root = write_program("import pulumi\nimport pulumi_gitlab as gitlab\n")
    (root / "requirements.txt").write_text("pulumi\npulumi-gitlab>=8\n")
    with pytest.raises(EngineError) as raised:
        preview(root, "dev")
    assert (raised.value.code, raised.value.where) == ("missing-package", "__main__.py:2")
    assert "'pulumi_gitlab', of the package pulumi-gitlab" in raised.value.message
    assert f"-m pip install -r {root}/requirements.txt" in raised.value.hint
    assert "Traceback" not in str(raised.value)


def test_a_missing_configuration_value_is_named_with_its_line_and_both_ways_to_give_it(write_program: Writer) -> None:
    root = write_program(
        "import pulumi\nsize = pulumi.Config().require_secret('size')\ncount = pulumi.Config('other').require_int('count')\n"
        "pulumi.export('size', size)\npulumi.StackReference('a/b/c').require_output('x')"
    )
    with pytest.raises(EngineError) as raised:
        preview(root, "dev")
    assert (raised.value.code, raised.value.where) == ("missing-config", "__main__.py:2")
    assert "'example:size', 'other:count'" in raised.value.message
    assert "--config-value example:size='<text>' --config-value other:count='<number>'" in raised.value.hint
    assert "pulumi config set --secret example:size '<text>' --stack dev" in raised.value.hint
    assert "a/b/c:\n    x: <value>" in raised.value.hint
    (root / "mlops-answers.yaml").write_text("stacks: {a/b/c: {x: 1}}")
    assert preview(root, "dev", {"size": "3", "other:count": "2"}).outputs["size"].value == "3"


def test_a_program_that_calls_aws_itself_is_told_so(write_program: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(EngineError) as raised:
        preview(write_program("import boto3\nboto3.client('ec2').describe_vpcs()"), "dev")
    assert (raised.value.code, raised.value.where) == ("program-calls-aws", "__main__.py:2")
    assert "NoRegionError" in raised.value.message
    assert "Traceback" not in raised.value.hint


def test_a_program_that_does_without_a_value_is_not_asked_for_it(write_program: Writer) -> None:
    source = """
        import pulumi
        try:
            size = pulumi.Config().require("size")
        except pulumi.ConfigMissingError:
            size = "small"
        pulumi.export("size", size)
    """
    assert preview(write_program(source), "dev").outputs == {"size": "small"}


def test_a_missing_region_is_asked_for_as_configuration_and_may_come_from_the_environment(
    write_program: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    root = write_program("import pulumi, pulumi_aws as aws\npulumi.export('name', aws.get_region().region)", "example:other: value")
    with pytest.raises(EngineError, match="'aws:region'"):
        preview(root, "dev")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert preview(root, "dev").outputs == {"name": "eu-north-1"}


def test_an_environment_that_is_linked_into_a_tree_runs_by_its_own_name_so_its_packages_are_compiled_once(
    write_program: Writer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = write_program("import sys\nimport statistics\nprint(sys.prefix, sys.dont_write_bytecode)")
    (root / ".venv").symlink_to(sys.prefix)
    assert [log.message for log in preview(root, "dev").logs] == [f"{sys.prefix} False"]
    (cache,) = (tmp_path / "cache" / "mlops" / "bytecode").iterdir()
    assert not list(cache.glob(f"{str(root).lstrip('/')}/.venv")) and list(cache.rglob("pulumi/__init__*.pyc"))
