"""One GET request, with every way it can go wrong sorted into "ask again" and "do not"."""

from http import HTTPStatus

import httpx

from pawl.errors import SourceError
from pawl.lake.source import BusySourceError

__all__ = ["get", "retry_after_sec"]


def get(client: httpx.Client, url: str) -> bytes | None:
    """The body of a URL; None where there is nothing (404).

    BusySourceError for a time-out, a lost connection, a body cut short, 429 and 5xx; SourceError for another refusal.
    """
    try:
        answer = client.get(url)
    except httpx.HTTPError as error:
        raise BusySourceError(
            f"no whole answer: {error or type(error).__name__}", where=url, fix="try again later"
        ) from error
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT) or answer.is_server_error:
        busy = BusySourceError(f"HTTP {answer.status_code}", where=url, fix="try again later")
        busy.retry_after_sec = retry_after_sec(answer.headers.get("Retry-After"))
        raise busy
    if not answer.is_success:
        raise SourceError(f"HTTP {answer.status_code}", where=url, fix="check the ticker, or try another source")
    return answer.content


def retry_after_sec(header: str | None) -> float | None:
    """Seconds from a Retry-After header; None where it is absent or a date, which our own back-off then replaces.

    >>> retry_after_sec("2"), retry_after_sec("Wed, 21 Oct 2015 07:28:00 GMT")
    (2.0, None)
    """
    return float(header) if header and header.strip().isdecimal() else None
