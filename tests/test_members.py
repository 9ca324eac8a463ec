"""A member of a JSON object is taken with its type, or a fault says where it stands and what it must be."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.members import JsonObject, MemberError

ENTRY = JsonObject(
    {"n": 1, "x": 1.5, "b": True, "t": "a", "null": None, "o": {"p": 1}, "l": [{}, 7]}, "/here"
)


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [("n", int, 1), ("n", float, 1), ("x", float, 1.5), ("b", bool, True), ("t", str, "a")],
)
def test_a_member_of_the_right_type_is_returned(name: str, kind: type[Any], value: object) -> None:
    assert ENTRY.take(name, kind) == ENTRY.find(name, kind) == value


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("b", int, "/here/b: must be a whole number"),
        ("b", float, "/here/b: must be a number"),
        ("x", int, "/here/x: must be a whole number"),
        ("n", bool, "/here/n: must be true or false"),
        ("n", str, "/here/n: must be text"),
        ("l", dict, "/here/l: must be an object"),
        ("o", list, "/here/o: must be a list"),
        ("null", str, "/here/null: must be text"),
        ("gone", str, "/here/gone: is missing"),
    ],
)
def test_a_member_of_another_type_is_named_with_what_it_must_be(
    name: str, kind: type[Any], says: str
) -> None:
    with pytest.raises(MemberError) as caught:
        ENTRY.take(name, kind)
    assert str(caught.value) == says
    assert ENTRY.find(name, kind) is None


def test_null_and_nothing_stand_for_what_the_caller_says() -> None:
    assert [ENTRY.take(name, str, "else") for name in ("null", "gone", "t")] == ["else", "else", "a"]
    with pytest.raises(MemberError, match="/here/n: must be text"):
        ENTRY.take("n", str, "else")


def test_objects_within_know_where_they_stand() -> None:
    with pytest.raises(MemberError, match="/here/o/q: is missing"):
        ENTRY.take_object("o").take("q", int)
    with pytest.raises(MemberError, match="/here/l/1: must be an object"):
        list(ENTRY.take_objects("l"))
    with pytest.raises(MemberError, match="/here/l: must be a list of texts"):
        ENTRY.take_texts("l")
    with pytest.raises(MemberError, match="/: must be an object"):
        JsonObject.read([])
