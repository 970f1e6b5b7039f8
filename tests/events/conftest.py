"""A Redis and a Discord for the tests of this room."""

from event_fixtures import corner, discord, own_redis, redis, redis_on_a_slow_disk, redis_url

__all__ = ["corner", "discord", "own_redis", "redis", "redis_on_a_slow_disk", "redis_url"]
