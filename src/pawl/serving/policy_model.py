"""Asks a model that serves elsewhere; whatever becomes of it, there is an answer: no side, or no report.

The policy model answers with the plan of `policy/plan.py` as its body, the analyst with {"report": text}.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from pawl.policy.plan import NEUTRAL, PlanReading, read_plan

__all__ = ["AnalystAnswer", "ModelPort", "PolicyAnswer", "ask_analyst", "ask_policy"]

MAX_ANSWER_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPort:
    """Where a model serves. timeout_sec: for the whole of an answer, however slowly it drips."""

    client: httpx.AsyncClient
    url: str
    timeout_sec: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """A plan to act on. outage: why none came; None where one did. An answer that broke the contract is counted as a
    breach (`reading.is_invalid_output`), a model that could not be asked is not: it said nothing.
    """

    reading: PlanReading
    outage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalystAnswer:
    """A report; None is "no report", and outage says why."""

    report: str | None
    outage: str | None = None


class _OutageError(Exception):
    """A model that did not answer."""


async def ask_policy(port: ModelPort, prompt: Mapping[str, object]) -> PolicyAnswer:
    """The plan for a prompt: NEUTRAL where the model cannot be reached, is too slow, fails, or breaks the contract."""
    try:
        text = await _ask(port, prompt)
    except _OutageError as error:
        return PolicyAnswer(reading=PlanReading(NEUTRAL), outage=str(error))
    return PolicyAnswer(reading=read_plan(text))


async def ask_analyst(port: ModelPort, prompt: Mapping[str, object]) -> AnalystAnswer:
    """The report for a prompt: none where the model cannot be reached, is too slow, fails, or says no report."""
    try:
        answer = json.loads(await _ask(port, prompt))
    except _OutageError as error:
        return AnalystAnswer(report=None, outage=str(error))
    except (ValueError, RecursionError):
        return AnalystAnswer(report=None, outage="its answer is not JSON")
    report = answer.get("report") if isinstance(answer, dict) else None
    if not isinstance(report, str) or not report.strip():
        return AnalystAnswer(report=None, outage="its answer holds no report")
    return AnalystAnswer(report=report)


async def _ask(port: ModelPort, prompt: Mapping[str, object]) -> str:
    try:
        # httpx's own time-outs are for each read: an answer that drips would hold us for ever.
        async with asyncio.timeout(port.timeout_sec):
            return await _body(port, prompt)
    except TimeoutError:
        raise _OutageError(f"no answer within {port.timeout_sec:g} s") from None
    except httpx.HTTPError as error:
        raise _OutageError(f"cannot be asked: {type(error).__name__}") from error


async def _body(port: ModelPort, prompt: Mapping[str, object]) -> str:
    body = bytearray()
    async with port.client.stream("POST", port.url, json=dict(prompt), timeout=port.timeout_sec) as answer:
        if answer.status_code != httpx.codes.OK:
            raise _OutageError(f"answers with status {answer.status_code}")
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise _OutageError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
    return body.decode("utf-8", "replace")
