"""What a real Redis says of its file: that it is behind, that there is none, or nothing at all."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ResponseError

from loop_events import bars, event
from pawl.errors import StorageError
from pawl.events.attempt import failure_of
from pawl.events.redis_journal import RedisJournal, read_journal
from redis_server import RedisServer
from redis_world import Corner, until


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[Any]:
    with Redis.from_url(own_redis.url.get_secret_value(), decode_responses=True) as made:
        yield made


def journal(client: Any) -> RedisJournal:
    known = read_journal(client)
    assert known is not None
    return known


def test_every_life_of_a_redis_has_a_name_of_its_own(own_redis: RedisServer, client: Any) -> None:
    before = journal(client)
    client.set("a", "b")
    until(lambda: journal(client) == before)
    own_redis.stop()
    own_redis.start()
    assert journal(client).run != before.run
    assert journal(client).is_kept


def test_a_redis_that_answers_ahead_of_its_file_says_so(redis_on_a_slow_disk: RedisServer) -> None:
    with Redis.from_url(redis_on_a_slow_disk.url.get_secret_value(), decode_responses=True) as client:

        def is_behind() -> bool:
            client.set("a", "b")
            return not journal(client).is_written

        until(is_behind)
        until(lambda: journal(client).is_written)


def test_a_redis_without_a_file_has_nothing_to_write(own_redis: RedisServer, client: Any) -> None:
    client.config_set("appendonly", "no")
    client.set("a", "b")
    assert journal(client) == RedisJournal(run=client.info("server")["run_id"], is_kept=False, is_written=True)


def test_where_a_redis_says_nothing_of_itself_its_answer_has_to_do(own_redis: RedisServer, client: Any) -> None:
    client.acl_setuser("guest", enabled=True, passwords=["+word"], categories=["+@all"], keys=["*"], channels=["*"],
                       commands=["-info"])  # fmt: skip
    guest = SecretStr(f"redis://guest:word@127.0.0.1:{own_redis.port}/0")
    with Redis.from_url(guest.get_secret_value()) as asking:
        assert read_journal(asking) is None
    with Corner(guest, "pawl:").bus() as bus:
        told = event(bars(1))
        bus.publish([told])
        assert bus.settled([told.event_id]) == {told.event_id}
    assert client.xlen("pawl:new_market_data") == 1


def test_a_redis_that_answers_nobody_for_a_while_is_not_taken_for_one_that_never_does(
    own_redis: RedisServer, client: Any
) -> None:
    client.config_set("busy-reply-threshold", 1)
    told = event(bars(1))

    def is_busy() -> bool:
        try:
            return not client.ping()
        except ResponseError:
            return True

    with Corner(own_redis.url, "pawl:").bus() as bus:
        bus.publish([told])
        asked = threading.Thread(target=failure_of, args=(lambda: client.eval("while true do end", 0), "a script"))
        asked.start()
        until(is_busy)
        with pytest.raises(StorageError, match="BUSY"):
            bus.settled([told.event_id])
        client.script_kill()
        asked.join()
        until(lambda: bus.settled([told.event_id]) == {told.event_id})


class Terse:
    """Another company's server, which knows the question and leaves out what Redis says."""

    def __init__(self, *said: dict[str, Any]) -> None:
        self._said = list(said)

    def pipeline(self, **_: Any) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def info(self, _: str) -> None:
        pass

    def execute(self) -> list[dict[str, Any]]:
        return self._said


@pytest.mark.parametrize("said", [({"run_id": "a"}, {"loading": 0}), ({"arch_bits": 64}, {"aof_enabled": 0})])
def test_a_server_that_leaves_out_what_redis_says_is_taken_at_its_word(said: tuple[dict[str, Any], ...]) -> None:
    asking: Any = Terse(*said)
    assert read_journal(asking) is None
