"""Where Google, the vendors and the standards write down what a rule demands: each page's address stands here, once.

A rule cites a place by name, as in `google("streamGenerateContent: end", …)`. A field (`Candidate.content`) or a detail
(`streamGenerateContent: end`) without an entry of its own has the address of what stands before the dot or the colon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from conformance.model import Source

VENDORS_DOCUMENT = Source("the vendor's own document", says="Callers build on whatever the page promises.")
"""The source of rules that measure a vendor against its own page; a finding cites the page itself instead."""

_GENERATE = "https://ai.google.dev/api/generate-content"
_CONTENT = "https://ai.google.dev/api/caching"
_GUIDES = "https://ai.google.dev/gemini-api/docs"
_JSON = "https://protobuf.dev/programming-guides/json/"
_GOOGLEAPIS = "https://github.com/googleapis/googleapis/blob/master/google"
_RFC = "https://datatracker.ietf.org/doc/html"

_PAGES: Mapping[str, Mapping[str, str]] = {
    "Gemini API reference": {
        "generateContent": f"{_GENERATE}#method:-models.generatecontent",
        "streamGenerateContent": f"{_GENERATE}#method:-models.streamgeneratecontent",
        "alt=sse": f"{_GENERATE}#method:-models.streamgeneratecontent",
        "models": "https://ai.google.dev/api/models",
        "models.list": "https://ai.google.dev/api/models#method:-models.list",
        "models.get": "https://ai.google.dev/api/models#method:-models.get",
        "models.countTokens": "https://ai.google.dev/api/tokens#method:-models.counttokens",
        "Model": "https://ai.google.dev/api/models#Model",
        "GenerateContentRequest": f"{_GENERATE}#request-body",
        "GenerateContentResponse": f"{_GENERATE}#v1beta.GenerateContentResponse",
        "Candidate": f"{_GENERATE}#v1beta.Candidate",
        "Candidate.finishReason": f"{_GENERATE}#FinishReason",
        "FinishReason": f"{_GENERATE}#FinishReason",
        "PromptFeedback": f"{_GENERATE}#PromptFeedback",
        "PromptFeedback.blockReason": f"{_GENERATE}#BlockReason",
        "UsageMetadata": f"{_GENERATE}#UsageMetadata",
        "CitationSource": f"{_GENERATE}#CitationSource",
        "GenerationConfig": f"{_GENERATE}#v1beta.GenerationConfig",
        "thinkingConfig": f"{_GENERATE}#ThinkingConfig",
        "ThinkingConfig": f"{_GENERATE}#ThinkingConfig",
        "Content": f"{_CONTENT}#Content",
        "Part": f"{_CONTENT}#Part",
        "Schema": f"{_CONTENT}#Schema",
        "FunctionCall": f"{_CONTENT}#FunctionCall",
        "FunctionCallingConfig": f"{_CONTENT}#FunctionCallingConfig",
        "FunctionDeclaration": f"{_CONTENT}#FunctionDeclaration",
        "FunctionResponse": f"{_CONTENT}#FunctionResponse",
        "x-goog-api-key": "https://ai.google.dev/api#authentication",
        "Authentication": "https://ai.google.dev/api#authentication",
    },
    "Gemini API documentation": {
        "/v1": f"{_GUIDES}/api-versions",
        "Part.thoughtSignature": f"{_GUIDES}/thought-signatures",
        "FunctionCall: parallel": f"{_GUIDES}/function-calling#parallel_function_calling",
        "Invalid JSON payload received": f"{_GUIDES}/troubleshooting#error-codes",
        "Method doesn't allow unregistered callers": f"{_GUIDES}/troubleshooting#error-codes",
        "Authorization": f"{_GUIDES}/oauth",
    },
    "Google's API definitions": {
        "HTTP rules of the service": f"{_GOOGLEAPIS}/ai/generativelanguage/v1beta/generative_service.proto",
        "google.rpc.Code": f"{_GOOGLEAPIS}/rpc/code.proto",
        "google.rpc error_details": f"{_GOOGLEAPIS}/rpc/error_details.proto",
        "API_KEY_INVALID": f"{_GOOGLEAPIS}/api/error_reason.proto",
    },
    "ProtoJSON format": {
        "JSON": f"{_JSON}#field-representation",
        "ProtoJSON": f"{_JSON}#format",
        "ProtoJSON: names": f"{_JSON}#field-names",
        "ProtoJSON: types": f"{_JSON}#field-representation",
        "ProtoJSON: presence": f"{_JSON}#presence",
        "ProtoJSON: null values": f"{_JSON}#null-values",
        "ProtoJSON: duplicates": f"{_JSON}#duplicate-values",
        "ProtoJSON: unknown names": f"{_JSON}#non-goals-optimal-schema-evolution",
    },
    "RFC 8259 (JSON)": {
        "JSON: encoding": f"{_RFC}/rfc8259#section-8.1",
        "ProtoJSON (RFC 8259)": f"{_RFC}/rfc8259",
    },
    "AIP-193 (Errors)": {
        "google.rpc.Status (AIP-193)": "https://google.aip.dev/193#http11json-representation",
    },
    "Google Cloud APIs": {
        "?key=": "https://cloud.google.com/apis/docs/system-parameters#definitions",
    },
    "RFC 9110 (HTTP semantics)": {
        "Content-Type (RFC 9110)": f"{_RFC}/rfc9110#section-8.3",
        "Content-Encoding (RFC 9110)": f"{_RFC}/rfc9110#section-8.4",
        "Accept-Encoding (RFC 9110)": f"{_RFC}/rfc9110#section-12.5.3",
        "Redirection (RFC 9110)": f"{_RFC}/rfc9110#section-15.4",
    },
    "RFC 9112 (HTTP/1.1)": {
        "HTTP (RFC 9110, RFC 9112)": f"{_RFC}/rfc9112",
        "Incomplete messages (RFC 9112)": f"{_RFC}/rfc9112#section-8",
    },
    "HTML standard": {
        "Server-sent events": "https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation",
    },
    "Fetch standard": {
        "CORS (Fetch standard)": "https://fetch.spec.whatwg.org/#http-cors-protocol",
    },
}

_BY_PLACE = {place: (document, url) for document, places in _PAGES.items() for place, url in places.items()}


def google(place: str, says: str) -> Source:
    """Return a source of Google's, or of a standard that Google follows; `says` is what stands there, in our words.

    Raises ValueError for a place that no page is known for.
    """
    topic = re.split(r": |[?]", place)[0]
    for name in (place, topic, topic.partition(".")[0]):
        if name in _BY_PLACE:
            document, url = _BY_PLACE[name]
            return Source(document, place, says, url=url)
    raise ValueError(f"no page is known for {place!r}")
