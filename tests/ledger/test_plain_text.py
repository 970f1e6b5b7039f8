"""What is called plain is what neither redaction nor the columns would object to, whatever the text."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.ledger.column_types import canonical_json, require_storable
from pawl.ledger.plain_text import is_plain
from pawl.ledger.redaction import redact
from pawl.ledger.write_rules import prepare
from user_commands import close_trade, open_trade, track_signal, trade_of

DIGEST = sha256(b"rationale").hexdigest()
ODD = [
    "ann@example.com", "ann＠example.com", "0x52908400098527886E0F7030069857D2E4169EE7",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "tb1" + "q" * 20, "a\nbc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "nul\x00", "0x" + "a" * 62, DIGEST, DIGEST[:40],
    "1" * 64, "Ω", "\u017f" * 30,
]  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
)
values = st.recursive(
    leaves | st.sampled_from(ODD) | st.text("0123456789abcdefxXbct1qZ@. ", max_size=70),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ODD) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values)
def test_what_is_plain_needs_no_closer_look(value: Any) -> None:
    text = canonical_json(value)
    if is_plain(text):
        require_storable(text)
        assert redact(value) == value


@pytest.mark.parametrize("value", [*ODD[:8], 10**16, 10**63, -(10**63), ODD[11], ODD[12]])
def test_what_may_need_a_closer_look_is_not_called_plain(value: object) -> None:
    assert not is_plain(json.dumps({"k": value}, ensure_ascii=False))


def test_digests_are_plain_and_so_are_the_events_of_every_day() -> None:
    assert is_plain(json.dumps({"hash": DIGEST, "n": 123456789012345}))
    commands = [track_signal("s"), open_trade("o"), close_trade("x", trade_of("o"), track_signal("s").occurred_at)]
    assert all(is_plain(prepare(one).payload) for one in commands)
