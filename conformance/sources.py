"""The pages in which Google, the vendors and the standards state what a rule demands, each with its address.

A rule cites a place by its name: `[streamGenerateContent]`. A field without an entry of its own (`[Candidate.content]`) has
the address of its message, and a part of a standard is named after it: `[RFC 9110, Accept-Encoding]`.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.model import Source

VENDORS_DOCUMENT = Source("the vendor's own document", says="Callers build on whatever the page promises.")
"""The source of rules that measure a vendor against its own page; a finding cites the page itself instead."""

_GENERATE = "https://ai.google.dev/api/generate-content"
_CONTENT = "https://ai.google.dev/api/caching"
_MODELS = "https://ai.google.dev/api/models"
_GUIDES = "https://ai.google.dev/gemini-api/docs"
_JSON = "https://protobuf.dev/programming-guides/json/"
_GOOGLEAPIS = "https://github.com/googleapis/googleapis/blob/master/google"
_RFC = "https://datatracker.ietf.org/doc/html"

_PAGES: Mapping[str, Mapping[str, str]] = {
    "Gemini API reference": {
        "generateContent": f"{_GENERATE}#method:-models.generatecontent",
        "streamGenerateContent": f"{_GENERATE}#method:-models.streamgeneratecontent",
        "models": _MODELS,
        "models.list": f"{_MODELS}#method:-models.list",
        "models.get": f"{_MODELS}#method:-models.get",
        "models.countTokens": "https://ai.google.dev/api/tokens#method:-models.counttokens",
        "Model": f"{_MODELS}#Model",
        "GenerateContentRequest": f"{_GENERATE}#request-body",
        "GenerateContentResponse": f"{_GENERATE}#v1beta.GenerateContentResponse",
        "Candidate": f"{_GENERATE}#v1beta.Candidate",
        "Candidate.finishReason": f"{_GENERATE}#FinishReason",
        "PromptFeedback.blockReason": f"{_GENERATE}#BlockReason",
        "UsageMetadata": f"{_GENERATE}#UsageMetadata",
        "CitationSource": f"{_GENERATE}#CitationSource",
        "GenerationConfig": f"{_GENERATE}#v1beta.GenerationConfig",
        "ThinkingConfig": f"{_GENERATE}#ThinkingConfig",
        "Content": f"{_CONTENT}#Content",
        "Part": f"{_CONTENT}#Part",
        "Schema": f"{_CONTENT}#Schema",
        "FunctionCall": f"{_CONTENT}#FunctionCall",
        "FunctionCallingConfig": f"{_CONTENT}#FunctionCallingConfig",
        "FunctionDeclaration": f"{_CONTENT}#FunctionDeclaration",
        "FunctionResponse": f"{_CONTENT}#FunctionResponse",
        "authentication": "https://ai.google.dev/api#authentication",
    },
    "Gemini API documentation": {
        "API versions": f"{_GUIDES}/api-versions",
        "OAuth": f"{_GUIDES}/oauth",
        "Part.thoughtSignature": f"{_GUIDES}/thought-signatures",
        "error codes": f"{_GUIDES}/troubleshooting#error-codes",
        "parallel function calling": f"{_GUIDES}/function-calling#parallel_function_calling",
    },
    "Google's API definitions": {
        "API_KEY_INVALID": f"{_GOOGLEAPIS}/api/error_reason.proto",
        "code.proto": f"{_GOOGLEAPIS}/rpc/code.proto",
        "error_details.proto": f"{_GOOGLEAPIS}/rpc/error_details.proto",
        "generative_service.proto": f"{_GOOGLEAPIS}/ai/generativelanguage/v1beta/generative_service.proto",
    },
    "Google Cloud APIs": {
        "system parameters": "https://cloud.google.com/apis/docs/system-parameters#definitions",
    },
    "AIP-193": {
        "": "https://google.aip.dev/193#http11json-representation",
    },
    "ProtoJSON": {
        "field names": f"{_JSON}#field-names",
        "parsing": f"{_JSON}#format",
        "presence": f"{_JSON}#presence",
        "representation of each type": f"{_JSON}#field-representation",
    },
    "RFC 8259": {
        "": f"{_RFC}/rfc8259",
        "character encoding": f"{_RFC}/rfc8259#section-8.1",
    },
    "RFC 9110": {
        "Accept-Encoding": f"{_RFC}/rfc9110#section-12.5.3",
        "Content-Encoding": f"{_RFC}/rfc9110#section-8.4",
        "Content-Type": f"{_RFC}/rfc9110#section-8.3",
    },
    "RFC 9112": {
        "": f"{_RFC}/rfc9112",
        "incomplete messages": f"{_RFC}/rfc9112#section-8",
    },
    "HTML standard": {
        "server-sent events": "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    },
    "Fetch standard": {
        "CORS": "https://fetch.spec.whatwg.org/#http-cors-protocol",
    },
}
_BY_PLACE = {  # Google's own places are cited without the name of their document
    place: (document, url)
    for document, places in _PAGES.items()
    for place, url in places.items()
    if document.startswith(("Gemini", "Google"))
}


def cite(place: str, says: str) -> Source:
    """Return a source of Google's, or of a standard that Google follows; `says` is what the page states, in our words. Raises ValueError for a place without a known page."""
    document, _, part = place.partition(", ")
    if part in _PAGES.get(document, {}):
        return Source(document, part, says, url=_PAGES[document][part])
    for name in (place, place.partition(".")[0]):
        if name in _BY_PLACE:
            document, url = _BY_PLACE[name]
            return Source(document, place, says, url=url)
    raise ValueError(f"no page is known for {place!r}; conformance/sources.py lists those that are")
