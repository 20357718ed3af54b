"""What looks like a credential written in clear."""

from __future__ import annotations

_SECRET_WORDS = ("password", "passwd", "secret_key", "secretkey", "api_key", "apikey", "access_key", "private_key", "token")


def secret_like(values: object) -> list[str]:
    """The keys of a map that look like credentials with a literal value (not a reference to where the secret lies)."""
    if not isinstance(values, dict):
        return []
    return [
        key
        for key, value in values.items()
        if any(word in key.lower() for word in _SECRET_WORDS)
        and isinstance(value, str)
        and value
        and not value.startswith(("arn:", "s3://", "/", "{{", "ssm:", "https://"))
    ]
