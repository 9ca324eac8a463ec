"""A function whose parameters nest, and whose name is that of a built-in tool elsewhere."""

from __future__ import annotations

from conformance.asking.prompts import make_tool_config, request_body
from conformance.catalogue import ProbeContext, probe
from conformance.model import JSON, Question

_SEARCH: dict[str, JSON] = {
    "name": "WebSearch",
    "description": "Searches the caller's own archive of web pages.",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "query": {"type": "STRING", "description": "What to look for."},
            "filter": {
                "type": "OBJECT",
                "properties": {
                    "languages": {"type": "ARRAY", "items": {"type": "STRING", "enum": ["en", "fr"]}},
                    "newest_first": {"type": "BOOLEAN"},
                },
                "required": ["languages"],
            },
            "limit": {"type": "INTEGER", "nullable": True},
        },
        "required": ["query", "filter"],
    },
}


@probe(attempts=3, needs=("function-calling",))
def nested_tool(_ask: ProbeContext) -> Question:
    """A function called WebSearch whose parameters nest objects, lists and enums, in mode ANY."""
    return Question(
        request_body(
            "Search the web for the opening hours of the Louvre, in French.",
            250,
            tools=[{"functionDeclarations": [_SEARCH]}],
            toolConfig=make_tool_config("ANY", "WebSearch"),
        ),
        expected={"call": ["WebSearch"]},
    )
