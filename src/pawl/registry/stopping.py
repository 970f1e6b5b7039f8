"""A training that is told to end before it has, and what its job says then."""

from pawl.ledger.train_jobs import STOPPED

__all__ = ["StoppedEarly", "said_of"]


class StoppedEarly(Exception):  # noqa: N818 - no error: it was asked for
    """Work was told to end before it had."""


def said_of(error: BaseException) -> str:
    """What a job says of what ended its training.

    >>> said_of(StoppedEarly()), said_of(KeyboardInterrupt())
    ('stopped before it ended', 'stopped before it ended')
    >>> said_of(ValueError("no gradient")), said_of(ValueError())
    ('no gradient', 'ValueError')
    """
    is_asked_for = isinstance(error, StoppedEarly | KeyboardInterrupt)
    return STOPPED if is_asked_for else str(error) or type(error).__name__
