"""The journal of a replay by the calendar: what came of each event, so that one that was cut off goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Journal"]


class Journal:
    """Lines of JSON, one an event. A line that was cut off in the middle is as if it had not been written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Mapping[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    break
                self._known[entry["key"]] = entry["told"]
            self._rewrite()

    def once(self, key: str, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What came of the event: as it is written down, or else from the work, which is then written down."""
        if key not in self._known:
            self._known[key] = work()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "told": dict(self._known[key])}) + "\n")
        return self._known[key]

    def _rewrite(self) -> None:
        lines = [json.dumps({"key": key, "told": dict(told)}) + "\n" for key, told in self._known.items()]
        self.path.write_text("".join(lines), encoding="utf-8")
