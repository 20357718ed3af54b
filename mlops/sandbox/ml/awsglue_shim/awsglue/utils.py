"""Job arguments, as in AWS Glue's `awsglue.utils`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

_RESERVED = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "TempDir")
_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")


class GlueArgumentError(Exception):
    """A required job argument is missing or malformed."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse would end the process
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802  (AWS's name)
    """The values of `options` among the job's `--name value` arguments; GlueArgumentError names what is missing.

    As on AWS: reserved arguments that the run has are returned too, names are given without the leading dashes, anything else is ignored.
    """
    clash = sorted(set(options) & {"JOB_ID", "JOB_RUN_ID"})
    if clash:
        raise RuntimeError(f"Using reserved arguments {clash}")
    parser = _Parser(prog=args[0] if args else "job", allow_abbrev=False, add_help=False)
    for option in dict.fromkeys([*options, "JOB_NAME"]):
        parser.add_argument(f"--{option}", required=option in options)
    for reserved in _RESERVED:
        if reserved != "JOB_NAME" and reserved not in options:
            parser.add_argument(f"--{reserved}")
    parser.add_argument("--job-bookmark-option", choices=_BOOKMARKS)
    parsed, _ = parser.parse_known_args(list(args[1:]))
    return {name: value for name, value in vars(parsed).items() if value is not None}
