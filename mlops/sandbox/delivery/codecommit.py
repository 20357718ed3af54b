"""CodeCommit: each repository is a bare git repository in the sandbox's folder, which `git push` reaches by its path.

Pushes are noticed by looking at the branches every `executors.codecommit.poll` seconds (1); commits over the API at once.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlops.sandbox.compute.events import emit
from mlops.sandbox.delivery import git
from mlops.sandbox.delivery.dispatcher import Operation, Tags, page
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}


@dataclass
class Repository:
    """One repository. `seen` is where its branches were when somebody looked last."""

    name: str
    arn: str
    path: Path
    default_branch: str = "main"
    description: str = ""
    kms_key: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    seen: dict[str, str] = field(default_factory=dict)


def of(sandbox: Sandbox) -> CodeCommit:
    """The one CodeCommit of a sandbox."""
    if "codecommit" not in sandbox.services:
        sandbox.services["codecommit"] = CodeCommit(sandbox)
    return sandbox.services["codecommit"]


def operations(sandbox: Sandbox) -> Mapping[str, Operation]:
    """The API."""
    service = of(sandbox)
    return {
        "CreateRepository": service.create_repository,
        "DeleteRepository": service.delete_repository,
        "GetRepository": service.get_repository,
        "ListRepositories": service.list_repositories,
        "BatchGetRepositories": service.batch_get_repositories,
        "UpdateRepositoryDescription": service.update_repository_description,
        "UpdateRepositoryEncryptionKey": service.update_repository_encryption_key,
        "UpdateDefaultBranch": service.update_default_branch,
        "CreateBranch": service.create_branch,
        "DeleteBranch": service.delete_branch,
        "GetBranch": service.get_branch,
        "ListBranches": service.list_branches,
        "CreateCommit": service.create_commit,
        "PutFile": service.put_file,
        "GetCommit": service.get_commit,
        "GetFile": service.get_file,
        "TagResource": service.tag_resource,
        "UntagResource": service.untag_resource,
        "ListTagsForResource": service.list_tags_for_resource,
    }


class CodeCommit:
    """All repositories of the account."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.folder = Path(sandbox.directory) / "codecommit"
        shutil.rmtree(self.folder, ignore_errors=True)  # what an earlier sandbox left: state is in memory
        self.repositories: dict[str, Repository] = {}
        self._tags = Tags()
        self._lock = threading.Lock()
        self._watching = False

    def create_repository(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        name = request["repositoryName"]
        if name in self.repositories:
            raise ServiceError("RepositoryNameExistsException", f"Repository named {name} already exists")
        arn = f"arn:aws:codecommit:{self.sandbox.region}:{self.sandbox.account}:{name}"
        repository = Repository(name, arn, self.folder / f"{name}.git", description=request.get("repositoryDescription", ""))
        repository.kms_key = request.get("kmsKeyId")
        git.create(repository.path, repository.default_branch)
        self.repositories[name] = repository
        self._tags.set(arn, request.get("tags") or {})
        self._watch()
        return {"repositoryMetadata": self._metadata(repository)}

    def delete_repository(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repositories.pop(request["repositoryName"], None)
        if repository is None:
            return {}
        shutil.rmtree(repository.path)
        self._tags.forget(repository.arn)
        return {"repositoryId": repository.id}

    def get_repository(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"repositoryMetadata": self._metadata(self.repository(request["repositoryName"]))}

    def list_repositories(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        listed = [{"repositoryName": each.name, "repositoryId": each.id} for each in self.repositories.values()]
        found, token = page(sorted(listed, key=lambda each: each["repositoryName"]), request)
        return {"repositories": found, "nextToken": token}

    def batch_get_repositories(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        names = request["repositoryNames"]
        found = [self._metadata(self.repositories[name]) for name in names if name in self.repositories]
        return {"repositories": found, "repositoriesNotFound": [name for name in names if name not in self.repositories]}

    def update_repository_description(self, request: dict[str, Any], caller: str) -> None:
        self.repository(request["repositoryName"]).description = request.get("repositoryDescription", "")

    def update_repository_encryption_key(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repository(request["repositoryName"])
        before, repository.kms_key = repository.kms_key, request["kmsKeyId"]
        return {"repositoryId": repository.id, "kmsKeyId": repository.kms_key, "originalKmsKeyId": before}

    def update_default_branch(self, request: dict[str, Any], caller: str) -> None:
        repository = self.repository(request["repositoryName"])
        self._head(repository, request["defaultBranchName"])
        repository.default_branch = request["defaultBranchName"]
        git.run(repository.path, "symbolic-ref", "HEAD", f"refs/heads/{repository.default_branch}")

    def create_branch(self, request: dict[str, Any], caller: str) -> None:
        repository = self.repository(request["repositoryName"])
        if git.head(repository.path, request["branchName"]):
            raise ServiceError("BranchNameExistsException", f"branch {request['branchName']} exists already")
        try:
            git.run(repository.path, "update-ref", f"refs/heads/{request['branchName']}", request["commitId"])
        except git.GitError as error:
            raise ServiceError("CommitIdDoesNotExistException", f"Could not find commit: {request['commitId']} ({error})") from error
        self.look(repository)

    def delete_branch(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repository(request["repositoryName"])
        if request["branchName"] == repository.default_branch:
            raise ServiceError("DefaultBranchCannotBeDeletedException", "The default branch of a repository cannot be deleted")
        commit = git.head(repository.path, request["branchName"])
        if commit is None:
            return {}
        git.run(repository.path, "update-ref", "-d", f"refs/heads/{request['branchName']}")
        self.look(repository)
        return {"deletedBranch": {"branchName": request["branchName"], "commitId": commit}}

    def get_branch(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repository(request["repositoryName"])
        return {"branch": {"branchName": request["branchName"], "commitId": self._head(repository, request["branchName"])}}

    def list_branches(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        names, token = page(sorted(git.branches(self.repository(request["repositoryName"]).path)), request)
        return {"branches": names, "nextToken": token}

    def create_commit(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        puts = {}
        for each in request.get("putFiles") or ():
            if "sourceFile" in each:
                raise ServiceError("InvalidParameterException", "the sandbox does not carry out putFiles.sourceFile: give fileContent")
            puts[each["filePath"]] = (MODES[each.get("fileMode", "NORMAL")], content_of(each.get("fileContent")))
        if request.get("setFileModes"):
            raise ServiceError("InvalidParameterException", "the sandbox does not carry out setFileModes: put the file with its mode")
        deletes = [each["filePath"] for each in request.get("deleteFiles") or ()]
        commit = self._commit(request, request.get("parentCommitId"), puts, deletes)
        repository = self.repository(request["repositoryName"])
        added = [self._file(repository, commit, path) for path in puts]
        return {"commitId": commit, "treeId": git.commit(repository.path, commit).tree, "filesAdded": added}

    def put_file(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        puts = {request["filePath"]: (MODES[request.get("fileMode", "NORMAL")], content_of(request["fileContent"]))}
        request = {**request, "authorName": request.get("name"), "commitMessage": request.get("commitMessage")}
        commit = self._commit(request, request.get("parentCommitId"), puts, [])
        repository = self.repository(request["repositoryName"])
        file = self._file(repository, commit, request["filePath"])
        return {"commitId": commit, "blobId": file["blobId"], "treeId": git.commit(repository.path, commit).tree}

    def _commit(self, request: dict[str, Any], parent: str | None, puts: dict[str, tuple[str, bytes]], deletes: list[str]) -> str:
        repository, branch = self.repository(request["repositoryName"]), request["branchName"]
        if not puts and not deletes:
            raise ServiceError("FileEntryRequiredException", "a commit needs at least one file")
        tip = git.head(repository.path, branch)
        if tip is None and git.branches(repository.path):
            raise ServiceError("BranchDoesNotExistException", f"there is no branch {branch}")
        if tip is not None and parent is None:
            raise ServiceError("ParentCommitIdRequiredException", f"a parentCommitId is required; the branch is at {tip}")
        if tip is not None and parent != tip:
            raise ServiceError("ParentCommitIdOutdatedException", f"the branch is at {tip}, the parentCommitId is {parent}")
        who = {
            "name": request.get("authorName") or "sandbox",
            "email": request.get("email") or "sandbox@localhost",
            "message": request.get("commitMessage"),
        }
        try:
            commit = git.write_commit(repository.path, branch, tip, puts, deletes, who)
        except git.GitError as error:
            raise ServiceError("InvalidParameterException", f"git refused the commit: {error}") from error
        self.look(repository)
        return commit

    def get_commit(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repository(request["repositoryName"])
        try:
            found = git.commit(repository.path, request["commitId"])
        except git.GitError as error:
            raise ServiceError("CommitIdDoesNotExistException", str(error)) from error
        author = {"name": found.author, "email": found.email, "date": git_date(found.authored)}
        committer = {"name": found.committer, "email": found.committer_email, "date": git_date(found.committed)}
        commit = {"commitId": found.id, "treeId": found.tree, "parents": list(found.parents), "message": found.message}
        return {"commit": {**commit, "author": author, "committer": committer}}

    def get_file(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        repository = self.repository(request["repositoryName"])
        revision = request.get("commitSpecifier") or repository.default_branch
        try:
            commit = git.commit(repository.path, revision).id
            mode, blob, content = git.show(repository.path, commit, request["filePath"])
        except git.GitError as error:
            raise ServiceError("FileDoesNotExistException", str(error)) from error
        kind = next(name for name, value in MODES.items() if value == mode)
        return {
            "commitId": commit,
            "blobId": blob,
            "filePath": request["filePath"],
            "fileMode": kind,
            "fileSize": len(content),
            "fileContent": content,
        }

    def tag_resource(self, request: dict[str, Any], caller: str) -> None:
        self._tags.set(request["resourceArn"], request["tags"])

    def untag_resource(self, request: dict[str, Any], caller: str) -> None:
        self._tags.remove(request["resourceArn"], request["tagKeys"])

    def list_tags_for_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"tags": self._tags.of(request["resourceArn"])}

    # What others need

    def repository(self, name: str) -> Repository:
        found = self.repositories.get(name)
        if found is None:
            raise ServiceError("RepositoryDoesNotExistException", f"{name} does not exist")
        return found

    def by_address(self, address: str) -> Repository:
        """The repository of a clone address."""
        return self.repository(address.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git"))

    def look(self, repository: Repository) -> None:
        """Tell of every branch that has moved since the last look."""
        with self._lock:
            before, now = repository.seen, git.branches(repository.path)
            repository.seen = now
        for branch in sorted({*before, *now}):
            if before.get(branch) != now.get(branch):
                self._tell(repository, branch, before.get(branch), now.get(branch))

    def _tell(self, repository: Repository, branch: str, before: str | None, now: str | None) -> None:
        event = "referenceCreated" if before is None else "referenceUpdated" if now else "referenceDeleted"
        detail = {
            "event": event,
            "repositoryName": repository.name,
            "repositoryId": repository.id,
            "referenceType": "branch",
            "referenceName": branch,
            "referenceFullName": f"refs/heads/{branch}",
            "commitId": now or before,
        }
        if event == "referenceUpdated":
            detail["oldCommitId"] = before
        repository.modified = datetime.now(UTC)
        emit(self.sandbox, "aws.codecommit", "CodeCommit Repository State Change", detail, [repository.arn])

    def _watch(self) -> None:
        if self._watching or self.sandbox.identity is None:
            return
        self._watching = True
        interval = float(self.sandbox.options.executors.get("codecommit", {}).get("poll", 1.0))

        def look_at_all() -> None:
            for repository in list(self.repositories.values()):
                if repository.path.is_dir():
                    self.look(repository)

        self.sandbox.every(interval, look_at_all)

    def _head(self, repository: Repository, branch: str) -> str:
        found = git.head(repository.path, branch)
        if found is None:
            raise ServiceError("BranchDoesNotExistException", f"there is no branch {branch} in {repository.name}")
        return found

    @staticmethod
    def _file(repository: Repository, commit: str, path: str) -> dict[str, str]:
        mode, blob, _ = git.show(repository.path, commit, path)
        return {"absolutePath": path, "blobId": blob, "fileMode": next(name for name, value in MODES.items() if value == mode)}

    def _metadata(self, repository: Repository) -> dict[str, Any]:
        return {
            "accountId": self.sandbox.account,
            "repositoryId": repository.id,
            "repositoryName": repository.name,
            "repositoryDescription": repository.description or None,
            "defaultBranch": repository.default_branch if git.branches(repository.path) else None,
            "lastModifiedDate": repository.modified,
            "creationDate": repository.created,
            "cloneUrlHttp": f"file://{repository.path}",
            "cloneUrlSsh": f"file://{repository.path}",
            "Arn": repository.arn,
            "kmsKeyId": repository.kms_key,
        }


def content_of(value: Any) -> bytes:
    """A file's bytes: the parser leaves blobs in base64."""
    import base64

    return value if isinstance(value, bytes) else base64.b64decode(value or "")


def git_date(moment: datetime) -> str:
    """Seconds and zone, as git writes them."""
    return f"{int(moment.timestamp())} {moment.strftime('%z')}"
