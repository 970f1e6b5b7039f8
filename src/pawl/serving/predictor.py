"""Answers a question: chooses the version, asks it, and files the inference before anybody hears of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pawl.errors import InputError, NotFoundError, StorageError
from pawl.ids import ModelVersion
from pawl.jobs.live.routing_now import Deciders, deciders
from pawl.learners.learner import LearnerSpec
from pawl.learners.said import Said, said_at_close
from pawl.ledger.chain import canonical_text
from pawl.ledger.column_types import require_storable
from pawl.ledger.database import Ledger
from pawl.ledger.identity import timed_identity
from pawl.ledger.inference_writer import Entry, Filed, InferenceWriter
from pawl.ledger.inferences import Inference
from pawl.ledger.traffic import Arm, TrafficMark, traffic_mark
from pawl.ledger.version_number import VersionNumber
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar
from pawl.serving.filing_desk import FilingDesk
from pawl.serving.model_shelf import ModelShelf, Shelved
from pawl.serving.prediction_bodies import PredictBody, PredictionAnswer
from pawl.serving.problems import NoActiveVersionError
from pawl.serving.questions import Question, of_bars, of_features
from pawl.serving.service import Clocks

__all__ = ["Predictor"]

ATTEMPTS = 5
"""How often the traffic may change under one request before it is given up: each change is somebody's decision."""

MOST_TICKERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Who decides, and the test that drew it. mark: the state of the traffic that says so; None where the caller named
    the version.
    """

    version: ModelVersion
    ab_test_id: UUID | None = None
    mark: TrafficMark | None = None
    arm: Arm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Who asked which learner, when, and how long the answer took."""

    user_id: UUID
    learner: str
    at: datetime
    took_sec: float


class Predictor:
    """Predictions of every version that the registry holds. writer is its caller's to close.

    The routing of a learner is that of its live loop, and is remembered; the transaction that files an inference asks
    whether it still holds, so a move of the alias, or of a share, counts from the next answer on, in every process.
    """

    def __init__(self, ledger: Ledger, shelf: ModelShelf, writer: InferenceWriter, clocks: Clocks) -> None:
        self.ledger = ledger
        self.shelf = shelf
        self.desk = FilingDesk(writer)
        self.clocks = clocks
        self._routing: dict[str, tuple[Deciders, TrafficMark]] = {}
        self._calendars: dict[tuple[str, Timeframe], Calendar | None] = {}

    async def answer(self, body: PredictBody, user_id: UUID) -> PredictionAnswer:
        """What the version that decides says of the last bar that had closed, once that stands in the ledger.

        NotFoundError for an unknown version or learner; NoActiveVersionError where none serves; InputError, or
        TooLittleDataError, where nothing can be said. Then nothing was written.
        """
        now, began = self.clocks.now(), self.clocks.monotonic()
        version = _named(body)
        learner = version.learner if version else body.learner
        question = await self._question(body, self.shelf.learner(learner).spec, now)
        for _ in range(ATTEMPTS):
            chosen = await self._chosen(question, learner, version, user_id)
            said = await self._said(chosen.version, question)
            asked = _Asked(user_id=user_id, learner=learner, at=now, took_sec=self.clocks.monotonic() - began)
            inference = _inference(asked, question, said, chosen)
            entry = Entry(inference=inference, routed_by=chosen.mark, arm=chosen.arm)
            if await self.desk.file(entry) is not Filed.OUTDATED:
                return _answer(inference, said, chosen, question)
            self._routing.clear()
        raise StorageError("the versions that serve change all the time", where="prediction", fix="ask again")

    async def _question(self, body: PredictBody, spec: LearnerSpec, now: datetime) -> Question:
        place = (body.name, spec.timeframe)
        if place not in self._calendars:
            if len(self._calendars) >= MOST_TICKERS:
                self._calendars.clear()
            booked = await asyncio.to_thread(self.shelf.workspace.silver.calendars, spec.timeframe)
            self._calendars[place] = booked[body.name].calendar if body.name in booked else None
        if body.features is not None:
            return of_features(body, spec, now, self._calendars[place])
        return await asyncio.to_thread(of_bars, body, spec, now, self._calendars[place])

    async def _chosen(self, question: Question, learner: str, version: VersionNumber | None, user_id: UUID) -> _Chosen:
        if version is not None:
            return _Chosen(version=version.version)
        if learner not in self._routing:
            self._routing[learner] = await asyncio.to_thread(self._read_routing, learner)
        routing, mark = self._routing[learner]
        decider = routing.of(question.ticker, str(question.timeframe), question.bar_timestamp, user=str(user_id))
        arm: Arm | None = None
        if decider.ab_test_id is not None:
            assert routing.test is not None
            arm = (decider.ab_test_id, "a" if decider.acting == routing.test.model_a else "b")
        return _Chosen(version=decider.acting, ab_test_id=decider.ab_test_id, mark=mark, arm=arm)

    def _read_routing(self, learner: str) -> tuple[Deciders, TrafficMark]:
        with self.ledger.reading() as tx:
            try:
                # Remembered only where it leads to an inference: whose transaction then tells that it no longer holds.
                return deciders(tx, learner), traffic_mark(tx)
            except NotFoundError as error:
                raise NoActiveVersionError.of(learner) from error

    async def _said(self, version: ModelVersion, question: Question) -> Said:
        shelved = self.shelf.find(version)
        if shelved is None:
            shelved = await asyncio.to_thread(self.shelf.fetch, version)
        if question.rows is None:
            return await asyncio.to_thread(_said_of_bars, shelved, question)
        if len(question.rows) == 1:  # shorter than the way to another thread
            return shelved.say(question.rows)
        return await asyncio.to_thread(shelved.say, question.rows)


def _named(body: PredictBody) -> VersionNumber | None:
    """The version that was asked for; InputError for one of another learner than was named beside it."""
    if body.version is None:
        return None
    version = VersionNumber.parse_short(body.version, body.learner)
    if "learner" in body.model_fields_set and body.learner != version.learner:
        raise InputError(
            f"`{version}` is no version of `{body.learner}`", where="body.version", fix="name one of its versions"
        )
    return version


def _said_of_bars(shelved: Shelved, question: Question) -> Said:
    assert question.bars is not None
    return said_at_close(shelved.learner, shelved.model, question.bars, question.bar_timestamp)


def _inference(asked: _Asked, question: Question, said: Said, chosen: _Chosen) -> Inference:
    """Named by all that it follows from: the same request again is the same inference."""
    response = canonical_text(
        {
            "signal": said.signal,
            "action": said.action,
            "confidence": said.confidence,
            "reason": said.reason,
            "ab_test_id": None if chosen.ab_test_id is None else str(chosen.ab_test_id),
        }
    )
    require_storable(response)
    inference_id = timed_identity(
        question.bar_timestamp, "inference", asked.user_id, chosen.version, question.prompt_hash
    )
    return Inference(
        inference_id=inference_id,
        trace_id=f"p/{inference_id}",
        model_version=chosen.version,
        learner=asked.learner,
        prompt_hash=question.prompt_hash,
        prompt_payload=question.prompt,
        response_payload=response,
        created_at=asked.at,
        latency_ms=round(asked.took_sec * 1000),
        user_id=asked.user_id,
    )


def _answer(inference: Inference, said: Said, chosen: _Chosen, question: Question) -> PredictionAnswer:
    return PredictionAnswer(
        signal=said.signal,
        confidence=said.confidence,
        model_version=chosen.version,
        inference_id=inference.inference_id,
        trace_id=inference.trace_id,
        ab_test_id=chosen.ab_test_id,
        bar_timestamp=question.bar_timestamp,
    )
