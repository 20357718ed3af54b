"""`python -m mlops` is `mlops`."""

from mlops.cli.main import run

run()
