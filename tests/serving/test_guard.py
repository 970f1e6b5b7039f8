"""Who may ask, and how often."""

import pytest

from pawl.ledger.database import Ledger
from pawl.ledger.tokens import create_token, revoke_token
from serving_world import NOW, OPEN, TRACK, World, counts

PATHS = {
    "/api/signals/track": TRACK,
    "/api/quick-trades/open": OPEN,
    "/api/quick-trades/7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11/close": {"exit_price": 1.0},
    "/api/signals/7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11/convert": OPEN,
}


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer pawl_nobody", "Basic pawl_ann", "pawl_ann", "Bearer  pawl_ann",
     "Bearer " + "x" * 10_000, "Bearer pawl_ann\u00e9", "Bearer ' OR 1=1 --"],
)  # fmt: skip
def test_pass_r41_without_a_token_that_holds_every_path_is_shut(small_world: World, header: str | None) -> None:
    """PASS-R41, who asks: no token, no row; the same words for none, a wrong and a malformed one."""
    before = counts(small_world.ledger)
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answers = [small_world.ask("POST", path, json=body, user=None, headers=headers) for path, body in PATHS.items()]
    # Before the body is looked at: nobody learns what would have been taken.
    answers.append(small_world.ask("POST", "/api/signals/track", content=b"{", user=None, headers=headers))
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert len({answer.text for answer in answers}) == 1
    assert counts(small_world.ledger) == before


def test_the_scheme_is_read_in_either_case(small_world: World) -> None:
    assert (
        small_world.post("/api/signals/track", TRACK, headers={"Authorization": "bEARER pawl_ann"}).status_code == 201
    )


def test_a_revoked_token_is_refused_within_the_time_that_is_promised(world: World) -> None:
    assert world.post("/api/signals/track", TRACK).status_code == 201
    with world.ledger.transaction() as tx:
        revoke_token(tx, "ann", NOW)
    world.clock_sec += world.service.settings.token_cache_sec
    assert world.post("/api/signals/track", TRACK).status_code == 401
    assert world.post("/api/signals/track", TRACK, user="bob").status_code == 201


def test_a_new_token_holds_at_once(world: World) -> None:
    assert world.post("/api/signals/track", TRACK, user="eve").status_code == 401
    with world.ledger.transaction() as tx:
        create_token(tx, "pawl_eve", world.user_id("ann"), "eve", NOW)
    assert world.post("/api/signals/track", TRACK, user="eve").status_code == 201


def test_a_token_that_asks_too_often_waits_and_others_do_not(sqlite_ledger: Ledger) -> None:
    with World(sqlite_ledger, requests_per_sec=0.5, burst=3) as world:
        assert [world.post("/api/signals/track", TRACK).status_code for _ in range(4)] == [201, 201, 201, 429]
        before = counts(world.ledger)
        refused = world.post("/api/signals/track", TRACK)
        assert refused.json()["error"]["code"] == "rate_limited"
        assert refused.headers["Retry-After"] == "2"
        assert counts(world.ledger) == before
        assert world.post("/api/signals/track", TRACK, user="bob").status_code == 201
        world.clock_sec += 2
        assert [world.post("/api/signals/track", TRACK).status_code for _ in range(2)] == [201, 429]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml", "json"])
def test_a_body_that_is_not_said_to_be_json_is_refused(small_world: World, kind: str) -> None:
    before = counts(small_world.ledger)
    answer = small_world.ask("POST", "/api/signals/track", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert counts(small_world.ledger) == before
