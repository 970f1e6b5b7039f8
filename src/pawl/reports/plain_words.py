"""Words that a report to a user may not hold: certainty about markets, and promises."""

import re

__all__ = ["FORBIDDEN", "forbidden_expressions"]

FORBIDDEN = (
    r"guarantee\w*",
    r"certain(ly|ty)?",
    r"definite(ly)?",
    r"undoubted(ly)?",
    r"without (a |any )?doubt",
    r"risk[- ]?free",
    r"no risk",
    r"safe (bet|profit|trade)s?",
    r"sure (thing|profit|win)s?",
    r"surely",
    r"can(no|')t (lose|fail)",
    r"never (lose|fail)s?",
    r"always (win|profit|work|rise|fall)s?",
    r"will (rise|fall|profit|win|earn|double|recover)",
    r"(is|are) going to (rise|fall|profit|win)",
    r"promis\w+",
    r"100 ?%",
)
"""Regular expressions of whole words, in small letters."""

PATTERN = re.compile(rf"(?<!\w)(?:{'|'.join(f'(?:{one})' for one in FORBIDDEN)})(?!\w)", re.IGNORECASE)


def forbidden_expressions(text: str) -> tuple[str, ...]:
    """What of it stands in a text, in order.

    >>> forbidden_expressions("A stop is a guaranteed, risk-free way to win.")
    ('guaranteed', 'risk-free')
    >>> forbidden_expressions("Half of these trades had no stop; uncertainty stays.")
    ()
    """
    return tuple(match.group(0) for match in PATTERN.finditer(text))
