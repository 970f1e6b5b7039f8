"""One address of a person, or of a room of them, behind Apprise: Discord and whatever else it speaks."""

import logging
import warnings
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from pawl.errors import InputError, SettingsError
from pawl.events.notice import Notice
from pawl.events.notice_settings import NoticeKind

if TYPE_CHECKING:
    from apprise import Apprise, NotifyBase

__all__ = ["AppriseSender"]

LEVELS: dict[NoticeKind, Literal["info", "success", "warning", "failure"]] = {
    "signal": "info",
    "training_done": "success",
    "training_failed": "failure",
    "promotion": "success",
    "rollback": "warning",
    "data_anomaly": "warning",
    "performance_drop": "warning",
    "monthly_report": "info",
    "pause": "warning",
}


class AppriseSender:
    """Sends to one address, and waits for its answer. name: for logs and errors, which never see the address.

    SettingsError for an address that Apprise does not know; InputError where Apprise is not installed.
    """

    def __init__(self, url: SecretStr, name: str, timeout_sec: float) -> None:
        self.name = name
        self._apprise = _opened(url, name, timeout_sec)

    def send(self, notice: Notice, remark: str = "") -> bool:
        """Whether the address took it. remark: a line behind the text. Attachments that are gone are named instead."""
        there = [path for path in notice.attachments if path.is_file()]
        gone = [f"(the file {path.name} is gone)" for path in notice.attachments if path not in there]
        body = "\n".join(part for part in (notice.body, *gone, remark) if part)
        sent = self._apprise.notify(
            title=notice.title if body else "",
            body=body or notice.title,  # Apprise sends no title alone
            notify_type=LEVELS[notice.kind],
            body_format="markdown",
            attach=[str(path) for path in there] or None,
        )
        return bool(sent)


def _opened(url: SecretStr, name: str, timeout_sec: float) -> "Apprise":
    try:
        from apprise import Apprise, AppriseAsset, OverflowMode  # noqa: PLC0415 - an extra, and 0.3 s to import
    except ModuleNotFoundError as error:
        raise InputError(
            f"no way to send notices: {error}", where="notices", fix="pip install 'pawl-trading[notices]'"
        ) from error
    _silence()
    asset = AppriseAsset(app_id="Pawl", app_desc="", app_url="", async_mode=False, service_timeout=0)
    asset.image_url_mask = ""  # else every message shows Apprise's own picture
    with warnings.catch_warnings():  # it imports a module that Python has announced the end of
        warnings.simplefilter("ignore", DeprecationWarning)
        service: NotifyBase | None = Apprise.instantiate(url.get_secret_value(), asset=asset)
    if service is None:
        raise SettingsError(
            f"notice channel {name}: an address that Apprise does not know",
            where="environment",
            fix="as discord://WEBHOOK_ID/WEBHOOK_TOKEN, or https://discord.com/api/webhooks/ID/TOKEN",
        )
    service.socket_connect_timeout = service.socket_read_timeout = timeout_sec
    service.overflow_mode = OverflowMode.SPLIT  # Discord refuses a text of more than 2,000 characters
    opened = Apprise(asset=asset)
    opened.add(service)
    return opened


class _Nothing(logging.Filter):
    def filter(self, _: logging.LogRecord) -> bool:
        """Nothing passes."""
        return False


NOTHING = _Nothing()


def _silence() -> None:
    # Both write whole addresses into their logs, with the secrets inside; what went wrong, our own log says.
    logging.getLogger("apprise").addFilter(NOTHING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)
