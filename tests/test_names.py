"""Conversions of names and pointers, which the whole program shares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.names import fold, is_free_form, suggest_or_list, suggest_spelling, to_camel, to_snake
from conformance.pointers import split_pointer, to_pointer


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("maxOutputTokens", "max_output_tokens"),
        ("topK", "top_k"),
        ("text", "text"),
        ("responseJSON", "response_j_s_o_n"),
    ],
)
def test_a_name_in_camel_case_has_one_name_in_snake_case(camel: str, snake: str) -> None:
    assert to_snake(camel) == snake
    assert to_camel(snake) == camel
    assert fold(camel) == fold(snake)


def test_a_leading_underscore_belongs_to_the_json_name_only() -> None:
    assert to_camel("_responseJsonSchema") == "_responseJsonSchema"
    assert to_snake("_responseJsonSchema") == "response_json_schema"


def test_names_below_arguments_are_the_users_own_in_any_casing() -> None:
    assert is_free_form("functionCall", "args")
    assert is_free_form("function_response", "response")
    assert not is_free_form("functionDeclarations", "response")


def test_the_nearest_known_word_is_suggested() -> None:
    assert suggest_spelling("gogle", ("google", "acedata")) == "; did you mean 'google'?"
    assert suggest_spelling("zzz", ("google",)) == ""
    assert suggest_or_list("zzz", ("google", "acedata")) == "; choose from google, acedata"


def test_a_pointer_escapes_its_names() -> None:
    assert to_pointer([]) == ""
    assert to_pointer(["candidates", 0, "a/b~c"]) == "/candidates/0/a~1b~0c"


@given(st.lists(st.text()))
def test_a_pointer_is_split_into_the_names_that_it_was_made_of(names: list[str]) -> None:
    assert split_pointer(to_pointer(names)) == tuple(names)
