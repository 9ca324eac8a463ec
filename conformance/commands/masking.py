"""Finds the keys in the environment, so that a command can mask them in everything that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.config.providers import ProvidersError, load_providers
from conformance.dialects.dialect import list_bundled_dialects
from conformance.keys.secrets import Key, Keyring, read_header_secrets

_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


def collect_keys(environ: Mapping[str, str]) -> Keyring:
    """Return every key that the providers.yaml of this folder names, and every variable with the name of a secret.

    A results.json holds no key when it is written; one that was changed by hand, or by another program, may.
    """
    called = (Key(name, value) for name, value in environ.items() if value and _SECRET.search(name))
    return Keyring.from_keys([*called, *_of_providers(environ)])


def _of_providers(environ: Mapping[str, str]) -> Iterator[Key]:
    try:
        loaded = load_providers(None, dialects=list_bundled_dialects())
    except ProvidersError:
        return  # comparing needs no providers.yaml, so one that is wrong is not reported here
    for provider in loaded.providers:
        if provider.key_env and environ.get(provider.key_env):
            yield Key(provider.key_env, environ[provider.key_env])
        yield from read_header_secrets(provider, environ)
