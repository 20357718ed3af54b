"""Runs a program under the SDK's own mocks and nothing else: what the SDK itself takes for it. `python benchmarks/sdk_alone.py < task.json`."""

# ruff: noqa: E402 - the module search path is corrected before anything is imported

import sys

del sys.path[0]

import asyncio
import json
import logging
import os
import runpy

import pulumi
from pulumi.runtime import set_all_config, set_mocks
from pulumi.runtime.stack import wait_for_rpcs


class Mocks(pulumi.runtime.Mocks):
    """Answers with a resource's own inputs (a component of another package with ids), and a call with what it was answered before."""

    def __init__(self, answers, components):
        self._answers, self._components = answers, components

    def new_resource(self, args):
        return args.name, self._components.get(args.name, args.inputs)

    def call(self, args):
        return self._answers.get(args.token, {})


def main():
    task = json.load(sys.stdin)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before the mocks, whose stack waits on it
    set_mocks(Mocks(task["answers"], task["components"]), task["project"], task["stack"], preview=True)
    set_all_config(task["config"], task["secret_keys"])
    sys.path.insert(0, task["program"])
    os.chdir(task["program"])
    sys.argv = [task["program"]]
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    async def program():
        runpy.run_path(task["program"], run_name="__main__")
        await wait_for_rpcs()

    loop.run_until_complete(program())
    os._exit(0)


main()
