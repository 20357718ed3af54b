"""What a preview rests on is told: interpreter, what it lacks, where answers came from."""

from __future__ import annotations

from rich.console import Console

from mlops import engine
from mlops.report import basis


def test_interpreter_and_answers_are_told() -> None:
    record = engine.Record("project", "dev")
    packages = {"pulumi": "3.272.0", "pulumi-aws": "7.51.1"}
    record.interpreter = {"python": "/venv/bin/python", "why": "that of `virtualenv: venv` in Pulumi.yaml", "packages": packages}
    record.interpreter |= {"missing": ["slack-sdk==3.35.0"], "different": ["boto3==1.42.45 (1.44.5 is installed)"]}
    record.answers = {"aws:ec2/getAmi:getAmi": "example", "aws:kms/getKey:getKey": "file"}
    document = basis.document(record)
    console = Console(width=200, record=True)
    basis.show(console, {**document, "resources": [{"type": "random:index/randomPet:RandomPet"}]})
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert lines == [
        "run by /venv/bin/python (that of `virtualenv: venv` in Pulumi.yaml): pulumi 3.272.0, pulumi-aws 7.51.1",
        "not installed there: slack-sdk==3.35.0",
        "installed there in another version: boto3==1.42.45 (1.44.5 is installed)",
        "answered by example: getAmi",
        "answered by you: getKey",
        "nothing to judge: the program registers no resource of the package aws",
    ]
