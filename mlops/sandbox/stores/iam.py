"""Client ids of OpenID Connect providers (the providers themselves are moto's)."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from mlops.sandbox.stores import Store, operation


def _provider(store: Store, p: dict[str, Any]) -> Any:
    return get_backend("iam")[store.account]["aws"].get_open_id_connect_provider(p["OpenIDConnectProviderArn"])


@operation("iam", "AddClientIDToOpenIDConnectProvider")
def add(store: Store, p: dict[str, Any]) -> None:
    provider = _provider(store, p)
    if p["ClientID"] not in provider.client_id_list:
        provider.client_id_list.append(p["ClientID"])


@operation("iam", "RemoveClientIDFromOpenIDConnectProvider")
def remove(store: Store, p: dict[str, Any]) -> None:
    provider = _provider(store, p)
    provider.client_id_list = [each for each in provider.client_id_list if each != p["ClientID"]]
