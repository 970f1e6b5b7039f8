"""The bus that the settings ask for."""

from pydantic import SecretStr

from pawl.errors import InputError, SettingsError
from pawl.events.bus import Bus, OnParked
from pawl.events.event_settings import URL_VARIABLE, EventSettings
from pawl.events.in_process_bus import InProcessBus

__all__ = ["open_bus"]


def open_bus(settings: EventSettings, redis_url: SecretStr | None, consumer: str, on_parked: OnParked) -> Bus:
    """redis_url: of the environment. consumer: as `RedisBus` takes it.

    SettingsError for Redis without an address; InputError where its driver is not installed.
    """
    if settings.bus == "in_process":
        return InProcessBus(settings.backoff, on_parked, settings.remembered)
    if redis_url is None:
        raise SettingsError(
            "settings key `events.bus` is redis, and no address is known",
            where="environment",
            fix=f"set {URL_VARIABLE} to redis://:PASSWORD@HOST:6379/0",
        )
    try:
        from pawl.events.redis_bus import RedisBus  # noqa: PLC0415 - its driver is an extra, and 0.2 s to import
    except ModuleNotFoundError as error:
        raise InputError(
            f"no driver for Redis: {error}", where="events", fix="pip install 'pawl-trading[redis]'"
        ) from error
    return RedisBus(redis_url, settings, consumer, on_parked)
