"""The page on other people's software is what the kept outcomes say."""

from __future__ import annotations

from interop.page import PAGE, page


def test_the_page_is_drawn_from_what_was_kept() -> None:
    assert PAGE.read_text("utf-8") == page(), "INTEROP_WRITE=1 pytest -m interop writes it"
