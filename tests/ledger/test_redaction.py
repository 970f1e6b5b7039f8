"""No wallet and no e-mail address survives in any payload, and nothing else is touched."""

import json
import re
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.ledger.redaction import MARKS, PATTERNS, SHORTEST_WALLET, Json, redact, redact_text

# Written anew, from the standards and from published examples: not the patterns of the code.
WALLETS = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0X27B1FDB04752BBC536007A920D24ACB045561C26",
    "0x02a212de6a9dfa3a69e22387acfbafbb1a9e591bd9d636e7895dcfc8de05f331",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ",
    "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
    "ltc1qg42tkwuuxefutzxezdkdel39gfstuap288mfea",
    "TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC",
    "rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh",
    "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV",
    "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
    "DRpbCBMxVnDKqqaqepzKPvqeCxyNVQnGeYMDKLiNQVrL",
    "cosmos1vlthgax23ca9syk7xgaz347xmf4nunefw3cnv8",
]
EMAILS = [
    "ann@example.com",
    "ann.lee+bot@mail.example.co.uk",
    "o'hara_99@sub-domain.example",
    "ANN@EXAMPLE.COM",
    "ann@localhost",
    "ann@[192.0.2.1]",
    "jürgen@müller.example",
    "ann @ example.com",
    "ann＠example.com",
    "ann@192.0.2.1",
    "ann＠localhost",
]
KEPT = [
    "funding fell while the price held, and OI rose by 12.5 %",
    "BTCUSDT",
    "m002-3.4-daily-20251021",
    "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    sha256(b"rationale").hexdigest(),
    sha256(b"rationale").hexdigest()[:16],
    "0123456789abcdef0123456789abcdef01234567",
    "1234567891abcdef1234567891abcdef",
    "2025-10-21T00:00:00+00:00",
    "m002/BTCUSDT/2025-10-21T00:00:00+00:00",
    "0xdeadbeef",
    "1e-05",
    "123456789012345678901234567890",
    "AVeryLongWordWithoutAnyNumberInsideItself",
    "max_drawdown_bps",
    "size_above_max_position_pct",
    "long @ market",
    "long @ 101.5, stop @ 99.25",
    "BTC@65000.5",
    "aStrategyThatBuysTheDipAndSeesTheRecovery",
    "bc1" + "0" * 61,
    "[email] and [wallet]",
    "",
]
PLACES = [
    "{}",
    "to {}.",
    "({})",
    "wallet:{}",
    "https://scan.example/address/{}?tab=1",
    "{},{}",
    "a_{}_b",
    "\n{}\t",
    '"{}"',
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", WALLETS + EMAILS)
def test_pass_r39_no_pattern_survives_wherever_it_stands(secret: str, place: str) -> None:
    found = redact_text(place.format(secret, secret))
    assert secret not in found
    assert "[email]" in found or "[wallet]" in found
    core = secret.split("@")[-1].strip() if secret in EMAILS else secret[4:20]
    assert core not in found


@pytest.mark.parametrize("text", KEPT)
def test_pass_r39_ordinary_text_ids_and_hashes_survive(text: str) -> None:
    assert redact_text(text) == text


words = st.text(st.characters(codec="utf-8", exclude_characters="@＠"), max_size=12)


@given(st.emails(), words)
def test_pass_r39_whatever_the_standard_calls_an_address_goes(address: str, word: str) -> None:
    assert "@" not in redact_text(f"{word} {address} {word}")


secrets = st.sampled_from(WALLETS + EMAILS)
texts = st.builds(lambda before, secret, after: f"{before} {secret} {after}", words, secrets, words)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
payloads = st.recursive(
    scalars | texts | secrets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | texts | secrets, inner, max_size=4),
    max_leaves=20,
)


def leaves(payload: object) -> list[object]:
    """All values and keys, whatever their depth."""
    if isinstance(payload, dict):
        return [*payload, *(leaf for value in payload.values() for leaf in leaves(value))]
    if isinstance(payload, list):
        return [leaf for value in payload for leaf in leaves(value)]
    return [payload]


AT = re.compile(r"\w\s?[@＠]\s?\w")


@given(payloads)
def test_pass_r39_no_payload_keeps_a_secret_at_any_depth(payload: Json) -> None:
    written = json.dumps(redact(payload), ensure_ascii=False)
    assert not [secret for secret in WALLETS + EMAILS if secret in written]
    assert not AT.search(written)


@given(payloads)
def test_redacting_keeps_the_shape_and_redacting_twice_changes_nothing(payload: Json) -> None:
    once = redact(payload)
    assert len(leaves(once)) == len(leaves(payload))
    assert redact(once) == once
    untouched = [leaf for leaf in leaves(payload) if not isinstance(leaf, str)]
    assert [leaf for leaf in leaves(once) if not isinstance(leaf, str)] == untouched


ids = st.one_of(
    st.uuids().map(str),
    st.binary(max_size=20).map(lambda content: sha256(content).hexdigest()),
    st.datetimes().map(datetime.isoformat),
    st.integers().map(str),
    st.floats().map(repr),
    st.builds("{}-{}.{}".format, st.sampled_from(["m002", "policy", "reversal"]), st.integers(0), st.integers(0)),
)
plain_words = st.lists(st.text("abcdefghijklmnopqrstuvwxyz,.;:!?()-%'", max_size=30), max_size=12).map(" ".join)


@given(st.dictionaries(plain_words | ids, ids | plain_words | st.integers() | st.floats(allow_nan=False), max_size=6))
def test_pass_r39_ids_numbers_and_plain_words_survive(payload: dict[str, Json]) -> None:
    assert redact(payload) == payload  # type: ignore[arg-type]  # a dict of the same


def test_a_uuid_object_is_not_what_json_holds_but_its_text_survives() -> None:
    text = str(UUID(int=2**127 - 1))
    assert redact([text]) == [text]


def test_a_long_text_takes_no_more_than_its_length() -> None:
    # Quadratic patterns would take hours here.
    for unit in ("a", "aA", "A", "0x", "a.", "bc1", "1aA ", "a @"):
        text = unit * (2_000_000 // len(unit))
        assert len(redact_text(text)) >= len(text)


def test_keys_that_become_one_keep_all_values() -> None:
    payload: Json = {"a@x.com": 1, "b@x.com": 2, "[email]": 3, "c@x.com": 4}
    found = redact(payload)
    assert found == {"[email] 2": 1, "[email] 3": 2, "[email]": 3, "[email] 4": 4}


def test_pass_r39_the_shortest_wallet_is_not_taken_for_a_word() -> None:
    shortest = f"tb1{'q' * 20}"
    assert redact_text(shortest) == "[wallet]"
    assert redact_text("a＠b.example") == "[email]"


@given(st.text(st.sampled_from("tb1cqxyz@＠. 0xXaAbB9{"), max_size=60) | st.text(max_size=60))
def test_what_is_too_short_to_be_looked_at_would_not_have_matched(text: str) -> None:
    slow = text
    for kind, pattern in PATTERNS:
        slow = pattern.sub(MARKS[kind], slow)
    assert redact_text(text) == slow


def test_the_shortest_wallet_is_found_and_nothing_shorter_matches() -> None:
    shortest = "tb1" + "q" * 20
    assert redact_text(shortest) == MARKS["wallet"]
    assert len(shortest) == SHORTEST_WALLET
    assert redact_text(shortest[:-1]) == shortest[:-1]
