"""What an answer says that it cost: every counter is there, they add up, and they can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from conformance.catalogue import Ground, RequiredContent, check, check_each
from conformance.checks.usage.counters import (
    counts_no_output,
    counts_thoughts_twice,
    describe_falling_counter,
    describe_missing_counters,
    describe_short_count,
    find_last_block,
    has_countable_text,
    hides_thoughts,
    is_brief,
    is_early_preview,
    lacks_only_its_own_tokens,
    lacks_what_google_may_lack,
    list_counts,
    total_excludes_thoughts,
    total_omits_thoughts,
)
from conformance.judging import required
from conformance.judging.contents import as_list, is_empty_candidate, is_model_answer, iterate_candidates
from conformance.judging.counters import find_usage_blocks
from conformance.judging.expectations import has_expected_status
from conformance.judging.habits import note_if_rare, uses_server_tools
from conformance.judging.values import is_integer
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.flavour import Flavour, find_flavour
from conformance.reading.reply import Reply, RuleInput

_TYPES = ("schema/values-have-googles-types",)  # reports counters that are no numbers


def _is_finished(reply: Reply) -> bool:
    """Return whether a valid question got a complete answer with something in it: only these must report their cost."""
    if not is_model_answer(reply) or not has_expected_status(reply) or reply.error is not None:
        return False
    return any(not is_empty_candidate(candidate) for _, _, candidate in iterate_candidates(reply))


@check(Level.SHOULD, basis=Basis.RECORDED, usable=_is_finished, defers_to=_TYPES)
def counts_every_answer(seen: RuleInput) -> Iterator[Location]:
    """Every finished answer reports its cost: prompt, answer and total, none of them zero.

    Why: since mid-2024 every answer from Google has usageMetadata, and in a stream every chunk has it. One answer in
    thousands lacks a counter, short answers and answers from built-in tools may count nothing, and Gemma's never do,
    so only a counter that is always missing counts against a vendor.
    Breaks: every client reports no usage; budgets and bills count nothing.
    Workaround: count the tokens of prompts with countTokens, and estimate those of answers.
    Source: [UsageMetadata] Each answer reports its tokens: prompt, answer, thoughts, tools and their total.
    """
    wanted = "promptTokenCount, candidatesTokenCount and totalTokenCount"
    lacking = {reply.id: reply for reply in seen.replies if describe_missing_counters(reply)}
    locations = {
        id_: Location(id_, "/usageMetadata", wanted, describe_missing_counters(reply))
        for id_, reply in lacking.items()
    }
    # What Google was never seen to leave out accuses at once, unless one question alone lacks its own tokens.
    rare = {id_ for id_, reply in lacking.items() if lacks_what_google_may_lack(reply)}
    sure = [reply for id_, reply in lacking.items() if id_ not in rare]
    single = len({reply.probe for reply in sure}) == 1 and all(map(lacks_only_its_own_tokens, sure))
    for reply in sure:
        yield replace(locations[reply.id], level=Level.NOTE) if single else locations[reply.id]
    # The rest accuses only if it is often missing, among brief answers or among longer ones.
    telling = [reply for reply in seen.replies if has_countable_text(reply) or reply.id in lacking]
    for brief in (True, False):
        among = [reply for reply in telling if is_brief(reply) is brief]
        for location in note_if_rare([locations[reply.id] for reply in among if reply.id in rare], among):
            uncounted = counts_no_output(lacking[location.exchange])
            yield replace(location, level=Level.NOTE) if uncounted else location


def _reports_usage(reply: Reply) -> bool:
    """Return whether a finished answer reports its cost, so that the numbers can be judged."""
    return _is_finished(reply) and bool(reply.usage) and not describe_missing_counters(reply)


_check_answers = partial(check, usable=_reports_usage, defers_to=_TYPES)
_check_each_answer = partial(check_each, usable=_reports_usage, defers_to=_TYPES)


@_check_each_answer(Level.SHOULD, basis=Basis.RECORDED, select=lambda reply: reply.streamed)
def counts_up_to_the_end_of_a_stream(reply: Reply) -> Iterator[Location]:
    """The last chunk of a stream carries the final usage.

    Why: usage is cumulative, so only the last block counts everything; in Google's streams the last chunk holds it.
    Breaks: clients that read the last block see the cost of only a part of the answer, so the bill comes out too low.
    Workaround: none; ask without streaming if costs matter.
    Source: [UsageMetadata] Each answer reports its tokens: prompt, answer, thoughts, tools and their total.
    """
    counted = [chunk.number for chunk in reply.chunks if chunk.body.get("usageMetadata")]
    telling = [
        chunk
        for chunk, _, raw in iterate_candidates(reply)
        if not is_empty_candidate(raw) or raw.get("finishReason")
    ]
    last = max((chunk.number for chunk in telling), default=-1)
    if counted and len(reply.chunks) > 1 and max(counted) < last:
        said = f"the last usage is in chunk {max(counted)} of {len(reply.chunks)}"
        yield Location(reply.id, f"#{last}/usageMetadata", "usage in the last chunk", said)


@_check_each_answer(Level.SHOULD, basis=Basis.RECORDED, requires=required.THOUGHTS)
def counts_thoughts(reply: Reply) -> Iterator[Location]:
    """Thoughts that are returned are counted in thoughtsTokenCount.

    Why: thoughts are billed, and have a counter of their own.
    Breaks: bills and budgets computed from the counters come out too low; for a thinking model, most of the cost is missing.
    Workaround: subtract the prompt and the answer from the total.
    Source: [UsageMetadata.thoughtsTokenCount] Thoughts are counted apart from the answer.
    """
    block = find_last_block(reply)
    if block is not None and hides_thoughts(reply):
        said = f"no counter, though {len(reply.first.thoughts)} characters of thoughts came"
        yield block.point_at("thoughtsTokenCount", "the number of tokens of the thoughts", said)


def _omits_thoughts_anywhere(seen: RuleInput) -> bool:
    """Return whether some total clearly leaves out the thoughts; then all totals of this vendor do."""
    return any(total_omits_thoughts(block) for reply in seen.replies for block in find_usage_blocks(reply))


@_check_answers(
    Level.SHOULD,
    basis=Basis.RECORDED,
    requires=RequiredContent(
        "no answer reports a number of tokens for thoughts",
        lambda reply: bool(reply.usage.get("thoughtsTokenCount")),
        (ProbeId.THINKING, ProbeId.THINKING_STREAMED),
    ),
)
def counts_thoughts_once(seen: RuleInput) -> Iterator[Location]:
    """Thoughts are counted once: beside the answer's tokens, not among them.

    Why: candidatesTokenCount excludes thoughts, and the total adds them; only previews of early 2025 differed.
    Breaks: bills that add up the counters charge for the thoughts twice.
    Workaround: subtract the thoughts from the answer's tokens.
    Source: [UsageMetadata.totalTokenCount] The total is the sum of prompt, candidates, tool use and thoughts; cached
    tokens are part of the prompt.
    """
    blocks = [block for reply in seen.replies if (block := find_last_block(reply))]
    for block in blocks if not _omits_thoughts_anywhere(seen) else ():
        if total_excludes_thoughts(block):
            said = f"{block.count('totalTokenCount')}, with the thoughts included in another counter"
            level = Level.NOTE if is_early_preview(block.reply) else None
            yield block.point_at("totalTokenCount", f"{block.expected_total}, with the thoughts", said, level)
    twice = [one for one in blocks if counts_thoughts_twice(one) and not uses_server_tools(one.reply)]
    # One odd answer may contain something that is not shown; several questions do not.
    for block in twice if len({one.reply.probe for one in twice}) >= ATTEMPTS_TO_ACCUSE else ():
        said = f"{block.count('candidatesTokenCount')}, including {block.count('thoughtsTokenCount')} for thoughts"
        level = Level.NOTE if is_early_preview(block.reply) else None
        wanted = f"the tokens of {len(block.reply.text)} characters"
        yield block.point_at("candidatesTokenCount", wanted, said, level)


@_check_answers(
    Level.SHOULD,
    basis=Basis.RECORDED,
    blocked_by=("usage/counts-are-cumulative",),
    defers_to=(*_TYPES, "usage/counts-every-answer", "usage/counts-thoughts", "usage/counts-thoughts-once"),
)
def total_is_the_sum(seen: RuleInput) -> Iterator[Location]:
    """The total is the sum of the prompt, the answer, the thoughts and tool use.

    Why: Google's totals are right in all but a dozen of 6,754 recorded blocks, where an absent counter counts as 0.
    Some of Vertex AI's totals are short by one.
    Breaks: one of the numbers is wrong, and nothing shows which one to pay.
    Workaround: calculate from the counters, not from the total, or ask the vendor which of them it bills.
    Source: [UsageMetadata.totalTokenCount] The total is the sum of prompt, candidates, tool use and thoughts; cached
    tokens are part of the prompt.
    """
    left_out, omits_thoughts = _find_omitted_counters(seen), _omits_thoughts_anywhere(seen)
    for reply in seen.replies:
        last = find_last_block(reply)
        for block in find_usage_blocks(reply):
            total, wanted = block.count("totalTokenCount"), block.expected_total
            explained = (total_excludes_thoughts(block) and not omits_thoughts) or (
                total > wanted and any(name not in block.members for name in left_out)
            )
            if total and total != wanted and not explained and "promptTokenCount" in block.members:
                rounded = abs(total - wanted) == 1 and find_flavour(reply) is Flavour.VERTEX
                level = None if last and block.chunk is last.chunk and not rounded else Level.NOTE
                yield block.point_at("totalTokenCount", str(wanted), str(total), level)


def _find_omitted_counters(seen: RuleInput) -> list[str]:
    """Return the counters that this vendor leaves out although there was something to count."""
    spoken = [
        reply for reply in seen.all if _is_finished(reply) and reply.usage and has_countable_text(reply)
    ]
    silent = any("candidatesTokenCount" not in reply.usage for reply in spoken)
    return ["candidatesTokenCount"] * silent + ["thoughtsTokenCount"] * any(map(hides_thoughts, seen.replies))


_SEVERAL = 3  # blocks that it takes to tell a counter that grows from one that does not


def _find_always_falling(seen: RuleInput) -> set[str]:
    """Return the ids of the streams with several blocks, if the answer's own counter falls in all of them."""
    live = [one for one in seen.replies if not one.exchange.captured and not uses_server_tools(one)]
    every = {one.id: list_counts(one, "candidatesTokenCount") for one in live}
    telling = {id_: counts for id_, counts in every.items() if len(counts) >= _SEVERAL}
    always = len(telling) > 1 and all(counts != sorted(counts) for counts in telling.values())
    return set(telling) if always else set()


