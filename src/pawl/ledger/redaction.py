"""Takes wallets and e-mail addresses out of a payload before it is written, wherever in it they stand.

Patterns know no checksum: what looks like a wallet goes. Ids of the house stay, for each is told apart by its form:
UUIDs have hyphens, hashes are 64 lower-case hex digits, versions and traces have hyphens or are too short.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["MARKS", "PATTERNS", "SHORTEST_WALLET", "Json", "redact", "redact_text"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MARKS = {"email": "[email]", "wallet": "[wallet]"}
"""What stands where something was taken out."""

# Word edges by letters and digits alone: `wallet_0x…` holds one too.
_START, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"

# \w takes letters of every script. Starting where no such character stands before keeps long texts linear.
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
# A host has a letter, or is an address: `long@101.5` is an order.
_HOST = r"(?=[\w.-]*[^\W\d_])[\w-]+(?:\.[\w-]+)*|(?:\d{1,3}\.){3}\d{1,3}"
# With spaces around the sign only what ends as a domain does: `long @ market` is none.
_DOMAIN = r"[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"
_EMAIL = rf"(?<!{_LOCAL}){_LOCAL}+(?:[@＠](?:\[[^\]\s]*\]|{_HOST})|\s?[@＠]\s?(?:{_DOMAIN}))"

_BECH32 = "[ac-hj-np-z02-9]"
_WALLETS = (
    # Ethereum and its kin; longer: Sui, Aptos, Starknet, and call data, in which addresses stand.
    r"0[xX][0-9a-fA-F]{40,}",
    # `bc` is hexadecimal too: by its two lengths no hash of 64 digits is taken for one.
    _START + rf"bc1(?:{_BECH32}{{59}}|{_BECH32}{{39}})" + _END,
    _START
    + r"(?:tb|ltc|bnb|cosmos|osmo|terra|inj|sei|celestia|kava|juno|thor|addr|stake)1"
    + _BECH32
    + r"{20,110}"
    + _END,
)
# Base58 of 25 characters and more (Bitcoin, Litecoin, Dogecoin, Tron, Ripple, Solana): both cases, and a digit or many
# capitals, which together no word, no name in camel case and no hex digest has.
_BASE58 = (
    _START
    + r"(?=[0-9A-Z]*[a-z])(?=[0-9a-z]*[A-Z])(?:(?=[A-Za-z]*[0-9])|(?=(?:[0-9a-z]*[A-Z]){12}))"
    + r"[1-9A-HJ-NP-Za-km-z]{25,44}"
    + _END
)

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(_EMAIL)),
    ("wallet", re.compile("|".join(_WALLETS), re.IGNORECASE)),
    ("wallet", re.compile(_BASE58)),
)
"""In this order, so that an address at a wallet's name is one e-mail."""

SHORTEST_WALLET = 23
"""Characters: `tb1` and twenty more. The patterns match nothing shorter but e-mail addresses, which have a sign."""


def redact(payload: Json) -> Json:
    """The payload with every wallet and e-mail address replaced by its mark, in texts and keys, at any depth.

    Numbers, booleans and null stay as they are. Two keys that become one keep both values, the later under a key with
    a number behind it. Redacting twice is redacting once.

    >>> redact({"note": "ask ann@example.com", "to": ["0x52908400098527886E0F7030069857D2E4169EE7"], "n": 3})
    {'note': 'ask [email]', 'to': ['[wallet]'], 'n': 3}
    """
    if isinstance(payload, str):
        return redact_text(payload)
    if isinstance(payload, list):
        return [redact(value) for value in payload]
    if isinstance(payload, dict):
        clean: dict[str, Json] = {}
        for key, value in payload.items():
            clean[_own(key, clean, payload)] = redact(value)
        return clean
    return payload


def redact_text(text: str) -> str:
    """The text with every wallet and e-mail address replaced by its mark.

    >>> redact_text("sent from bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
    'sent from [wallet]'
    """
    has_sign = "@" in text or "＠" in text
    if not has_sign and len(text) < SHORTEST_WALLET:  # as nearly every text of an event, and every key
        return text
    for kind, pattern in PATTERNS:
        if has_sign or kind != "email":
            text = pattern.sub(MARKS[kind], text)
    return text


def _own(key: str, taken: Mapping[str, Json], original: Mapping[str, Json]) -> str:
    """The redacted key, with the first number behind it that makes it its own; one that held nothing keeps its name."""
    clean = redact_text(key)
    number, own = 1, clean
    while own != key and (own in taken or own in original):
        number += 1
        own = f"{clean} {number}"
    return own
