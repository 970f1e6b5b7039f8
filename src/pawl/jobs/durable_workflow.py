"""What a durable workflow is to those who write one: a name, steps that are each recorded, and plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from pawl.errors import PawlError, StorageError

__all__ = ["NO_OBSERVER", "Failed", "GiveUp", "Json", "Observer", "Steps", "Workflow", "failure_of"]

Json = Any
"""A value of JSON: what workflows are given, what steps give back, and nothing else."""

Observer = Callable[[str], None]
"""Is told of every boundary: `WORKFLOW/STEP/before`, `/done` (its effect stands), `/recorded` (the engine knows); of
`WORKFLOW/enqueue/before` and `/recorded`; and of `engine/take over/resumed`."""


def NO_OBSERVER(boundary: str) -> None:  # noqa: N802 - a value of the type above
    """Looks the other way."""


class Steps(Protocol):
    """Runs a step: whatever ran to its end and was recorded is not run again, whoever goes on with the workflow.

    A step may still run twice, when its process dies between its effect and the record; so each makes its effect once
    by the ledger's own rules. A step that raises ends the workflow with `Failed`.
    """

    def __call__(self, name: str, act: Callable[[], Json]) -> Json:
        """name: unique in its workflow."""


GiveUp = Callable[[sa.Connection, Mapping[str, Json], str, int, datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """name: also that of its queue and, in dead letters, of its worker. run: from steps and an argument to an answer.

    give_up: what to write when it has failed for good, or its processes died too often: from the argument, the error,
    the number of tries and the time, in the transaction given. concurrency: how many of it one process runs.
    """

    name: str
    run: Callable[[Steps, Mapping[str, Json]], Json]
    give_up: GiveUp
    concurrency: int = 1


class Failed(Exception):  # noqa: N818 - it ends a workflow and is seen by nobody else
    """A step of a workflow failed. is_final: another try would fail alike."""

    def __init__(self, what: str, *, is_final: bool) -> None:
        super().__init__(what)
        self.is_final = is_final


def failure_of(error: Exception) -> tuple[str, bool]:
    """What to say of an error, and whether it is final: a refusal, and input that cannot be used, stay what they are.

    >>> failure_of(KeyError("close"))
    ("KeyError: 'close'", False)
    """
    if isinstance(error, Failed):
        return str(error), error.is_final
    if isinstance(error, PawlError):
        return str(error), not isinstance(error, StorageError)
    return f"{type(error).__name__}: {error}", False