@_check_answers(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed,
    blocked_by=(
        "usage/counts-up-to-the-end-of-a-stream",
        "semantics/marks-thoughts",
        "streaming/sends-deltas",
        "streaming/sends-the-text-once",
        "streaming/brings-every-chunk-in-order",
    ),
)
def counts_are_cumulative(seen: RuleInput) -> Iterator[Location]:
    """In a stream, each usage block counts the whole answer so far.

    Why: clients take the last block for the whole. Google's own numbers sometimes fall within a stream, because the
    prompt is counted again; that alone is only noted. More than a note are a last block that is far too small for the answer,
    and answer tokens that fall in every long stream; Google's fell in ten streams of 1,150.
    Breaks: if each block counts only its own chunk, clients see the cost of the last chunk.
    Workaround: add up the blocks, for this vendor only.
    Source: [streamGenerateContent] Each block counts the whole answer so far, and the last block counts all of it.
    """
    always = _find_always_falling(seen)
    for reply in seen.replies:
        short = describe_short_count(reply)
        said = short or describe_falling_counter(reply)
        if said:
            grave = reply.id in always or (short and not uses_server_tools(reply))
            level = None if grave else Level.NOTE
            yield Location(reply.id, "/usageMetadata", "counters that grow with the answer", said, level)


