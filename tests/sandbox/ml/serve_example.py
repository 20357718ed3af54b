"""A serving program as a model archive carries it: CSV rows in, one prediction a line out. FAULT makes it misbehave."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULT = os.environ.get("FAULT", "")
if FAULT == "import":
    raise ImportError("No module named 'model'")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, content_type="text/csv"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(500 if FAULT == "ping" else 200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":
            os._exit(9)
        if body == b"wrong":
            self.answer(500, b"cannot predict", "text/plain")
        elif body == b"slow":
            time.sleep(0.5)
            self.answer(200, b"late")
        else:
            rows = body.decode().strip().splitlines()
            scale = float(os.environ.get("SCALE", "1"))
            text = "\n".join(str(scale * sum(map(float, row.split(",")))) for row in rows) + "\n"
            self.answer(200, text.encode())

    def log_message(self, *_):
        pass


print("serving", os.environ["SM_MODEL_DIR"], flush=True)
server = ThreadingHTTPServer((os.environ["SAGEMAKER_BIND_TO_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
sys.exit(server.serve_forever())
