"""What @ai-sdk/google 3.0.141 demands of a response, as its source declares it (getContentSchema and its neighbours)."""

from __future__ import annotations

from conformance.clients.zod import Arr, Nullable, Nullish, Obj, OneOf, Schema

_string: Schema = Nullish("string")
_number: Schema = Nullish("number")
_boolean: Schema = Nullish("boolean")
_strings: Schema = Nullish(Arr("string"))
_numbers: Schema = Nullish(Arr("number"))
_any: Schema = Nullish("unknown")

_partial_arg = Obj(
    {
        "jsonPath": "string",
        "stringValue": _string,
        "numberValue": _number,
        "boolValue": _boolean,
        "nullValue": _any,
        "willContinue": _boolean,
    }
)
_function_call = Obj(
    {
        "id": _string,
        "name": _string,
        "args": _any,
        "partialArgs": Nullish(Arr(_partial_arg)),
        "willContinue": _boolean,
    }
)
_blob = Obj({"mimeType": "string", "data": "string"})
# The order decides: a part with a text and a call is a call, and its text is stripped.
_part = OneOf(
    (
        Obj({"functionCall": _function_call, "thoughtSignature": _string}),
        Obj({"inlineData": _blob, "thought": _boolean, "thoughtSignature": _string}),
        Obj(
            {
                "toolCall": Obj({"toolType": "string", "args": _any, "id": "string"}),
                "thoughtSignature": _string,
            }
        ),
        Obj(
            {
                "toolResponse": Obj({"toolType": "string", "response": _any, "id": "string"}),
                "thoughtSignature": _string,
            }
        ),
        Obj(
            {
                "executableCode": Nullish(Obj({"language": "string", "code": "string"})),
                "codeExecutionResult": Nullish(Obj({"outcome": "string", "output": _string})),
                "text": _string,
                "thought": _boolean,
                "thoughtSignature": _string,
            }
        ),
    )
)
_content = Nullish(Obj({"parts": Nullish(Arr(_part))}))
_safety_rating = Obj(
    {
        "category": _string,
        "probability": _string,
        "probabilityScore": _number,
        "severity": _string,
        "severityScore": _number,
        "blocked": _boolean,
    }
)
_custom_metadata = Obj(
    {
        "key": "string",
        "stringValue": _string,
        "numericValue": _number,
        "stringListValue": Nullish(Obj({"values": _strings})),
    }
)
_grounding_chunk = Obj(
    {
        "web": Nullish(Obj({"uri": "string", "title": _string})),
        "image": Nullish(
            Obj({"sourceUri": "string", "imageUri": "string", "title": _string, "domain": _string})
        ),
        "retrievedContext": Nullish(
            Obj(
                {
                    "uri": _string,
                    "title": _string,
                    "text": _string,
                    "fileSearchStore": _string,
                    "customMetadata": Nullish(Arr(_custom_metadata)),
                }
            )
        ),
        "maps": Nullish(Obj({"uri": _string, "title": _string, "text": _string, "placeId": _string})),
    }
)
_grounding_support = Obj(
    {
        "segment": Nullish(Obj({"startIndex": _number, "endIndex": _number, "text": _string})),
        "segment_text": _string,
        "groundingChunkIndices": _numbers,
        "supportChunkIndices": _numbers,
        "confidenceScores": _numbers,
        "confidenceScore": _numbers,
    }
)
_grounding = Obj(
    {
        "webSearchQueries": _strings,
        "imageSearchQueries": _strings,
        "retrievalQueries": _strings,
        "searchEntryPoint": Nullish(Obj({"renderedContent": "string"})),
        "groundingChunks": Nullish(Arr(_grounding_chunk)),
        "groundingSupports": Nullish(Arr(_grounding_support)),
        "retrievalMetadata": Nullish(Obj({})),
    }
)
_url_metadata = Obj({"retrievedUrl": "string", "urlRetrievalStatus": "string"})
_candidate = Obj(
    {
        "content": _content,
        "finishReason": _string,
        "finishMessage": _string,
        "continuationToken": _string,
        "safetyRatings": Nullish(Arr(_safety_rating)),
        "groundingMetadata": Nullish(_grounding),
        "urlContextMetadata": Nullish(Obj({"urlMetadata": Nullish(Arr(_url_metadata))})),
    }
)
_details = Nullish(Arr(Obj({"modality": "string", "tokenCount": "number"}, rest="json")))
_usage = Obj(
    {
        "cachedContentTokenCount": _number,
        "thoughtsTokenCount": _number,
        "promptTokenCount": _number,
        "candidatesTokenCount": _number,
        "toolUsePromptTokenCount": _number,
        "totalTokenCount": _number,
        "trafficType": _string,
        "serviceTier": _string,
        "promptTokensDetails": _details,
        "cacheTokensDetails": _details,
        "candidatesTokensDetails": _details,
        "toolUsePromptTokensDetails": _details,
    },
    rest="json",
)
_ERROR_BODY = Obj(
    {"code": Nullable("number"), "message": "string", "status": "string", "details": Nullish(Arr("unknown"))}
)
_answer: dict[str, Schema] = {
    "responseId": _string,
    "candidates": Nullish(Arr(_candidate)),
    "usageMetadata": Nullish(_usage),
    "promptFeedback": Nullish(Obj({"blockReason": _string, "safetyRatings": Nullish(Arr(_safety_rating))})),
}

RESPONSE = Obj(_answer)
CHUNK = Obj({"error": Nullish(_ERROR_BODY), **_answer})
