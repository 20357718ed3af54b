"""Runs one Pulumi program in a process of its own, as `pulumi-language-python-exec` does.

A script, not a module: it runs under the program's interpreter and imports nothing but the standard library, `pulumi`, `program_failure` and `program_sdk`.
It reads one JSON document from standard input and writes the outcome as JSON to the file descriptor named there.
"""

# ruff: noqa: E402 - the module search path is corrected before anything is imported

import sys

# This folder's modules must not stand in for the program's own, nor for the standard library's.
sys.path.append(sys.path.pop(0))
from program_failure import Origins, describe, standing
from program_sdk import listen_to_stack_references, outputs_of, outputs_of_function, survey_configuration

del sys.path[-1], sys.modules["program_failure"], sys.modules["program_sdk"]

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import gc
import inspect
import json
import logging
import os
import runpy
import signal
import threading
from importlib import metadata
from pathlib import Path


def die_with_parent(parent):
    """End this process when the engine's does, however that happens (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the engine has ended")


class QuietEngine:
    """The engine's stub without debug messages: the SDK sends five of them a resource, each a call that blocks the program."""

    def __init__(self, stub):
        self._stub = stub

    def __getattr__(self, name):
        return getattr(self._stub, name)

    def Log(self, request):
        from pulumi.runtime.proto import engine_pb2

        if request.severity != engine_pb2.DEBUG:
            self._stub.Log(request)


class DescribingMonitor:
    """The monitor's stub, which also tells the engine what only the program's interpreter knows.

    That is what each custom resource's class says about its outputs (it travels as gRPC metadata, once a type), and which version of a
    package is installed.
    """

    def __init__(self, stub):
        self._stub = stub
        self._described = set()
        self._classes = {}
        self._versions = {}

    def __getattr__(self, name):
        return getattr(self._stub, name)

    def RegisterResource(self, request):
        if not (request.custom or request.remote):
            return self._stub.RegisterResource(request)
        self._complete(request, request.type)
        response = self._stub.RegisterResource(request, metadata=self._description(request))
        # Only now: registrations overtake each other, and none may reach the engine before its type's description.
        self._described.add(request.type)
        return response

    def ReadResource(self, request):
        self._complete(request, request.type)
        return self._stub.ReadResource(request, metadata=self._description(request))

    def Invoke(self, request):
        self._complete(request, request.tok)
        outputs = outputs_of_function(request.tok)
        return self._stub.Invoke(request, metadata=(("function-outputs", json.dumps(outputs)),) if outputs else ())

    def _complete(self, request, token):
        """What names no version of its package gets the installed one's, as from the CLI."""
        if request.version or getattr(request, "packageRef", ""):  # older SDKs have none
            return
        package = token.removeprefix("pulumi:providers:").split(":")[0]
        if package not in self._versions:
            try:
                self._versions[package] = metadata.version("pulumi_" + package)
            except metadata.PackageNotFoundError:
                self._versions[package] = ""
        request.version = self._versions[package]

    def _description(self, request):
        if request.type in self._described:
            return ()
        cls = self._class_of(request.type)
        return () if cls is None else (("class-outputs", json.dumps(outputs_of(cls))),)

    def _class_of(self, token):
        import pulumi

        if token not in self._classes:
            pending = [pulumi.CustomResource, pulumi.ComponentResource]
            while pending:
                cls = pending.pop()
                pending += cls.__subclasses__()
                self._classes.setdefault(getattr(cls, "pulumi_type", None), cls)
        return self._classes.get(token)


def run(task, told):
    import grpc
    from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
    from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

    told["stack_outputs_read"] = listen_to_stack_references()
    if task["survey"]:
        told["surveyed"] = survey_configuration()
    set_all_config(task["config"], task["secret_keys"])
    channel = grpc.insecure_channel(task["address"], options=[("grpc.max_receive_message_length", 400 << 20)])
    settings = {
        "project": task["project"],
        "stack": task["stack"],
        "monitor": DescribingMonitor(resource_pb2_grpc.ResourceMonitorStub(channel)),
        "engine": QuietEngine(engine_pb2_grpc.EngineStub(channel)),
        "parallel": task["parallel"],
        "dry_run": task["dry_run"],
        "organization": "organization",
        "root_directory": task["root"],
    }
    known = inspect.signature(Settings).parameters  # an older SDK has fewer
    configure(Settings(**{name: value for name, value in settings.items() if name in known}))

    async def program():
        runpy.run_path(task["program"], run_name="__main__")
        # The registrations start in this pause. The SDK then waits for one after the other; where it finds none it waits for all outputs
        # at once, anew whenever one is there: work that grows with the square of the resources.
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    origins = Origins()
    loop.set_task_factory(origins.task)
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=task["parallel"])
    loop.set_default_executor(pool)
    # The SDK re-raises the first failure; asyncio would print all others as never retrieved.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(run_in_stack(program))
        return {"ok": True}
    except BaseException as error:  # noqa: BLE001 - the engine reports whatever ends the program
        origins.restore(error)
        return describe(error, task["root"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def main():
    # While the engine makes itself ready. Without an SDK, `run` says so.
    with contextlib.suppress(ImportError):
        import grpc  # noqa: F401
        import pulumi  # noqa: F401
    # The SDK makes thousands of objects that live to the end: looking for garbage among them took two fifths of a preview of 1,000 resources.
    gc.freeze()
    gc.set_threshold(100_000)
    task = json.load(sys.stdin)
    die_with_parent(task["parent"])
    program = task["program"]
    folder = program if Path(program).is_dir() else str(Path(program).parent)
    sys.path.insert(0, folder)
    os.chdir(folder)
    sys.argv = [program]
    told, only_one = {}, threading.Lock()

    def tell(outcome):
        only_one.acquire()  # and never let go: there is one outcome
        with os.fdopen(task["outcome"], "w") as file:
            json.dump({**outcome, **told}, file)

    def give_up():
        tell(standing(task["root"]))
        os._exit(1)

    if task["timeout"]:
        watch = threading.Timer(task["timeout"], give_up)
        watch.daemon = True
        watch.start()
    try:
        outcome = run(task, told)
    except ImportError as error:
        # The interpreter lacks the Pulumi SDK itself.
        outcome = describe(error, task["root"])
    tell(outcome)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking thousands of objects apart costs time, and left-over threads would keep a finished program alive.
    os._exit(0 if outcome["ok"] else 1)


main()
