"""`conformance docs`: the documents of all vendors beside Google's reference."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.dialects.side_by_side import (
    SideBySide,
    Table,
    _escape_markdown,
    compare_documents,
    find_google_name,
    render_json,
    render_markdown,
    render_text,
)


@pytest.fixture(scope="module")
def both() -> SideBySide:
    return compare_documents([load_dialect(name) for name in list_bundled_dialects()])


def cell(both: SideBySide, title: str, row: str, column: str) -> str:
    table = next(one for one in both.tables if one.title == title)
    cells = next(one for one in table.rows if one[0] == row)
    return cells[table.columns.index(column)]


def test_traits_stand_side_by_side_with_their_lines(both: SideBySide) -> None:
    assert cell(both, "Traits", "envelope", "APIMart") == "split (L27-71, L95-139) or none (L186-196)"
    assert cell(both, "Traits", "settings", "VisionCoder") == "flat (L32-48, L174-189)"
    assert cell(both, "Traits", "stream-framing", "AnyFast") == "not said"
    assert cell(both, "Traits", "stream-framing", "Google Gemini API").startswith("sse")


def test_fields_stand_under_googles_names_with_the_pages_own_spelling(both: SideBySide) -> None:
    request, response = "Fields of the request", "Fields of the response"
    assert cell(both, request, "/generationConfig/topP", "VisionCoder") == "/top_p listed L178-179, L34"
    assert cell(both, request, "/generationConfig/topP", "Google") == "number float"
    assert cell(both, request, "/stream", "Google") == "no"
    assert cell(both, request, "/contents", "AceData Cloud") == "required L119-123, L17-42"
    assert (
        cell(both, response, "/candidates/*/finishReason", "VisionCoder")
        == "finish_reason exemplified L61, L116"
    )
    assert cell(both, response, "/candidates", "APIMart").startswith(
        "listed? L188-190 or /data/candidates exemplified"
    )
    assert cell(both, response, "/created", "AnyFast") == "-"


def test_every_row_has_a_cell_for_every_column(both: SideBySide) -> None:
    assert all(len(row) == len(table.columns) for table in both.tables for row in table.rows)


@pytest.mark.parametrize(
    ("place", "pointer", "name"),
    [
        ("response", "/data/candidates/*/index", "/candidates/*/index"),
        ("response", "/usage_metadata/total_token_count", "/usageMetadata/totalTokenCount"),
        ("response", "/candidates/*/citation_metadata/start", "/candidates/*/citationMetadata/start"),
        ("response", "/created", "/created"),
        ("request", "/stop_sequences", "/generationConfig/stopSequences"),
        ("request", "/contents/*/parts/*/inline_data/mime_type", "/contents/*/parts/*/inlineData/mimeType"),
    ],
)
def test_a_documented_pointer_is_found_at_google(place: str, pointer: str, name: str) -> None:
    assert find_google_name(place, pointer) == name


def test_all_renderings_tell_every_remark(both: SideBySide) -> None:
    squeezed = " ".join(render_text(both).split())
    markdown = render_markdown(both)
    told = json.loads(render_json(both))["remarks"]
    assert len(told) == len(both.remarks) > 40
    for remark in both.remarks:
        assert remark.says in squeezed
        assert _escape_markdown(remark.says) in markdown


def test_lines_of_the_text_have_no_trailing_space_and_pointers_stay_whole(both: SideBySide) -> None:
    text = render_text(both)
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert "/generationConfig/responseModalities " in text


def test_cells_cannot_break_a_markdown_table(both: SideBySide) -> None:
    hostile = Table("T", ("a",), (("x | y\nz * <b>",),))
    rendered = render_markdown(replace(both, tables=(hostile,), remarks=()))
    assert rendered.splitlines()[-1] == "| x \\| y z \\* &lt;b> |"