@_check_answers(
    Level.SHOULD,
    basis=Basis.INFERRED,
    ground=Ground.FORM,
    probes=(ProbeId.PLAIN, ProbeId.PLAIN_REPEATED),
    blocked_by=("semantics/answers-its-own-question",),
    requires=RequiredContent(
        "the same question was not answered twice",
        lambda reply: bool(reply.exchange.first),
        (ProbeId.PLAIN_REPEATED,),
        Outcome.BLOCKED,
    ),
)
def same_prompt_costs_the_same(seen: RuleInput) -> Iterator[Location]:
    """The same request has the same promptTokenCount each time.

    Why: the prompt is counted in full, cached or not.
    Breaks: bills differ for the same request, and cannot be checked.
    Workaround: none; compare the bill with countTokens.
    Source: [UsageMetadata.promptTokenCount] The same prompt has the same number of tokens; cached tokens stay
    counted.
    """
    firsts = {reply.id: reply for reply in seen.replies if reply.probe == ProbeId.PLAIN}
    for reply in seen.replies:
        first = firsts.get(reply.exchange.first or "")
        before, now = find_last_block(first) if first else None, find_last_block(reply)
        if before and now and before.count("promptTokenCount") != now.count("promptTokenCount"):
            wanted, said = (str(block.members.get("promptTokenCount")) for block in (before, now))
            yield now.point_at("promptTokenCount", wanted, said)


