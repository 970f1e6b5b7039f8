"""A simulated user: the same requests from the same seed, in an order the service can take."""

from pawl.jobs.crowd_market import crowd_market, standing_calls
from pawl.jobs.crowd_user import Request, new_user, user_id_of

SEED = 7
MARKET = crowd_market(6, SEED)


def lived(number: int, seed: int = SEED) -> list[Request]:
    user, requests, standing = new_user(seed, number), [], []
    for slot in range(MARKET.n_slots):
        made = MARKET.new_calls(slot)
        standing = standing if made is None else standing_calls(seed, made)
        requests += user.act(MARKET.moments(slot), standing)
    return requests


def test_one_seed_gives_one_life_and_another_another() -> None:
    assert lived(0) == lived(0)
    assert lived(0) != lived(0, seed=8)
    assert lived(0) != lived(8)
    assert user_id_of(7, 0) != user_id_of(8, 0)


def test_what_a_request_is_about_was_made_before_and_ends_once() -> None:
    for number in range(8):
        made: set[str] = set()
        ended: set[str] = set()
        for request in lived(number):
            if request.kind in ("convert", "close"):
                assert request.of in made - ended
                ended.add(request.of)
            made.add(request.name)
        assert len(made) > 5


def test_the_first_request_says_who_a_user_is_and_no_other_does() -> None:
    first, *others = lived(1)
    user = new_user(SEED, 1)
    assert (first.body["wallet"], first.body["email"]) == (user.wallet, user.email)
    assert not any("wallet" in request.body or "email" in request.body for request in others)
