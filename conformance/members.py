"""Reads members of JSON objects that others wrote, checking their types; an error says where the member is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, overload

from conformance.model import JSON

_Kind = TypeVar("_Kind")
_Missing = TypeVar("_Missing")
_REQUIRED: Any = object()
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class MemberError(ValueError):
    """A member that is missing or of another type; one line: its pointer, and what it must be."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object, and the pointer to it in its document."""

    members: Mapping[str, Any]
    pointer: str = ""

    @classmethod
    def read(cls, value: JSON, pointer: str = "") -> Self:
        """Return a value as an object. Raises MemberError if it is not one."""
        if not isinstance(value, Mapping):
            raise MemberError(f"{pointer or '/'}: must be an object")
        return cls(value, pointer)

    @overload
    def take(self, name: str, kind: type[_Kind]) -> _Kind: ...
    @overload
    def take(self, name: str, kind: type[_Kind], missing: _Missing) -> _Kind | _Missing: ...
    def take(self, name: str, kind: type[Any], missing: Any = _REQUIRED) -> Any:
        """Return a member of type `kind`: str, int, float (which takes whole numbers too), bool, dict or list.

        `missing` is what null, or no such member, stands for. Raises MemberError where the type is another one, or
        where the member is not there and must be.
        """
        found = self.members.get(name)
        if found is None and missing is not _REQUIRED:
            return missing
        if not _is_of_kind(found, kind):
            says = f"must be {_WORDS[kind]}" if name in self.members else "is missing"
            raise MemberError(f"{self.pointer}/{name}: {says}")
        return found

    def find(self, name: str, kind: type[_Kind]) -> _Kind | None:
        """Return a member of type `kind`; None where it is missing or of another type."""
        found = self.members.get(name)
        return found if _is_of_kind(found, kind) else None

    def take_object(self, name: str) -> JsonObject:
        """Return a member that must be an object. Raises MemberError."""
        return JsonObject(self.take(name, dict), f"{self.pointer}/{name}")

    def take_texts(self, name: str) -> tuple[str, ...]:
        """Return a list that must contain only strings. Raises MemberError."""
        found = self.take(name, list)
        if not all(isinstance(item, str) for item in found):
            raise MemberError(f"{self.pointer}/{name}: must be a list of texts")
        return tuple(found)

    def take_objects(self, name: str) -> Iterator[JsonObject]:
        """Yield the items of a list that must contain only objects. Raises MemberError."""
        for number, item in enumerate(self.take(name, list)):
            yield JsonObject.read(item, f"{self.pointer}/{name}/{number}")


def _is_of_kind(value: object, kind: type[Any]) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) or (kind is float and isinstance(value, int))
