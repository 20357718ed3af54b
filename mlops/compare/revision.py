"""A revision of the repository that a project lies in, as a tree of its own for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops.engine.config import interpreter_of
from mlops.errors import UserError

# A hook of git runs with these, and they name the repository that it is a hook of.
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


@dataclass(frozen=True)
class Revision:
    """A commit: the reference that was given, its hash and the day it was made, and the project's folder in its tree."""

    name: str
    commit: str
    date: str
    project: Path


@contextmanager
def checked_out(root: Path, name: str, stack: str) -> Iterator[Revision]:
    """The tree of the revision `name` of the project at `root`; the working tree, the index and the branches stay as they are.

    UserError where there is no repository, no such revision, or no such project or stack in it.
    """
    top, folder = _repository(root)
    commit = _commit(top, name)
    _require_project(top, name, commit, folder, f"Pulumi.{stack}.yaml" if (root / f"Pulumi.{stack}.yaml").is_file() else None)
    with tempfile.TemporaryDirectory(prefix="mlops-base-") as temporary:
        tree = Path(temporary).resolve() / "tree"
        try:
            _git(top, "worktree", "add", "--quiet", "--detach", "--force", str(tree), commit)
            project = tree / folder
            _lend_environment(root, project)
            yield Revision(name, commit, _git(top, "show", "--no-patch", "--format=%cs", commit), project)
        finally:
            _forget(top, tree)


def _forget(top: Path, tree: Path) -> None:
    """Remove a tree, also one whose making was interrupted: that is locked and not whole, and git does not remove it."""
    try:
        _git(top, "worktree", "remove", "--force", "--force", str(tree))
    except UserError:
        shared = Path(_git(top, "rev-parse", "--path-format=absolute", "--git-common-dir"))
        for known in shared.glob("worktrees/*/gitdir"):
            if known.read_text(encoding="utf-8").strip() == str(tree / ".git"):
                shutil.rmtree(known.parent)


def _repository(root: Path) -> tuple[Path, str]:
    """The top of the repository, and the project's folder in it."""
    try:
        return Path(_git(root, "rev-parse", "--show-toplevel")), _git(root, "rev-parse", "--show-prefix")
    except UserError as error:
        raise UserError(
            "no-repository",
            f"expected a project in a git repository, got {error.message}",
            str(root),
            "name a file as --base: what `mlops preview --record FILE` wrote",
        ) from None


def _commit(top: Path, name: str) -> str:
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except UserError:
        raise UserError(
            "no-revision",
            f"expected a revision of the repository or a file, got {name!r}",
            str(top),
            "see `git log --oneline --all`; a shallow clone has only its last commits (git fetch --unshallow)",
        ) from None


def _require_project(top: Path, name: str, commit: str, folder: str, settings: str | None) -> None:
    for file, code, what in (("Pulumi.yaml", "no-project", "project"), (settings, "no-stack", "stack")):
        if file and not _git(top, "ls-tree", "--name-only", "--full-tree", commit, "--", f"{folder}{file}"):
            raise UserError(
                f"base-{code}", f"expected the {what} in the base, found no {folder}{file}", f"{name} ({commit[:12]})",
                "compare with a revision that has it",
            )  # fmt: skip


def _lend_environment(root: Path, project: Path) -> None:
    """Let the base run in the interpreter of the project as it is now: an environment is in no repository."""
    environment = interpreter_of(root).python.parent.parent
    if not environment.is_relative_to(root):
        return  # the base finds it by itself
    lent = project / environment.relative_to(root)
    if not lent.exists():
        lent.parent.mkdir(parents=True, exist_ok=True)
        lent.symlink_to(environment, target_is_directory=True)


def _git(folder: Path, *arguments: str) -> str:
    # Hooks are for people: none runs because something is compared.
    command = ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    environment = {key: value for key, value in os.environ.items() if key not in _OF_A_HOOK}
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
    except FileNotFoundError:
        raise UserError("no-git", "expected git on PATH, found none", "--base", "install git, or name a file as --base") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UserError("git", f"git: {said[-1] if said else f'exit code {done.returncode}'}", str(folder), " ".join(arguments[:2]))
    return done.stdout.decode(errors="surrogateescape").strip("\n")
