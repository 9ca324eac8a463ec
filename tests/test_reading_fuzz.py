"""Everything that reads bytes from others accepts any bytes; `fuzz/` tries millions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import SEEDS, TARGETS, WORDS

WORDY = st.lists(st.sampled_from(WORDS) | st.binary(max_size=3), max_size=20).map(b"".join)
EXAMPLES = {"rules": 25, "clients": 40, "captures": 60, "recording": 40, "runfile": 40, "results": 40}


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Draw what a good vendor or our own program writes, changed in a few places."""
    made = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(made)))
        length = draw(st.sampled_from([0, 0, 1, 4, 30, len(made)]))
        made = made[:start] + draw(st.sampled_from(WORDS) | st.binary(max_size=2)) + made[start + length :]
    return made


@pytest.mark.parametrize("name", list(TARGETS))
def test_any_bytes_are_read_or_refused_in_words(name: str) -> None:
    head = (
        st.binary(min_size=4, max_size=4)
        if name in ("reply", "clients", "rules", "masking")
        else st.just(b"")
    )

    @settings(max_examples=EXAMPLES.get(name, 120))
    @given(head, st.binary(max_size=200) | WORDY | spoilt())
    def reads(first: bytes, data: bytes) -> None:
        TARGETS[name](first + data)

    reads()


@pytest.mark.parametrize("name", list(TARGETS))
@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_what_is_spoilt_was_sound_before(name: str, number: int) -> None:
    TARGETS[name](SEEDS[number])
