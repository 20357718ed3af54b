"""What the pack adds to a real `pulumi preview` of 200 resources: the same program with and without it, by turns.

Target: at most 25 %. A pack that does nothing is measured as well: the CLI loads the SDK twice for any pack in Python. Needs the Pulumi CLI on PATH; the provider is a stand-in that answers at once, so the preview itself is as fast as one can be.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.programs import Cli, project
from tests.engine.plugin import EchoProvider, served

COUNT = 200
ROUNDS = 5
EMPTY_PACK = """
from pulumi_policy import PolicyPack, ResourceValidationPolicy

PolicyPack("empty", [ResourceValidationPolicy("nothing", "Nothing.", lambda arguments, report: None)])
"""


def main() -> None:
    if shutil.which("pulumi") is None:
        print("  not measured: the Pulumi CLI is not on PATH")
        return
    with tempfile.TemporaryDirectory() as directory:
        folder = project(Path(directory) / "bench", COUNT)
        with served(EchoProvider("eu-west-1"), folder) as providers:
            cli = Cli(folder, providers)
            cli.init()
            empty = ("--policy-pack", str(_empty_pack(folder / "empty")))
            # A mandatory finding would end the preview, and what then remains of it is not what is to be measured: all advise.
            rounds = [[cli.preview(COUNT, *options) for options in ((), empty, cli.pack())] for _ in range(ROUNDS + 1)][1:]
    for unit, of in (("", "wall"), (" of processor time", "processor")):
        times = [[getattr(cost, of) for cost in costs] for costs in rounds]
        bare, floor, judged = (min(each) for each in zip(*times, strict=True))
        spread = sorted(each[2] / each[0] - 1 for each in times)
        print(
            f"  pulumi preview of {COUNT} resources: {bare:.2f} s{unit}, with the pack {judged:.2f} s: {judged / bare - 1:+.0%} "
            f"(target ≤ +25 %); by rounds {spread[0]:+.0%} to {spread[-1]:+.0%}; with a pack that does nothing {floor / bare - 1:+.0%}"
        )


def _empty_pack(folder: Path) -> Path:
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("name: empty\nversion: 0.0.1\nruntime: python\n")
    (folder / "__main__.py").write_text(EMPTY_PACK)
    return folder
