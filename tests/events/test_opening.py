"""The bus that the settings ask for."""

import sys

import pytest
from pydantic import SecretStr

from pawl.errors import InputError, SettingsError
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.events.opening import open_bus
from pawl.events.redis_bus import RedisBus

REDIS = EventSettings(bus="redis")


def test_without_settings_it_is_the_one_of_one_process() -> None:
    bus = open_bus(EventSettings(), None, "one", lambda _: None)
    assert isinstance(bus, InProcessBus)
    bus.close()


def test_redis_is_opened_where_the_environment_says() -> None:
    bus = open_bus(REDIS, SecretStr("redis://127.0.0.1:1/0"), "one", lambda _: None)
    assert isinstance(bus, RedisBus)
    bus.close()


def test_redis_without_an_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="PAWL_REDIS_URL"):
        open_bus(REDIS, None, "one", lambda _: None)


def test_without_its_driver_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pawl.events.redis_bus")
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(InputError, match=r"pawl-trading\[redis\]"):
        open_bus(REDIS, SecretStr("redis://127.0.0.1:1/0"), "one", lambda _: None)
