"""A wallet or an e-mail address stands in one table, and nowhere else: no event, no log, no answer."""

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pawl.ledger.metadata import METADATA
from pawl.ledger.personal_tables import personal_data
from serving_world import CONVERT, OPEN, TRACK, World, counts

WALLETS = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL",
)
MAILS = ("ann.lee@example.com", "a+b@mail.example.org", "user_1@host.co")
SECRETS = st.sampled_from(WALLETS + MAILS)
TEXTS = st.builds(
    lambda before, secret, behind: f"{before} {secret} {behind}", st.text(max_size=20), SECRETS, st.text(max_size=20)
)
VALUES = st.one_of(TEXTS, SECRETS, st.floats(allow_nan=True), st.integers(), st.lists(TEXTS, max_size=2), st.none())
FIELDS = ("ticker", "rationale", "direction", "inference_id", "occurred_at", "side", "note", "confidence", "version")


def _everything(world: World) -> str:
    """Every value of every table but the one, as text."""
    with world.ledger.reading() as tx:
        tables = [table for table in METADATA.sorted_tables if table is not personal_data]
        # A row shortens what it shows; a tuple does not.
        return "\n".join(str(tuple(row)) for table in tables for row in tx.execute(sa.select(table)).all())


def _is_clean(text: str) -> bool:
    return not any(secret.lower() in text.lower() for secret in WALLETS + MAILS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["track", "open", "close", "convert"]),
    changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    wallet=st.none() | st.sampled_from(WALLETS),
    email=st.none() | st.sampled_from(MAILS),
    key=SECRETS,
)
def test_pass_r39_no_wallet_or_mail_leaves_the_one_table(
    small_world: World, caplog: pytest.LogCaptureFixture, path: str, changes: dict[str, Any], wallet: str | None,
    email: str | None, key: str,
) -> None:  # fmt: skip
    """PASS-R39, through HTTP: whatever field of whatever request they stand in."""
    caplog.set_level(logging.DEBUG, logger="pawl.access")
    base: dict[str, tuple[str, dict[str, Any]]] = {
        "track": ("/api/signals/track", TRACK),
        "open": ("/api/quick-trades/open", OPEN),
        "close": ("/api/quick-trades/{}/close", {"exit_price": 101.0}),
        "convert": ("/api/signals/{}/convert", CONVERT),
    }
    route, body = base[path]
    if "{}" in route:
        route = route.format(small_world.opened() if path == "close" else small_world.tracked())
    personal = {name: value for name, value in (("wallet", wallet), ("email", email)) if value}
    answer = small_world.text(route, json.dumps({**body, **personal, **changes}), key=key)
    assert answer.status_code < 500, answer.text
    assert _is_clean(answer.text)
    assert _is_clean(_everything(small_world))
    assert _is_clean(caplog.text)
    if answer.status_code == 201 and personal:
        (row,) = small_world.rows(personal_data, user_id=small_world.user_id("ann"))
        assert (row.wallet or "").lower() == (wallet or row.wallet or "").lower()


@pytest.mark.parametrize("secret", WALLETS + MAILS)
def test_pass_r39_an_action_that_is_taken_leaves_its_person_in_the_one_table(small_world: World, secret: str) -> None:
    """PASS-R39, actions that succeed: in the field that is meant for it, and in the text that is free."""
    person = {"email" if "@" in secret else "wallet": secret}
    said = {"rationale": f"ask {secret}, he knows"}
    answers = [
        small_world.post("/api/signals/track", {**TRACK, **person, **said}, key=secret),
        small_world.post("/api/quick-trades/open", {**OPEN, **person, "recommendation": {"direction": "long", **said}}),
    ]
    signal, trade = answers[0].json()["signal_id"], answers[1].json()["trade_id"]
    answers.append(small_world.post(f"/api/signals/{signal}/convert", {**CONVERT, **person}, key=secret))
    answers.append(small_world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 101.0, **person}, key=secret))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert _is_clean("".join(answer.text + str(answer.headers) for answer in answers))
    assert _is_clean(_everything(small_world))
    (row,) = small_world.rows(personal_data)
    assert secret.lower() in (str(row.wallet).lower(), row.email)


def test_pass_r39_a_path_with_a_mail_in_it_is_not_logged(small_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """PASS-R39, the log: it names routes, no paths and no queries."""
    caplog.set_level(logging.INFO, logger="pawl.access")
    small_world.post("/api/quick-trades/ann.lee@example.com/close?to=ann.lee@example.com", {"exit_price": 1.0})
    small_world.post("/ann.lee@example.com", {})
    lines = [json.loads(record.message) for record in caplog.records if record.name == "pawl.access"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/api/quick-trades/{trade_id}/close", 422),
        (None, 404),
    ]
    assert _is_clean(caplog.text)


def test_another_users_wallet_is_refused_before_anything_is_written(world: World) -> None:
    first = world.post("/api/quick-trades/open", {**OPEN, "wallet": WALLETS[0], "email": MAILS[0]})
    assert first.status_code == 201
    before = counts(world.ledger)
    for stolen in ({"wallet": WALLETS[0].lower()}, {"email": MAILS[0].upper()}):
        refused = world.post("/api/quick-trades/open", {**OPEN, **stolen}, user="bob")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "identity_taken")
        assert _is_clean(refused.text)
    assert counts(world.ledger) == before


def test_the_one_table_knows_the_person_before_the_event_is_written(world: World) -> None:
    world.post("/api/quick-trades/open", {**OPEN, "wallet": WALLETS[0]})
    world.post("/api/quick-trades/open", {**OPEN, "email": MAILS[0]})
    (row,) = world.rows(personal_data)
    assert (row.user_id, row.wallet, row.email) == (world.user_id("ann"), WALLETS[0].lower(), MAILS[0])
    assert _is_clean(_everything(world))
