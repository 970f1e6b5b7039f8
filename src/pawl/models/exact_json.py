"""JSON as artifact bytes: every float comes back exactly, and the same value always gives the same bytes."""

import json
from typing import Any

from pawl.errors import CorruptArtifactError

__all__ = ["from_exact_json", "to_exact_json"]


def to_exact_json(value: object) -> bytes:
    """Sorted keys, one trailing newline. Python writes the shortest text that reads back as the same float.

    ValueError for NaN and infinity: no JSON reader is bound to take them.

    >>> to_exact_json({"b": 0.1 + 0.2, "a": [1]})
    b'{"a": [1], "b": 0.30000000000000004}\\n'
    """
    return (json.dumps(value, sort_keys=True, allow_nan=False) + "\n").encode()


def from_exact_json(content: bytes, name: str) -> dict[str, Any]:
    """The object in `content`. CorruptArtifactError, naming the file, when there is none.

    >>> from_exact_json(b'{"a": [1]}', "head.json")
    {'a': [1]}
    """
    try:
        value = json.loads(content)
    except ValueError as error:
        raise CorruptArtifactError(f"not JSON: {error}", where=name, fix="fetch or train the version again") from error
    if not isinstance(value, dict):
        raise CorruptArtifactError("not a JSON object", where=name, fix="fetch or train the version again")
    return value
