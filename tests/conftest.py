"""Which tests share a process when `make test` lets two processes work side by side."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WITH_A_STACK_OF_ITS_OWN = "tests/end_to_end/test_demo.py"


def group(nodeid: str) -> str:
    """End-to-end tests share a deployed stack, and the sandbox's tests of a folder a daemon; all others stay together by file."""
    file = nodeid.split("::", 1)[0]
    parts = PurePosixPath(file).parts
    if parts[1] == "end_to_end" and file != WITH_A_STACK_OF_ITS_OWN:
        return "tests/end_to_end"
    return "/".join(parts[:3]) if parts[1] == "sandbox" else file


class Groups(LoadScopeScheduling):
    """Hands whole groups to the processes, in the order of collection. (pytest 9.2 drops the names that `--dist loadgroup` needs.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)
