"""Git as the sandbox's sources use it: folders of this machine, read and written by the git command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


class GitError(Exception):
    """Git refused; the text is its own."""


@dataclass(frozen=True)
class Commit:
    """One commit."""

    id: str
    message: str
    author: str
    email: str
    authored: datetime
    committer: str
    committer_email: str
    committed: datetime
    tree: str
    parents: tuple[str, ...]


def run(folder: Path, *arguments: str, input_: bytes | None = None, environment: Mapping[str, str] | None = None) -> str:
    """The output of a git command in `folder`; GitError with its message when it fails. The user's own configuration has no say."""
    base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
    safe = ("-c", "safe.directory=*", "-c", "core.quotePath=off")
    answer = subprocess.run(
        ["git", *safe, "-C", str(folder), *arguments], input=input_, capture_output=True, env={**base, **(environment or {})}, check=False
    )
    if answer.returncode:
        raise GitError(answer.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
    return answer.stdout.decode(errors="replace").strip()


def create(folder: Path, branch: str) -> None:
    """A bare repository."""
    folder.mkdir(parents=True)
    run(folder, "init", "-q", "--bare", f"--initial-branch={branch}")


def branches(folder: Path) -> dict[str, str]:
    """Branch → commit id."""
    lines = run(folder, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def head(folder: Path, branch: str) -> str | None:
    """The commit a branch is at; None when there is no such branch."""
    try:
        return run(folder, "rev-parse", "--verify", "-q", f"refs/heads/{branch}^{{commit}}")
    except GitError:
        return None


def commit(folder: Path, revision: str) -> Commit:
    """A commit by id or name; GitError when it is none."""
    fields = "%H%x00%B%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%T%x00%P"
    found = run(folder, "show", "-s", f"--format={fields}", f"{revision}^{{commit}}").split("\x00")
    return Commit(
        id=found[0],
        message=found[1].strip(),
        author=found[2],
        email=found[3],
        authored=datetime.fromisoformat(found[4]),
        committer=found[5],
        committer_email=found[6],
        committed=datetime.fromisoformat(found[7]),
        tree=found[8],
        parents=tuple(found[9].split()),
    )


def changed(folder: Path, before: str | None, after: str) -> list[str]:
    """The paths that differ between two commits; all of them when there is no earlier one."""
    if before is None:
        return run(folder, "ls-tree", "-r", "--name-only", after).splitlines()
    return run(folder, "diff", "--name-only", before, after).splitlines()


def archive(folder: Path, revision: str, target: Path) -> None:
    """The files of a commit as a zip."""
    run(folder, "archive", "--format=zip", "-1", f"--output={target}", revision)


def show(folder: Path, revision: str, path: str) -> tuple[str, str, bytes]:
    """(mode, blob id, content) of a file; GitError when there is none."""
    line = run(folder, "ls-tree", revision, "--", path)
    if not line or line.split()[1] != "blob":
        raise GitError(f"there is no file {path} in {revision}")
    mode, _, blob = line.split("\t")[0].split()
    content = subprocess.run(
        ["git", "-C", str(folder), "-c", "safe.directory=*", "cat-file", "blob", blob], capture_output=True, check=True
    )
    return mode, blob, content.stdout


def write_commit(
    folder: Path, branch: str, parent: str | None, puts: dict[str, tuple[str, bytes]], deletes: list[str], who: dict[str, Any]
) -> str:
    """A commit on top of `parent` with files put (path → mode and content) and deleted; moves the branch, unless it has moved meanwhile."""
    index = folder / f"index-{os.urandom(6).hex()}"
    try:
        environment = {"GIT_INDEX_FILE": str(index)}
        run(folder, "read-tree", parent or "--empty", environment=environment)
        for path, (mode, content) in puts.items():
            blob = run(folder, "hash-object", "-w", "--stdin", input_=content)
            run(folder, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", environment=environment)
        for path in deletes:
            run(folder, "update-index", "--force-remove", "--", path, environment=environment)
        tree = run(folder, "write-tree", environment=environment)
    finally:
        index.unlink(missing_ok=True)
    person = {
        "GIT_AUTHOR_NAME": who["name"],
        "GIT_AUTHOR_EMAIL": who["email"],
        "GIT_COMMITTER_NAME": who["name"],
        "GIT_COMMITTER_EMAIL": who["email"],
    }
    parents = ("-p", parent) if parent else ()
    new = run(folder, "commit-tree", tree, *parents, "-m", who["message"] or "no message", environment=person)
    run(folder, "update-ref", f"refs/heads/{branch}", new, parent or "0" * 40)
    return new
