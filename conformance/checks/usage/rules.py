"""Usage: what an answer says that it cost, whether that adds up, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.catalogue import Ground, check, check_each
from conformance.judging import required
from conformance.judging.contents import as_list, candidates, empty
from conformance.judging.counters import (
    Block,
    blocks,
    count,
    counts_no_output,
    counts_twice,
    falls,
    falls_short,
    folds,
    forgets,
    hides_thoughts,
    is_brief,
    is_early_preview,
    lacks_as_google_may,
    lacks_own_tokens_alone,
    last_block,
    says_much,
    spoken_counts,
    summed,
    uncounted,
)
from conformance.judging.expectations import answered_as_asked
from conformance.judging.habits import unless_rare, uses_server_tools
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE, generated_text
from conformance.judging.values import is_integer, locate
from conformance.model import Basis, Level, Location
from conformance.reading.flavour import Flavour, flavour
from conformance.reading.reply import Chunk, Reply, RuleInput


def _finished(reply: Reply) -> bool:
    """Answers to valid questions that came whole, with something said: only these must say what they cost."""
    if not generated_text(reply) or not answered_as_asked(reply) or reply.error is not None:
        return False
    return any(not empty(candidate) for _, _, candidate in candidates(reply))


@check(Level.SHOULD, basis=Basis.RECORDED, usable=_finished)
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
    found = {reply.id: reply for reply in seen.replies if uncounted(reply)}
    locations = {id_: Location(id_, "/usageMetadata", wanted, uncounted(one)) for id_, one in found.items()}
    rare = {id_ for id_, one in found.items() if lacks_as_google_may(one)}
    sure = [one for id_, one in found.items() if id_ not in rare]
    single = len({one.probe for one in sure}) == 1 and all(map(lacks_own_tokens_alone, sure))
    yield from (replace(locations[one.id], level=Level.NOTE) if single else locations[one.id] for one in sure)
    telling = [one for one in seen.replies if says_much(one) or one.id in found]
    for brief in (True, False):
        among = [one for one in telling if is_brief(one) is brief]
        mine = [locations[one.id] for one in among if one.id in rare]
        for location in unless_rare(mine, among):
            yield (
                replace(location, level=Level.NOTE)
                if counts_no_output(found[location.exchange])
                else location
            )


def _reports_usage(reply: Reply) -> bool:
    """Finished answers that say what they cost: whether it is right is asked of these, even where others say nothing."""
    return _finished(reply) and bool(reply.usage) and not uncounted(reply)


def _last_spoken(reply: Reply) -> int:
    """The number of the last chunk in which a candidate says something or ends."""
    found = [chunk.number for chunk, _, raw in candidates(reply) if not empty(raw) or raw.get("finishReason")]
    return max(found, default=-1)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=_reports_usage, select=lambda reply: reply.streamed)
def counts_up_to_the_end_of_a_stream(reply: Reply) -> Iterator[Location]:
    """The last chunk of a stream carries the final usage.

    Why: usage is cumulative, so only the last block counts everything; in Google's streams the last chunk holds it.
    Breaks: clients that read the last block see what the answer had cost so far, so the bill comes out too low.
    Workaround: none; ask without streaming where costs matter.
    Source: [UsageMetadata] Each answer reports its tokens: prompt, answer, thoughts, tools and their total.
    """
    numbers = [chunk.number for chunk in reply.chunks if chunk.body.get("usageMetadata")]
    if numbers and len(reply.chunks) > 1 and max(numbers) < _last_spoken(reply):
        said = f"the last usage stands in chunk {max(numbers)} of {len(reply.chunks)}"
        yield Location(reply.id, f"#{_last_spoken(reply)}/usageMetadata", "usage in the last chunk", said)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=_reports_usage, requires=required.THOUGHTS)
def counts_thoughts(reply: Reply) -> Iterator[Location]:
    """Thoughts that are returned are counted in thoughtsTokenCount.

    Why: thoughts are billed, and have a counter of their own.
    Breaks: bills and budgets computed from the counters come out too low, by most of the cost for a thinking model.
    Workaround: subtract the prompt and the answer from the total.
    Source: [UsageMetadata.thoughtsTokenCount] Thoughts are counted apart from the answer.
    """
    found = last_block(reply)
    if found is not None and hides_thoughts(reply):
        pointer = locate(reply, found[0], ("usageMetadata", "thoughtsTokenCount"))
        yield Location(
            reply.id,
            pointer,
            "the thoughts' tokens",
            f"none, though {len(reply.first.thoughts)} characters of thoughts came",
        )


def _adds_none(seen: RuleInput) -> bool:
    """A total somewhere leaves thoughts out that stand nowhere else: so it is with all totals of this vendor."""
    return any(forgets(block) for reply in seen.replies for _, block in blocks(reply))


@check(Level.SHOULD, basis=Basis.RECORDED, usable=_reports_usage, requires=required.COUNTED_THOUGHTS)
def counts_thoughts_once(seen: RuleInput) -> Iterator[Location]:
    """Thoughts are counted once: beside the answer's tokens, not among them.

    Why: candidatesTokenCount excludes thoughts, and the total adds them; only previews of early 2025 differed.
    Breaks: bills that add up the counters charge for the thoughts twice.
    Workaround: subtract the thoughts from the answer's tokens.
    Source: [UsageMetadata.totalTokenCount] The total is the sum of prompt, candidates, tool use and thoughts; cached
    tokens are part of the prompt.
    """
    told = [(reply, *found) for reply in seen.replies if (found := last_block(reply))]
    if not _adds_none(seen):
        yield from (_folded(*one) for one in told if folds(one[2]))
    twice = [one for one in told if counts_twice(one[0], one[2]) and not uses_server_tools(one[0])]
    # One odd answer may hold what is not shown; several questions do not.
    if len({reply.probe for reply, _, _ in twice}) >= ATTEMPTS_TO_ACCUSE:
        yield from (_doubled(*one) for one in twice)


def _folded(reply: Reply, chunk: Chunk, block: Block) -> Location:
    said = f"{block.get('totalTokenCount')}, thoughts within another counter"
    pointer = locate(reply, chunk, ("usageMetadata", "totalTokenCount"))
    level = Level.NOTE if is_early_preview(reply) else None
    return Location(reply.id, pointer, f"{summed(block)}, thoughts included", said, level)


def _doubled(reply: Reply, chunk: Chunk, block: Block) -> Location:
    said = f"{block.get('candidatesTokenCount')}, thoughts of {block.get('thoughtsTokenCount')} included"
    pointer = locate(reply, chunk, ("usageMetadata", "candidatesTokenCount"))
    level = Level.NOTE if is_early_preview(reply) else None
    return Location(reply.id, pointer, f"the tokens of {len(reply.text)} characters", said, level)


@check(Level.SHOULD, basis=Basis.RECORDED, usable=_reports_usage, blocked_by=("usage/counts-are-cumulative",))
def total_is_the_sum(seen: RuleInput) -> Iterator[Location]:
    """The total is the sum of the prompt, the answer, the thoughts and tool use.

    Why: Google's totals are right in all but a dozen of 6,754 recorded blocks, where an absent counter counts as 0.
    Some of Vertex AI's totals are short by one.
    Breaks: one of the numbers is wrong, and nothing shows which one to pay.
    Workaround: pay by the counters, not by the total, or ask the vendor which one it bills.
    Source: [UsageMetadata.totalTokenCount] The total is the sum of prompt, candidates, tool use and thoughts; cached
    tokens are part of the prompt.
    """
    missing, forgotten = _left_out(seen), _adds_none(seen)
    for reply in seen.replies:
        last = last_block(reply)
        for chunk, block in blocks(reply):
            total, wanted = count(block, "totalTokenCount"), summed(block)
            explained = (folds(block) and not forgotten) or (
                total > wanted and any(name not in block for name in missing)
            )
            if total and total != wanted and not explained and "promptTokenCount" in block:
                rounded = abs(total - wanted) == 1 and flavour(reply) is Flavour.VERTEX
                level = None if last and chunk is last[0] and not rounded else Level.NOTE
                pointer = locate(reply, chunk, ("usageMetadata", "totalTokenCount"))
                yield Location(reply.id, pointer, str(wanted), str(total), level)


def _left_out(seen: RuleInput) -> list[str]:
    """Counters that this vendor leaves out although there was something to count: other rules say so."""
    unsaid = [reply for reply in seen.all if _finished(reply) and reply.usage and says_much(reply)]
    silent = any("candidatesTokenCount" not in reply.usage for reply in unsaid)
    hidden = any(hides_thoughts(reply) for reply in seen.replies)
    return ["candidatesTokenCount"] * silent + ["thoughtsTokenCount"] * hidden


_SEVERAL = 3  # blocks in which a counter that grows is told from one that does not


def _falls_each_time(seen: RuleInput) -> set[str]:
    """Return the ids of the streams in which the answer's own counter falls, where it does in every one of several."""
    live = [one for one in seen.replies if not one.exchange.captured and not uses_server_tools(one)]
    telling = {one.id: spoken_counts(one) for one in live if len(spoken_counts(one)) >= _SEVERAL}
    always = len(telling) > 1 and all(counts != sorted(counts) for counts in telling.values())
    return set(telling) if always else set()


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=_reports_usage,
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
    prompt is counted again; that alone is only noted. A last block far too small for the answer is more than a note,
    and so are answer tokens that fall in every long stream; Google's fell in ten streams of 1,150.
    Breaks: where each block counts only its own chunk, clients see the cost of the last chunk.
    Workaround: add up the blocks, for this vendor only.
    Source: [streamGenerateContent: usageMetadata] Each block counts the whole answer so far, and the last one all of
    it.
    """
    always = _falls_each_time(seen)
    for reply in seen.replies:
        short = falls_short(reply)
        said = short or falls(reply)
        if said:
            grave = reply.id in always or (short and not uses_server_tools(reply))
            level = None if grave else Level.NOTE
            yield Location(reply.id, "/usageMetadata", "counters that grow with the answer", said, level)


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    ground=Ground.FORM,
    probes=("plain", "plain-repeated"),
    usable=_reports_usage,
    blocked_by=("semantics/answers-its-own-question",),
    requires=required.A_REPETITION,
)
def same_prompt_costs_the_same(seen: RuleInput) -> Iterator[Location]:
    """The same request has the same promptTokenCount each time.

    Why: the prompt is counted in full, cached or not.
    Breaks: bills differ for the same request, and cannot be checked.
    Workaround: none; compare the bill with countTokens.
    Source: [UsageMetadata.promptTokenCount] The same prompt has the same number of tokens; cached tokens stay
    counted.
    """
    firsts = {reply.id: reply for reply in seen.replies if reply.probe == "plain"}
    for reply in seen.replies:
        first = firsts.get(reply.exchange.first or "")
        before, now = last_block(first) if first else None, last_block(reply)
        if before and now and count(before[1], "promptTokenCount") != count(now[1], "promptTokenCount"):
            pointer = locate(reply, now[0], ("usageMetadata", "promptTokenCount"))
            yield Location(
                reply.id, pointer, str(before[1].get("promptTokenCount")), str(now[1].get("promptTokenCount"))
            )


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=_reports_usage, requires=required.CACHED)
def counts_cached_tokens_within_the_prompt(reply: Reply) -> Iterator[Location]:
    """Cached tokens are included in the prompt's count, not subtracted from it.

    Why: promptTokenCount is the whole prompt; cachedContentTokenCount is the share of it that costs less.
    Breaks: cost calculators that subtract the cached share arrive at less than nothing.
    Workaround: add the two before calculating.
    Source: [UsageMetadata.cachedContentTokenCount] The cached tokens are part of the prompt's.
    """
    found = last_block(reply)
    if found and count(found[1], "cachedContentTokenCount") > max(0, count(found[1], "promptTokenCount")):
        pointer = locate(reply, found[0], ("usageMetadata", "cachedContentTokenCount"))
        said = f"{found[1].get('cachedContentTokenCount')} of {found[1].get('promptTokenCount')}"
        yield Location(reply.id, pointer, "at most promptTokenCount", said)


def _letters(reply: Reply) -> int:
    """The bytes of the texts that were sent: no tokenizer makes more tokens of them than that."""
    request = reply.request_body
    turns = as_list(request.get("contents")) if isinstance(request, dict) else []
    return sum(len(str(turn).encode("utf-8", "replace")) for turn in turns)


def _counted(seen: RuleInput) -> int | None:
    """What countTokens says of the plain question; None where it does not tell short from long."""
    counts = {
        reply.probe: count(reply.body, "totalTokens")
        for reply in seen.of("count-tokens-of-the-plain-question", "count-tokens-of-a-longer-text")
        if reply.ok and is_integer(reply.body.get("totalTokens"))
    }
    short, long = (
        counts.get("count-tokens-of-the-plain-question", 0),
        counts.get("count-tokens-of-a-longer-text"),
    )
    return short if short > 0 and (long is None or long > short) else None


def _charged(reply: Reply, counted: int | None) -> tuple[str, Level | None] | None:
    found = last_block(reply)
    prompt = count(found[1], "promptTokenCount") if found else 0
    most = _letters(reply)
    if prompt > most:
        return f"{prompt} tokens for a request of {most} bytes", None
    if counted is None or not prompt or abs(prompt - counted) <= 1:
        return None
    return f"{prompt} tokens; countTokens says {counted}", None if prompt > counted * 1.5 + 8 else Level.NOTE


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=("plain",),
    usable=_reports_usage,
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
    counted = _counted(seen)
    for reply in seen.replies:
        said = _charged(reply, counted)
        if said is not None:
            yield Location(
                reply.id, "/usageMetadata/promptTokenCount", "the tokens of the request", said[0], said[1]
            )
            return


_DETAILS = {
    "promptTokensDetails": "promptTokenCount",
    "candidatesTokensDetails": "candidatesTokenCount",
    "cacheTokensDetails": "cachedContentTokenCount",
    "toolUsePromptTokensDetails": "toolUsePromptTokenCount",
}


@check_each(
    Level.NOTE, basis=Basis.RECORDED, ground=Ground.TASKS, usable=_reports_usage, requires=required.DETAILS
)
def details_add_up(reply: Reply) -> Iterator[Location]:
    """The details of a counter add up to it.

    Why: they split the counter by modality; Google's own sums differ now and then, so this is only noted.
    Breaks: no client that was measured.
    Workaround: read the counters.
    Source: [UsageMetadata: details] The details split a counter by modality; Google's own sums do not always match.
    """
    found = last_block(reply)
    for name, counter in _DETAILS.items() if found else ():
        rows = as_list(found[1].get(name)) if found else []
        counts = [count(row, "tokenCount") for row in rows if isinstance(row, dict)]
        if found and counts and sum(counts) != count(found[1], counter):
            pointer = locate(reply, found[0], ("usageMetadata", name))
            yield Location(reply.id, pointer, f"a sum of {found[1].get(counter)}", str(sum(counts)))
