"""The runtime inside a Lambda execution environment. Runs as a script, with nothing on sys.path but the standard library.

    python -I -S lambda_bootstrap.py CONTROL_IN CONTROL_OUT PATH...

CONTROL_IN and CONTROL_OUT are file descriptors with one JSON document a line. The environment's variables are those of AWS Lambda.
First line out: {"ready": true} or {"init_error": {...}}. Then, for each {"id", "event", "deadline", "arn"} in, one
{"payload": "..."} or {"error": {...}} out.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Context:
    """What AWS Lambda hands to a Python handler."""

    def __init__(self, request):
        self.aws_request_id = request["id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = CognitoIdentity()
        self.client_context = None
        self.tenant_id = None
        self._deadline = request["deadline"]

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message):
        print(message)


class RequestIdFilter(logging.Filter):
    request_id = ""

    def filter(self, record):
        record.aws_request_id = RequestIdFilter.request_id
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": RequestIdFilter.request_id,
        }
        if record.exc_info:
            value = record.exc_info[1]
            line["errorType"], line["errorMessage"] = type(value).__name__, str(value)
            line["stackTrace"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(line, default=str)


def set_up_logging():
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(RequestIdFilter())
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        handler.setFormatter(JsonFormatter())
        logging.getLogger().setLevel(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
    else:
        form = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
        form.converter = time.gmtime
        handler.setFormatter(form)
    logging.getLogger().addHandler(handler)


def error_of(kind, message, trace):
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename != __file__ and "importlib" not in frame.filename]
    return {"errorMessage": message, "errorType": kind, "stackTrace": traceback.format_list(frames)}


def print_error(error):
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        # As the Python runtime writes an exception that nobody caught: `log_level`, where its logger has `level`.
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(json.dumps({"timestamp": moment, "log_level": "ERROR", "requestId": RequestIdFilter.request_id, **error}))
        return
    print(f"[ERROR] {error['errorType']}: {error['errorMessage']}")
    if error.get("stackTrace"):
        print("Traceback (most recent call last):\n" + "".join(error["stackTrace"]), end="")


def load(handler):
    """(function, None) or (None, error)."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        return None, {
            "errorType": "Runtime.MalformedHandlerName",
            "errorMessage": f"Bad handler '{handler}': not enough values to unpack",
        }
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        return None, error_of("Runtime.ImportModuleError", message, error.__traceback__)
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        return None, error_of("Runtime.UserCodeSyntaxError", message, error.__traceback__)
    except Exception as error:  # noqa: BLE001 - user code: its error is the answer
        return None, error_of(type(error).__name__, str(error), error.__traceback__)
    function = getattr(module, name, None)
    if function is None:
        return None, {"errorType": "Runtime.HandlerNotFound", "errorMessage": f"Handler '{name}' missing on module '{module_name}'"}
    return function, None


def call(function, request):
    try:
        result = function(json.loads(request["event"]), Context(request))
    except Exception as error:  # noqa: BLE001 - user code: its error is the answer
        answer = error_of(type(error).__name__, str(error), error.__traceback__)
        print_error(answer)
        return {"error": {**answer, "requestId": request["id"]}}
    try:
        return {"payload": json.dumps(result)}
    except (TypeError, ValueError) as error:
        return {
            "error": {
                "errorType": "Runtime.MarshalError",
                "errorMessage": f"Unable to marshal response: {error}",
                "stackTrace": [],
                "requestId": request["id"],
            }
        }


def main():
    control_in, control_out, *path = sys.argv[1:]
    requests = os.fdopen(int(control_in), "r")
    answers = os.fdopen(int(control_out), "w", 1)
    os.set_inheritable(int(control_in), False)
    os.set_inheritable(int(control_out), False)
    sys.argv = [""]
    sys.path[:0] = path
    set_up_logging()
    function, error = load(os.environ["_HANDLER"])
    if error:
        print_error(error)
    sys.stdout.flush()
    sys.stderr.flush()
    answers.write(json.dumps({"init_error": error} if error else {"ready": True}) + "\n")
    for line in requests:
        request = json.loads(line)
        RequestIdFilter.request_id = request["id"]
        os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
        answer = call(function, request)
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")


main()
