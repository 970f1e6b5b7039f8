"""Why something was recommended, as a hash: the text itself is never kept."""

import hashlib
import unicodedata

from pawl.ledger.redaction import redact_text

__all__ = ["rationale_hash"]


def rationale_hash(text: str) -> str:
    """SHA-256 of the text, redacted, in Unicode's composed form, lower case, each run of white space one space.

    >>> rationale_hash("Funding is  high\\n") == rationale_hash("funding is high")
    True
    """
    normalised = " ".join(unicodedata.normalize("NFKC", redact_text(text)).casefold().split())
    return hashlib.sha256(normalised.encode()).hexdigest()
