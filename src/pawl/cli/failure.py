"""How a failed command ends: one piece of text on stderr, or with --json one object on stdout, and an exit code."""

import json
import sys
from dataclasses import dataclass

from pawl.errors import PawlError

__all__ = ["INTERRUPTED", "Failure", "failure_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, where, and what to do next.

    exit_code: 1 an honest "no", 2 bad input, 3 a fault in Pawl itself, 130 stopped by Ctrl-C.

    >>> Failure(code="not_found", what="no ticker `XYZ`", where="--home demo", fix="pawl data ls", exit_code=2).tell(
    ...     is_json=True
    ... )
    {"error": {"code": "not_found", "what": "no ticker `XYZ`", "where": "--home demo", "fix": "pawl data ls"}}
    """

    code: str
    what: str
    where: str
    fix: str
    exit_code: int

    def tell(self, *, is_json: bool) -> None:
        """Print it: for a program as one object on stdout, for a person on stderr."""
        if is_json:
            body = {"code": self.code, "what": self.what, "where": self.where, "fix": self.fix}
            sys.stdout.write(json.dumps({"error": body}) + "\n")
        else:
            sys.stderr.write(f"error: {self.what}\n  where: {self.where}\n  fix:   {self.fix}\n")


INTERRUPTED = Failure(
    code="interrupted",
    what="stopped by Ctrl-C; what was written before still stands",
    where="pawl",
    fix="run the same command again: it goes on where it stopped",
    exit_code=130,
)


def failure_of(error: PawlError) -> Failure:
    """An error of the tree in `errors.py` as the end of a command."""
    return Failure(code=error.code, what=error.what, where=error.where, fix=error.fix, exit_code=error.exit_code)
