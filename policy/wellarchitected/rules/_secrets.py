"""What looks like a credential written in clear: by the form of a value, and by the name of what holds it."""

from __future__ import annotations

import re

# What no ordinary text looks like: access keys of AWS, private keys, tokens of GitHub, GitLab, Slack, Stripe, Google, npm, PyPI, SendGrid,
# Anthropic and OpenAI, and addresses with a password (one that is filled in later, as in ${PASSWORD}, is none).
_CREDENTIALS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{50}|\bglpat-[\w-]{20}"
    r"|\bxox[abprs]-\d+-[\w-]+|\b[sr]k_live_[A-Za-z0-9]{20}|\bAIza[\w-]{35}|\bnpm_[A-Za-z0-9]{36}|\bpypi-AgE[\w-]{50}"
    r"|\bSG\.[\w-]{20,24}\.[\w-]{40,45}|\bsk-(?:ant|proj)-[\w-]{20}|\b[a-z][a-z0-9+.-]*://[^\s:/@?#]+:[^\s:/@?#${}<>*%]{3,}@[\w.-]"
)
# Looking for a fixed text first is ten times as fast as the expression.
_MARKS = (
    "AKIA", "ASIA", "PRIVATE KEY-----", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "k_live_", "AIza", "npm_",
    "pypi-", "SG.", "sk-ant-", "sk-proj-",
)  # fmt: skip
_WORDS = (
    "password", "passwd", "passphrase", "secret_key", "secretkey", "client_secret", "clientsecret", "jwt_secret", "signing_secret",
    "webhook_secret", "api_key", "apikey", "access_key", "private_key", "token",
)  # fmt: skip
# What is said about a credential and is none: where it lies, what it is called, how long it lasts.
_ABOUT = (
    "_name", "_id", "_ids", "_arn", "_header", "_table", "_ttl", "_expiry", "_length", "_path", "_file", "_url", "_uri", "_parameter",
    "_endpoint", "_type", "_bucket", "_issuer", "_limit", "_count",
)  # fmt: skip
_PLACES = ("arn:", "s3://", "/", "{{", "ssm:", "https://")


def is_credential(text: str) -> bool:
    """Whether a text has the form of a credential, or has one in it, whatever it is called. The examples of documentations are none."""
    if not ("@" in text and "://" in text) and not any(mark in text for mark in _MARKS):
        return False
    return _CREDENTIALS.search(text) is not None and "EXAMPLE" not in text


def secret_like(values: object) -> list[str]:
    """The keys of a map that look like credentials with a literal value (not a reference to where the secret lies)."""
    if not isinstance(values, dict):
        return []
    return [
        key for key, value in values.items() if isinstance(value, str) and value and (_named(key.lower(), value) or is_credential(value))
    ]


def _named(key: str, value: str) -> bool:
    key = key.replace("-", "_")
    if not any(word in key for word in _WORDS) or key.endswith(_ABOUT) or value.startswith(_PLACES):
        return False
    # MAX_TOKENS=1024 and PASSWORD_REQUIRED=true say nothing that an attacker could use.
    return value.lower() not in ("true", "false") and not ("token" in key and value.isdecimal())
