"""What each rule rests on: recorded answers of Google's own, documents alone, or conclusions from either."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Basis(StrEnum):
    """What shows that a rule is true of Google; `words` says it in a sentence."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"
    INFERRED = "inferred"

    @property
    def words(self) -> str:
        """The sentence that explanations and pages show."""
        return _WORDS[self]


_WORDS: Mapping[Basis, str] = {
    Basis.RECORDED: "recorded: Google's own answers show it, as other projects recorded them",
    Basis.DOCUMENTED: "documented: a document states it, but no recorded answer of Google's shows it",
    Basis.INFERRED: "inferred: it follows from what clients and other rules need; no document or recording settles it",
}
# Names of rules by what they rest on and by dimension.
_NAMES: Mapping[Basis, Mapping[str, str]] = {
    Basis.RECORDED: {
        "auth": """
            asks-for-a-key refuses-a-wrong-key says-that-the-key-is-wrong takes-the-key-in-the-query
            takes-x-goog-api-key
        """,
        "casing": """
            accepts-snake-case-requests accepts-the-mixed-casing-of-clients answers-in-camel-case
            leaves-argument-names-alone reads-settings-from-generation-config spells-each-name-once
        """,
        "envelope": """
            answers-with-a-gemini-object gemini-object-at-root unary-answer-is-one-json-object
        """,
        "errors": """
            answers-a-blocked-prompt answers-with-a-body blames-the-caller-with-4xx
            fails-with-the-status-of-an-error gives-a-status-of-google-rpc gives-details
            gives-the-status-as-code knows-no-model-that-does-not-exist labels-errors-as-json
            names-what-is-wrong refuses-a-stream-before-it-begins refuses-unknown-fields
            refuses-what-is-wrong succeeds-with-200 writes-errors-as-google-does
        """,
        "routes": """
            answers-by-both-methods counts-tokens lists-its-models names-models-with-their-prefix
            says-what-each-model-can-do
        """,
        "schema": """
            accepts-nested-parameters accepts-valid-requests adds-no-members bytes-are-base64
            call-ids-tell-calls-apart citations-are-googles content-stands-in-parts
            enums-are-googles-names function-calls-are-complete has-a-candidate
            leaves-out-what-is-not-set names-each-response names-its-model-version
            names-the-models-role needs-no-fields-of-its-own numbers-candidates-apart
            parts-hold-one-thing response-ids-hold-the-time says-why-it-ended
            signatures-stand-beside-what-they-sign stop-comes-with-content values-have-googles-types
        """,
        "semantics": """
            answers-with-the-model-that-was-asked applies-max-output-tokens fills-required-arguments
            gives-as-many-candidates-as-asked gives-every-call hands-functions-to-the-model
            keeps-thought-signatures marks-thoughts obeys-the-response-schema
            obeys-the-system-instruction remembers-the-conversation
            says-when-the-limit-ended-a-stream says-when-the-limit-ended-it sees-images
            shows-thoughts-when-asked streams-function-calls takes-its-own-words-back
            uses-what-the-function-answered
        """,
        "streaming": """
            begins-data-with-one-space begins-without-a-byte-order-mark comes-whole
            ends-each-event-with-a-blank-line ends-with-a-finish-reason ends-without-a-sentinel
            gives-the-reason-last holds-at-least-one-chunk keeps-one-id leaves-empty-candidates-out
            names-the-type-of-its-stream sends-data-lines-only sends-deltas
            sends-one-json-object-per-event sends-the-text-once streams-a-well-formed-array
            streams-an-array-without-alt streams-sse-with-alt streams-thoughts-too
            writes-each-chunk-on-one-line
        """,
        "transport": """
            answers-with-json-not-html labels-answers-as-json sends-json-that-can-be-read
            sends-one-json-text writes-sound-json
        """,
        "usage": """
            counts-are-cumulative counts-cached-tokens-within-the-prompt counts-every-answer
            counts-thoughts counts-thoughts-once counts-up-to-the-end-of-a-stream details-add-up
            total-is-the-sum
        """,
    },
    Basis.DOCUMENTED: {
        "auth": """
            takes-the-key-as-documented
        """,
        "errors": """
            keeps-googles-errors-within-streams refuses-broken-json refuses-contents-without-sense
            refuses-values-of-a-wrong-kind writes-one-error-not-a-list
        """,
        "routes": """
            answers-on-v1 describes-a-model
        """,
        "schema": """
            answers-as-documented numbers-are-json refuses-generated-faults
        """,
        "semantics": """
            calls-nothing-in-mode-none forces-a-call-in-mode-any reads-url-safe-base64
            stops-at-stop-sequences thinks-no-more-than-allowed uses-cached-content
        """,
        "transport": """
            answers-without-redirects compresses-as-it-declares compresses-only-when-asked
            keeps-to-the-letter-of-http sends-whole-bodies
        """,
    },
    Basis.INFERRED: {
        "auth": """
            looks-at-authorization-first reads-keys-as-opaque takes-keys-nowhere-else
            takes-the-same-key-everywhere tells-nobody-the-key
        """,
        "envelope": """
            method-decides-whether-it-streams
        """,
        "errors": """
            knows-no-method-that-does-not-exist knows-no-other-verb
        """,
        "routes": """
            answers-under-listed-names counts-more-for-longer-texts lets-browsers-send-the-key
            lists-the-model-under-test
        """,
        "schema": """
            survives-generated-bodies takes-a-body-however-it-is-written
        """,
        "semantics": """
            answers-its-own-question follows-a-plain-instruction leaves-functions-what-they-are
            reads-generation-config
        """,
        "streaming": """
            arrives-while-it-is-made brings-every-chunk-in-order escapes-line-separators
            keeps-characters-whole keeps-repetitions says-stop-only-at-the-end
            streams-what-the-unary-method-says
        """,
        "transport": """
            answers-every-question answers-within-bounds takes-an-offer-of-compression
        """,
        "usage": """
            charges-for-what-was-sent same-prompt-costs-the-same
        """,
    },
}
BASES: Mapping[str, Basis] = {
    f"{dimension}/{name}": basis
    for basis, dimensions in _NAMES.items()
    for dimension, names in dimensions.items()
    for name in names.split()
}
"""Rule id -> what it rests on. `tests/test_docs.py` sees to it that every rule stands here once."""
