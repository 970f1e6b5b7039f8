"""The tree of errors. Each says what happened (with the value), where, and how to fix it.

PawlError
├── InputError            exit 2: what was handed in cannot be used
│   ├── SettingsError     an unknown key, or a value out of bounds
│   ├── SchemaError       a file or frame without the columns, types or zone it needs
│   ├── SourceError       a market data source that did not answer, or answered nonsense
│   ├── NotFoundError     a ticker, version, feature set or learner that does not exist
│   ├── TooLittleDataError  fewer bars than a look-back, a fold or a fit needs
│   ├── OverlapError      a range that the version's certificate forbids
│   └── BeforeOpenError   an end before its beginning: a close before the open, a trade before its signal
├── RefusalError          exit 1: an honest "no"
│   ├── FutureLeakError   a feature that changed when its future was cut
│   ├── QualityError      data that may not be trained on
│   ├── ContractError     a learner that breaks the contract of learners
│   ├── IdempotencyConflictError  an idempotency key that was used for another request
│   ├── AlreadyClosedError        a second close of a trade
│   └── AlreadyConvertedError     a second trade on a signal
├── CorruptArtifactError  exit 2: bytes that are not the bytes that were written
└── StorageError          exit 2: a full or read-only disk; what stood before still stands
"""

from typing import ClassVar

__all__ = [
    "AlreadyClosedError",
    "AlreadyConvertedError",
    "BeforeOpenError",
    "ContractError",
    "CorruptArtifactError",
    "FutureLeakError",
    "IdempotencyConflictError",
    "InputError",
    "NotFoundError",
    "OverlapError",
    "PawlError",
    "QualityError",
    "RefusalError",
    "SchemaError",
    "SettingsError",
    "SourceError",
    "StorageError",
    "TooLittleDataError",
]


class PawlError(Exception):
    """What every error of Pawl carries.

    >>> error = NotFoundError("no version `m002-9.9`", where="--home /srv/pawl", fix="list them: pawl versions")
    >>> error.code, error.exit_code
    ('not_found', 2)
    >>> print(error)
    no version `m002-9.9` (--home /srv/pawl). list them: pawl versions
    """

    code: ClassVar[str] = "pawl_error"
    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, *, where: str, fix: str) -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} ({self.where}). {self.fix}"

    def __reduce__(self) -> tuple[object, tuple[type["PawlError"], tuple[str, str, str]]]:
        # Keyword-only arguments do not survive the default pickling, and errors cross process borders in joblib.
        return _rebuild, (type(self), (self.what, self.where, self.fix))


def _rebuild(kind: type[PawlError], parts: tuple[str, str, str]) -> PawlError:
    what, where, fix = parts
    return kind(what, where=where, fix=fix)


class InputError(PawlError):
    """What was handed in cannot be used."""

    code = "bad_input"


class SettingsError(InputError):
    """A settings key that is unknown, or a value out of its bounds."""

    code = "bad_settings"


class SchemaError(InputError):
    """A file or frame without the columns, types or time zone it needs."""

    code = "bad_schema"


class SourceError(InputError):
    """A market data source that did not answer, or answered what cannot be read."""

    code = "bad_source"


class NotFoundError(InputError):
    """A ticker, version, feature set or learner that does not exist."""

    code = "not_found"


class TooLittleDataError(InputError):
    """Fewer bars than a look-back, a fold or a fit needs."""

    code = "too_little_data"


class OverlapError(InputError):
    """A range that overlaps what the version was trained on."""

    code = "overlaps_training"


class BeforeOpenError(InputError):
    """An end that lies before its beginning."""

    code = "before_open"


class RefusalError(PawlError):
    """An honest "no": the question was understood, and the answer is no."""

    code = "refused"
    exit_code = 1


class FutureLeakError(RefusalError):
    """A feature whose value changed when its future was cut."""

    code = "future_leak"


class QualityError(RefusalError):
    """Data whose checks fail and that may not be trained on."""

    code = "bad_quality"


class ContractError(RefusalError):
    """A learner that breaks the contract every learner keeps."""

    code = "broken_contract"


class IdempotencyConflictError(RefusalError):
    """An idempotency key that was used for another request."""

    code = "idempotency_conflict"


class AlreadyClosedError(RefusalError):
    """A trade that was closed before."""

    code = "already_closed"


class AlreadyConvertedError(RefusalError):
    """A signal that became a trade before."""

    code = "already_converted"


class CorruptArtifactError(PawlError):
    """Bytes on disk that are not the bytes that were written."""

    code = "corrupt_artifact"


class StorageError(PawlError):
    """A disk that is full or cannot be written; what stood before the write still stands."""

    code = "storage"
