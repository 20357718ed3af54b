"""The Pulumi CLI with a home and a state of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Variables of a CLI that keeps everything in `folder`, finds this interpreter first and downloads nothing."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "no_grpc_proxy": "127.0.0.1",
    }
