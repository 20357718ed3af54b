"""A CloudWatch Synthetics canary of the API: what a client does, from outside, with known inputs.

`GET /health`, then for each model two signed `POST …/predictions` with the same idempotency key. An exception fails the run. It needs nothing but
what the runtime has (Python and botocore), so it runs anywhere: `API_URL` and `INPUTS` (model → instance, JSON) are its settings.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

import checks
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

logger = logging.getLogger(__name__)
SECONDS = 29


def handler(_event: Any, _context: Any) -> str:
    """Synthetics calls this; what it raises is the reason of the failed run."""
    url, inputs = os.environ["API_URL"].rstrip("/"), json.loads(os.environ["INPUTS"])
    checks.health(*send("GET", f"{url}/health"))
    for model, instance in inputs.items():
        key = checks.key_of(model, datetime.now(UTC))
        first, again = (predict(url, model, instance, key) for _ in range(2))
        checks.same(model, first, again)
        logger.info("%s answered with version %s in %s ms", model, first["model_version"], first.get("latency_ms"))
    return f"the API and {len(inputs)} models answer"


def predict(url: str, model: str, instance: dict[str, Any], key: str) -> dict[str, Any]:
    """One signed prediction."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return checks.prediction(model, *send("POST", f"{url}/models/{model}/predictions", checks.body_of(instance), headers))


def send(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body; what is posted is signed with the canary's role."""
    request = AWSRequest(method, url, data=body, headers=headers or {})
    if method == "POST":
        session = Session()
        SigV4Auth(session.get_credentials(), "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    answer = URLLib3Session(timeout=SECONDS).send(request.prepare())
    return answer.status_code, answer.content
