"""The settings of a server reach the parts they are about."""

from pawl.ledger.database import Ledger
from serving_world import World


def test_the_parts_follow_the_settings(sqlite_ledger: Ledger) -> None:
    with World(sqlite_ledger, requests_per_sec=3.0, burst=7, token_cache_sec=1.5) as world:
        service = world.service
        assert (service.limit.per_sec, service.limit.burst, service.tokens.remember_sec) == (3.0, 7, 1.5)
        assert service.tokens.ledger is service.inferred.ledger is sqlite_ledger
        assert service.now() == world.at
