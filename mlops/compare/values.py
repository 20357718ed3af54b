"""Property values of two previews compared, inside the JSON documents that properties hold.

Values are those of a preview's document: JSON, in which an unknown is the CLI's text for one, and a secret is a `Seal` or `[secret]`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from mlops.engine.signatures import UNKNOWN_SENTINEL

MASK = "[secret]"
ABSENT = object()
NO_LONGER, NOT_ONE = "[no longer a secret]", "[not a secret]"
_KEY = secrets.token_bytes(32)  # of this process: a seal says nothing to anybody else
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*")
# What tells the items of a list apart, the first that all items of both lists have.
_IDENTITIES = ("Sid", "sid", "Name", "name", "Id", "id", "Key", "key", "ID")


@dataclass(frozen=True)
class Seal:
    """A secret that can be compared and not be read."""

    mark: str

    @classmethod
    def of(cls, value: Any) -> Seal:
        """The seal of a secret's value: equal for equal values, in this process."""
        text = json.dumps(value, sort_keys=True, default=repr)
        return cls(hmac.new(_KEY, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest())


@dataclass(frozen=True)
class Change:
    """A property before and after; ABSENT where there was or is none."""

    path: str
    before: Any
    after: Any

    def to_dict(self) -> dict[str, Any]:
        """`path`, and `before` and `after` where there is such a value; secrets are masked."""
        known = {"before": self.before, "after": self.after}
        return {"path": self.path, **{key: shown(value) for key, value in known.items() if value is not ABSENT}}


def shown(value: Any) -> Any:
    """The value with its secrets masked."""
    if isinstance(value, Seal):
        return MASK
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else value


class Comparison:
    """Compares properties; `unreadable` counts the secrets that nobody can compare because a file only says that there is one.

    With `exists` the base is what exists: its values are known, and a value that is unknown now need not be another one. Those are counted
    in `undecided`.
    """

    def __init__(self, exists: bool = False) -> None:
        self.unreadable = self.undecided = 0
        self._exists = exists

    def changes(self, before: Any, after: Any, path: str = "") -> Iterator[Change]:
        """What differs, smallest parts first met; an absent property and null are the same to Pulumi."""
        before, after = (ABSENT if value is None else value for value in (before, after))
        if _hidden(before) and _hidden(after):
            yield from self._secrets(before, after, path)
        elif _hidden(before) or _hidden(after):
            # What was a secret, or is one now, is not shown on the other side either.
            yield Change(path, *(_beside_a_secret(value, was) for value, was in ((before, True), (after, False))))
        elif isinstance(before, dict) and isinstance(after, dict) and not (_is_asset(before) or _is_asset(after)):
            for key in [*before, *(key for key in after if key not in before)]:
                yield from self.changes(before.get(key), after.get(key), _below(path, key))
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._lists(before, after, path)
        elif (documents := _documents(before, after)) is not None:
            undecided = self.undecided
            found = list(self.changes(*documents, path))
            # Two that say the same are still two texts: spaces, or the order of keys. One that may yet say the same is told of neither.
            yield from found or ([Change(path, before, after)] if self.undecided == undecided else [])
        elif self._exists and _may_be(before, after):
            self.undecided += 1
        elif not _same(before, after):
            yield Change(path, before, after)

    def _secrets(self, before: Any, after: Any, path: str) -> Iterator[Change]:
        if isinstance(before, Seal) and isinstance(after, Seal):
            if before != after:
                yield Change(path, before, after)
        else:
            self.unreadable += 1

    def _lists(self, before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
        key = _identity(before, after)
        if key is not None:
            old, new = ({str(item[key]): item for item in items} for items in (before, after))
            for name in [*old, *(name for name in new if name not in old)]:
                yield from self.changes(old.get(name), new.get(name), f"{path}[{name}]")
            yield from _order(list(old), list(new), path)
            return
        if _plain_and_unique(before) and _plain_and_unique(after):
            # What only stands elsewhere is neither added nor removed.
            yield from _order(before, after, path)
            known, kept = set(before), set(after)
            stays = iter([item for item in before if item in kept])
            after = [next(stays) if item in known else item for item in after]
        texts = [[_text(item) for item in items] for items in (before, after)]
        for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
            if kind == "equal":
                for item in after[new_from:new_to]:
                    yield from self.changes(item, item)  # counts its secrets
                continue
            shared = min(old_to - old_from, new_to - new_from)
            for index in range(shared):
                yield from self.changes(before[old_from + index], after[new_from + index], f"{path}[{new_from + index}]")
            for index in range(old_from + shared, old_to):
                yield Change(f"{path}[{index}]", before[index], ABSENT)
            for index in range(new_from + shared, new_to):
                yield Change(f"{path}[{index}]", ABSENT, after[index])


def _hidden(value: Any) -> bool:
    return isinstance(value, Seal) or value == MASK


def _beside_a_secret(value: Any, was: bool) -> Any:
    if value is ABSENT or _hidden(value):
        return value
    return NOT_ONE if was else NO_LONGER


def _is_asset(value: dict[str, Any]) -> bool:
    return value.keys() == {"asset", "hash"}


def _same(before: Any, after: Any) -> bool:
    return before is after or (before == after and isinstance(before, bool) == isinstance(after, bool))


def _may_be(before: Any, after: Any) -> bool:
    """Whether a value that is unknown now, in part or whole, may still be the one that was there."""
    if before is ABSENT or not isinstance(after, str) or UNKNOWN_SENTINEL not in after or before == after:
        return False
    if after == UNKNOWN_SENTINEL:
        return True
    known = ".*".join(re.escape(part) for part in after.split(UNKNOWN_SENTINEL))
    return isinstance(before, str) and re.fullmatch(known, before, re.DOTALL) is not None


def _below(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def _documents(before: Any, after: Any) -> tuple[Any, Any] | None:
    """Both values read, where both are text that is a JSON object or list."""
    if not (isinstance(before, str) and isinstance(after, str)) or before == after:
        return None
    read = []
    for text in (before, after):
        if text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            read.append(json.loads(text))
        except (ValueError, RecursionError):
            return None
    return (read[0], read[1]) if isinstance(read[0], type(read[1])) else None


def _identity(before: list[Any], after: list[Any]) -> str | None:
    items = [*before, *after]
    if not before or not after or not all(isinstance(item, dict) for item in items):
        return None
    for key in _IDENTITIES:
        if all(isinstance(item.get(key), str) and item[key] != MASK for item in items) and all(
            max(Counter(item[key] for item in each).values()) == 1 for each in (before, after)
        ):
            return key
    return None


def _order(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    """Where what both lists have stands in another order: that order before and after."""
    both = set(before) & set(after)
    stays = [[item for item in each if item in both] for each in (before, after)]
    if stays[0] != stays[1]:
        yield Change(path, stays[0], stays[1])


def _plain_and_unique(items: list[Any]) -> bool:
    return all(isinstance(item, str) and item != MASK for item in items) and len(set(items)) == len(items)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=lambda seal: {"seal": seal.mark})
