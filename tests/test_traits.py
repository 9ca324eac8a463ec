"""Traits of a vendor are derived from what takes effect."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from miniatures import casing
from miniatures.asking import Server, judge_servers
from miniatures.making import Message, with_requests

from conformance.embedded import HONEST
from conformance.embedded.behaviour import Behaviour
from conformance.verdicts.verdict import Verdict


def _without(*names: str) -> Behaviour:
    """Return a server that does not know those names where they stand in a request."""

    def forget(request: Message) -> None:
        for name in names:
            request.pop(name, None)

    return with_requests(forget)


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    deaf = [one for one in casing.MINIATURES if one.name in ("camel-only", "camel-only-strict")]
    return judge_servers(
        [
            *(Server(one.name, one.behaviour) for one in deaf),
            Server("google", HONEST),
            Server("no-settings", _without("generationConfig")),
            Server("neither", _without("generationConfig", "systemInstruction")),
        ]
    )


@pytest.mark.parametrize(
    ("name", "requests", "settings"),
    [
        ("google", "both", "nested"),
        ("camel-only", "camelCase", "nested"),
        ("camel-only-strict", "camelCase", "nested"),
        ("no-settings", "both", "neither"),
        ("neither", "neither", "neither"),
    ],
)
def test_a_casing_is_taken_where_any_name_in_it_takes_effect(
    name: str, requests: str, settings: str, verdicts: Mapping[str, Verdict]
) -> None:
    traits = verdicts[name].traits
    assert (traits["request-casing"], traits["settings"]) == (requests, settings)
