"""Resolves the names of a training job's hosts (`SM_HOSTS`), as the network of its containers does: here all of them are this machine's loopback."""

import functools
import json
import os
import socket

_NAMES = frozenset(json.loads(os.environ.get("SM_HOSTS", "[]")))


def _resolving(function):  # type: ignore[no-untyped-def]
    @functools.wraps(function)
    def resolve(host, *more, **options):  # type: ignore[no-untyped-def]
        return function("127.0.0.1" if host in _NAMES else host, *more, **options)

    return resolve


for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, _name, _resolving(getattr(socket, _name)))