@_check_each_answer(
    Level.SHOULD,
    basis=Basis.RECORDED,
    requires=RequiredContent(
        "no answer reports cached tokens", lambda reply: bool(reply.usage.get("cachedContentTokenCount"))
    ),
)
def counts_cached_tokens_within_the_prompt(reply: Reply) -> Iterator[Location]:
    """Cached tokens are included in the prompt's count, not subtracted from it.

    Why: promptTokenCount is the whole prompt; cachedContentTokenCount is the share of it that costs less.
    Breaks: cost calculators that subtract the cached share arrive at a negative cost.
    Workaround: add the two before calculating.
    Source: [UsageMetadata.cachedContentTokenCount] The cached tokens are part of the prompt's.
    """
    block = find_last_block(reply)
    if block and block.count("cachedContentTokenCount") > max(0, block.count("promptTokenCount")):
        said = f"{block.count('cachedContentTokenCount')} of {block.members.get('promptTokenCount')}"
        yield block.point_at("cachedContentTokenCount", "at most promptTokenCount", said)


def _count_bytes_sent(reply: Reply) -> int:
    """Return the size of the turns that were sent: no tokenizer makes more tokens of them than they have bytes."""
    request = reply.request_body
    turns = as_list(request.get("contents")) if isinstance(request, dict) else []
    return sum(len(str(turn).encode("utf-8", "replace")) for turn in turns)


def _read_token_count(seen: RuleInput) -> int | None:
    """Return what countTokens says of the plain question; None if it does not count a longer text higher."""
    probes = (ProbeId.COUNT_TOKENS_OF_THE_PLAIN_QUESTION, ProbeId.COUNT_TOKENS_OF_A_LONGER_TEXT)
    counts = {
        reply.probe: total
        for reply in seen.of(*probes)
        if reply.ok and is_integer(total := reply.body.get("totalTokens"))
    }
    short, long = map(counts.get, probes)
    return short if short is not None and short > 0 and (long is None or long > short) else None


def _judge_prompt_count(reply: Reply, counted: int | None) -> tuple[str, Level | None] | None:
    """Return how the prompt was counted and how grave that is; None if the count is right."""
    block = find_last_block(reply)
    prompt = block.count("promptTokenCount") if block else 0
    most = _count_bytes_sent(reply)
    if prompt > most:
        return f"{prompt} tokens for a request of {most} bytes", None
    if counted is None or not prompt or abs(prompt - counted) <= 1:
        return None
    return f"{prompt} tokens; countTokens says {counted}", None if prompt > counted * 1.5 + 8 else Level.NOTE


@_check_answers(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.PLAIN,),
    blocked_by=("usage/same-prompt-costs-the-same",),
)
def charges_for_what_was_sent(seen: RuleInput) -> Iterator[Location]:
    """The prompt costs what the caller sent, without anything that the vendor adds.

    Why: promptTokenCount counts the request; a hidden prompt changes both the bill and the answers. A small
    difference from countTokens suggests an estimate, and is only noted.
    Breaks: every request is billed for text that the caller never wrote.
    Workaround: none; choose another vendor for short prompts.
    Source: [UsageMetadata.promptTokenCount] promptTokenCount counts what was sent, as countTokens counts it.
    """
    counted = _read_token_count(seen)
    for reply in seen.replies:
        if judged := _judge_prompt_count(reply, counted):
            yield Location(reply.id, "/usageMetadata/promptTokenCount", "the tokens of the request", *judged)
            return


_DETAILS = {
    "promptTokensDetails": "promptTokenCount",
    "candidatesTokensDetails": "candidatesTokenCount",
    "cacheTokensDetails": "cachedContentTokenCount",
    "toolUsePromptTokensDetails": "toolUsePromptTokenCount",
}


def _has_details(reply: Reply) -> bool:
    block = find_last_block(reply)
    return block is not None and any(
        as_list(value) for name, value in block.members.items() if "Details" in name
    )


@_check_each_answer(
    Level.NOTE,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    requires=RequiredContent("no answer holds details of its counters", _has_details),
)
def details_add_up(reply: Reply) -> Iterator[Location]:
    """The details of a counter add up to it.

    Why: they split the counter by modality; Google's own sums differ now and then, so this is only noted.
    Breaks: no client that was measured.
    Workaround: read the counters.
    Source: [UsageMetadata] The details split a counter by modality; Google's own sums do not always match.
    """
    block = find_last_block(reply)
    for name, counter in _DETAILS.items() if block else ():
        rows = [row for row in as_list(block.members.get(name)) if isinstance(row, dict)] if block else []
        total = sum(count for row in rows if isinstance(count := row.get("tokenCount"), int))
        if block and rows and total != block.count(counter):
            yield block.point_at(name, f"a sum of {block.members.get(counter)}", str(total))
