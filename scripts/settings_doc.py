"""Writes docs/settings.md from the settings tree, so that the two cannot tell different stories."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pawl.settings import Settings

__all__ = ["PAGE", "keys", "render"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
NOT_IN_THE_FILE = {("home",), ("ledger_url",), ("redis_url",)}
"""The workspace cannot be named in the file that lies inside it, and a secret belongs in no file."""
INTRO = """\
# Settings

Written by `make docs` from the settings tree; do not edit by hand.

Settings lie in `settings.toml` in the workspace (`--home DIR`, else `$PAWL_HOME`, else `./pawl-home`). What is not set
has the default below. A key that does not stand here, or a value out of its bounds, stops every command with exit
code 2 and the key's name; `pawl doctor` checks the file.

```toml
n_jobs = 4

[costs]
fee_bps = 4.0

[learners]
mine = "/home/me/my_learner.py"
```

The ledger (versions, verdicts, events) is SQLite in the workspace. The environment names another database in
`PAWL_DATABASE_URL`, as `postgresql://USER:PASSWORD@HOST:5432/DATABASE`, and nothing else does: it holds a password, so
it stands in no file and is never printed. Replays keep their own ledgers in their folders.

So it is with the other addresses that hold a secret:

| variable | what it names |
| --- | --- |
| `PAWL_DATABASE_URL` | the ledger's database; without it SQLite in the workspace |
| `PAWL_REDIS_URL` | the Redis of the event bus, where `events.bus` is `redis`: `redis://:PASSWORD@HOST:6379/0` |
| `PAWL_NOTICE_URLS` | who is told ([events.md](events.md)): Apprise addresses, parted by spaces |
| `PAWL_NOTICE_URLS_CHANNEL` | the same for a channel of `notices.routes`, as `PAWL_NOTICE_URLS_ML_REPORTS` |
"""


def keys(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key that can be set, with its field, in the order of the tree.

    >>> [".".join(path) for path, _ in keys()][:2]
    ['n_jobs', 'seed']
    """
    for name, field in model.model_fields.items():
        if (*path, name) in NOT_IN_THE_FILE:
            continue
        if _is_group(field):
            yield from keys(field.annotation, (*path, name))  # type: ignore[arg-type]  # _is_group has looked
        else:
            yield (*path, name), field


def render() -> str:
    """The whole page."""
    tables: dict[tuple[str, ...], list[str]] = {}
    for path, field in keys():
        cells = (f"`{path[-1]}`", _default(field), _bounds(field), (field.description or "").replace("|", "\\|"))
        tables.setdefault(path[:-1], []).append(f"| {' | '.join(cells)} |")
    parts = [INTRO]
    for group, rows in tables.items():
        title = f"## `[{'.'.join(group)}]`: {_meaning(group)}" if group else "## At the top of the file"
        parts.append(
            "\n".join([title, "", "| key | default | bounds | meaning |", "| --- | --- | --- | --- |", *rows, ""])
        )
    return "\n".join(parts)


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _meaning(group: tuple[str, ...]) -> str:
    model: type[BaseModel] = Settings
    for name in group:
        field = model.model_fields[name]
        assert isinstance(field.annotation, type)
        model, meaning = field.annotation, field.description or ""
    return meaning


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    return f"`{json.dumps(value, default=str)}`" if value not in ({}, None) else "none"


def _bounds(field: FieldInfo) -> str:
    found = ((sign, getattr(rule, name, None)) for rule in field.metadata for name, sign in SIGNS.items())
    return ", ".join(
        f"{sign} {limit if isinstance(limit, int) else format(limit, 'g')}"
        for sign, limit in found
        if limit is not None
    )


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
