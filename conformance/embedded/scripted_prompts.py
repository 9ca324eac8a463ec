"""How the scripted model reads text: tokens, and the prompts that it knows with their answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from conformance.model import JSON

# A token is up to six characters of a word with the blanks before it: joined, the tokens give the text again, and
# their number grows evenly with its length in any script.
_TOKEN = re.compile(r"\s*\S{1,6}|\s+")
_DEFAULT = "This is a scripted model; it answers the prompts of the checker and little else."
NONCE = re.compile(r"\b[A-Z]+-[0-9A-Za-z]{4,}\b")


def split_tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order; joined they are the text."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return len(split_tokens(text))


def find_strings(value: JSON) -> list[str]:
    """Return every string inside a value, except the names of members."""
    if isinstance(value, str):
        return [value]
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for child in children for text in find_strings(child)]


def _count_up(found: re.Match[str]) -> str:
    first, last = int(found[1]), min(int(found[2]), 5000)
    return " ".join(str(number) for number in range(first, last + 1))


def _count_primes(found: re.Match[str]) -> str:
    below = min(int(found[1]), 10_000)
    return str(
        sum(all(number % small for small in range(2, int(number**0.5) + 1)) for number in range(2, below))
    )


def _repeat_code_and_number(found: re.Match[str]) -> str:
    return f"The code is {found[1]} and the number is {found[2]}."


_PROMPTS: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile(r"reply with exactly: (.*)\Z", re.DOTALL | re.IGNORECASE), lambda found: found[1]),
    (re.compile(r"Repeat this text exactly, and nothing else: (.*)\Z", re.DOTALL), lambda found: found[1]),
    (re.compile(r"Count from (\d{1,6}) to (\d{1,6})\b"), _count_up),
    (re.compile(r"How many prime numbers are below (\d{1,6})\b"), _count_primes),
    (re.compile(r"Give me the code (\S+) and the number (\d+)"), _repeat_code_and_number),
    (re.compile(r"capital of France", re.IGNORECASE), lambda _: "Paris"),
)
_OVERRULING = re.compile(r"whatever is asked, reply with exactly: (.*)\Z", re.DOTALL | re.IGNORECASE)
_REMEMBERED = re.compile(r"Remember the word (\S+?)\.?(?:\s|\Z)")


def find_overruling_text(instruction: str) -> str | None:
    """Return the text that a system instruction prescribes for every answer, or None."""
    found = _OVERRULING.search(instruction)
    return found[1].strip() if found else None


def recall_word(prompt: str, history: Sequence[str]) -> str | None:
    """Return the word that an earlier turn asked to remember, if the prompt asks for it."""
    if not re.search(r"which word did i ask you to remember", prompt, re.IGNORECASE):
        return None
    return next((found[1] for text in reversed(history) if (found := _REMEMBERED.search(text))), None)


def answer_prompt(prompt: str) -> str:
    """Return the answer to a prompt without context."""
    return next((answer(found) for form, answer in _PROMPTS if (found := form.search(prompt))), _DEFAULT)
