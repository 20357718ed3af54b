"""What ended a program, told by the program's own frames.

Imported by `child` in the program's process: nothing but the standard library. Own is what the user wrote, wherever it lies: neither the
standard library nor an installed package nor these files.
"""

import asyncio
import sys
import sysconfig
import threading
import traceback
from functools import cache
from pathlib import Path

_LIBRARIES = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PACKAGES = ("site-packages", "dist-packages")
_ENGINE = (__file__, *(str(Path(__file__).with_name(name)) for name in ("child.py", "program_sdk.py")))


class Origins:
    """Where exceptions came from: the frames that each had when the first task that it ended was done.

    When several tasks wait for the same failed one, asyncio gives the frames to the first of them only: what the SDK then raises as the
    program's failure may know nothing of the program any more.
    """

    def __init__(self):
        self._found = {}

    def task(self, loop, coroutine, **options):
        """A task factory (`loop.set_task_factory`)."""
        task = asyncio.Task(coroutine, loop=loop, **options)
        task.add_done_callback(self._note)
        return task

    def _note(self, task):
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._found.setdefault(id(error), (error, error.__traceback__))

    def restore(self, error):
        """Give an exception, and those that it came of, the program's frames back where they were lost."""
        seen = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            if id(error) in self._found and not any(map(is_own, traceback.extract_tb(error.__traceback__))):
                error.__traceback__ = self._found[id(error)][1]
            error = error.__cause__ or error.__context__


def is_own(frame):
    """Whether a frame is code of the user's."""
    return _is_own(frame.filename)


@cache
def _is_own(name):
    if name.startswith("<") or name in _ENGINE:
        return False
    path = Path(name).resolve()
    return not any(part in _PACKAGES for part in path.parts) and not str(path).startswith(_LIBRARIES)


def describe(error, root):
    """The outcome of a program that ended with this exception; file names below `root` are relative to it."""
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return {"ok": True}
    told = traceback.TracebackException.from_exception(error)
    full = "".join(told.format())
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame)]
    left_out = sum(map(_keep_own, _all(told)))
    file, line = (own[-1].filename, own[-1].lineno) if own else ("", 0)
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        file, line = error.filename, error.lineno  # it has no frame of its own
    return {
        "ok": False,
        "type": type(error).__name__,
        "kinds": [cls.__name__ for cls in type(error).__mro__],
        "message": error.code if isinstance(error, SystemExit) and isinstance(error.code, str) else str(error),
        "traceback": _relative("".join(told.format()), root),
        "full_traceback": full,
        "missing_module": error.name if isinstance(error, ModuleNotFoundError) else None,
        "missing_config": _missing_config(error),
        "of_aws": type(error).__module__.split(".")[0] == "botocore",
        "left_out": left_out,
        "file": file,
        "line": line,
    }


def _missing_config(error):
    """[key, whether it is secret] of the configuration value that a program requires in vain."""
    key = getattr(error, "key", None) if type(error).__name__ == "ConfigMissingError" else None
    return [key, getattr(error, "secret", False)] if key else None


def standing(root):
    """Where the program's own code is at this moment, as the outcome of one that did not end."""
    main = sys._current_frames().get(threading.main_thread().ident or 0)
    frames = [frame for frame in traceback.extract_stack(main) if is_own(frame)]
    return {
        "ok": False,
        "type": "timeout",
        "kinds": [],
        "message": "",
        "traceback": _relative("".join(traceback.format_list(frames)), root),
        "full_traceback": "".join(traceback.format_stack(main)),
        "left_out": 0,
        "file": frames[-1].filename if frames else "",
        "line": frames[-1].lineno if frames else 0,
    }


def _all(told):
    """An exception as text, with those that it came of and those that it groups."""
    pending, seen = [told], set()
    while pending:
        each = pending.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            pending += [each.__cause__, each.__context__, *(getattr(each, "exceptions", None) or ())]


def _keep_own(told):
    """Leave out the frames of libraries; how many those are."""
    frames = list(told.stack)
    told.stack = traceback.StackSummary.from_list([frame for frame in frames if is_own(frame)])
    return len(frames) - len(told.stack)


def _relative(text, root):
    return text.replace(f'File "{root.rstrip("/")}/', 'File "')
