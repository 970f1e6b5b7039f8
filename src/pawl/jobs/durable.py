"""The engine of durable work: a thin port over DBOS, which nothing else in Pawl imports.

What is enqueued under a key is enqueued once, runs to its end although processes die, and is tried again with growing
delays when it fails. The engine keeps its own books: `workers.db` beside a ledger on SQLite, a schema of their own in a
ledger on PostgreSQL.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from dbos import error as engine_error

from pawl.jobs.durable_workflow import NO_OBSERVER, Failed, Json, Observer, Workflow, failure_of
from pawl.ledger.backoff import Backoff
from pawl.ledger.database import Ledger
from pawl.ledger.heartbeats import beat, dead_executors, known_executors, lay_down, taking_over

__all__ = ["ENGINE_FILE", "Durable", "EngineSettings", "new_executor_id"]

ENGINE_FILE = "workers.db"
ENGINE_SCHEMA = "pawl_workers"
# Pinned: by default the engine hashes the code, and a new release would leave the work of the old one lying. It changes
# when the steps of a workflow do, so that no workflow is gone on with by steps that are not its own.
STEPS_VERSION = "1"
UNFINISHED = ["ENQUEUED", "PENDING", "DELAYED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """poll_sec: how often queues are asked. dead_after: silence that counts as death. grace: for what runs to end
    when the process stops. backoff: between tries.
    """

    poll_sec: float
    dead_after: timedelta
    grace: timedelta
    backoff: Backoff


def new_executor_id() -> str:
    """A name that no other process has or had: two with one name would take each other's work for their own."""
    return f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}"


class Durable:
    """The engine in this process, from `with` to the end of the block. One at a time."""

    def __init__(
        self,
        ledger: Ledger,
        home: Path,
        workflows: Sequence[Workflow],
        settings: EngineSettings,
        now: Callable[[], datetime],
        observe: Observer = NO_OBSERVER,
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self.workflows = {one.name: one for one in workflows}
        self.executor_id = new_executor_id()
        self._now = now
        self._observe = observe
        self._config = _config(ledger, home, self.executor_id)

    def __enter__(self) -> Self:
        with self.ledger.transaction() as tx:  # before there is anything that another could take over
            beat(tx, self.executor_id, self._now())
        for one in self.workflows.values():
            DBOS.workflow(name=one.name)(self._body(one))
        DBOS(config=self._config)
        DBOS.listen_queues(list(self.workflows))
        DBOS.launch()
        for one in self.workflows.values():
            DBOS.register_queue(
                one.name,
                worker_concurrency=one.concurrency,
                polling_interval_sec=self.settings.poll_sec,
                on_conflict="always_update",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nothing more is taken up; what does not end in time is another's at once.
        grace_sec = int(self.settings.grace.total_seconds())
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=grace_sec)
        with self.ledger.transaction() as tx:
            lay_down(tx, self.executor_id)

    def enqueue(self, workflow: str, key: str, argument: Mapping[str, Json]) -> bool:
        """Enqueue a workflow under a key; True when nothing was enqueued under it before."""
        workflow_id = f"{workflow}:{key}"
        if DBOS.get_workflow_status(workflow_id) is not None:
            return False
        self._observe(f"{workflow}/enqueue/before")
        self._enqueue(workflow, workflow_id, {"key": key, "attempt": 1, "argument": dict(argument)}, timedelta(0))
        self._observe(f"{workflow}/enqueue/recorded")
        return True

    def status(self, workflow: str, key: str) -> str | None:
        """queued, running, done or failed; None for what was never enqueued."""
        found = DBOS.get_workflow_status(f"{workflow}:{key}")
        words = {"ENQUEUED": "queued", "DELAYED": "queued", "PENDING": "running", "SUCCESS": "done"}
        return None if found is None else words.get(found.status, "failed")

    def count_unfinished(self) -> int:
        """Workflows of this process's kinds that have not ended, on whatever process."""
        return len(_listed(status=UNFINISHED, name=list(self.workflows)))

    def beat(self, now: datetime) -> None:
        """Say that this process lives."""
        with self.ledger.transaction() as tx:
            beat(tx, self.executor_id, now)

    def take_over(self, now: datetime) -> int:
        """Let the work of dead processes be gone on with; how many workflows that were.

        A workflow during which too many processes died is not gone on with: it is parked as a dead letter.
        """
        self._lay_down_unknown()
        with self.ledger.reading() as tx:
            dead = dead_executors(tx, now, self.settings.dead_after)
        n_taken = 0
        for executor_id in set(dead) - {self.executor_id}:
            with taking_over(self.ledger, executor_id, now, self.settings.dead_after) as tx:
                left = [] if tx is None else _listed(status="PENDING", executor_id=executor_id)
                for one in left:
                    self._take_over(tx, one, now)
                n_taken += len(left)
        return n_taken

    def _lay_down_unknown(self) -> None:
        # A process that was taken for dead and was not, and took up more before it died, is in no list: it is put there
        # again. Should it live after all, its next heartbeat says so.
        running = {one.executor_id for one in _listed(status="PENDING", load_input=False)} - {None, self.executor_id}
        with self.ledger.reading() as tx:
            unknown = running - set(known_executors(tx))
        for executor_id in sorted(filter(None, unknown)):
            with self.ledger.transaction() as tx:
                lay_down(tx, executor_id)

    def _take_over(self, tx: sa.Connection | None, one: WorkflowStatus, now: datetime) -> None:
        # Resuming sets the engine's own count of attempts to zero, so deaths are counted here.
        n_deaths = int((one.attributes or {}).get("n_deaths", 0)) + 1
        workflow = self.workflows.get(one.name)
        if (
            self.settings.backoff.is_over(n_deaths)
            and workflow is not None
            and one.input is not None
            and tx is not None
        ):
            workflow.give_up(tx, one.input["args"][0]["argument"], DIED, n_deaths, now)
            DBOS.cancel_workflow(one.workflow_id)
            return
        DBOS.update_workflow_attributes(one.workflow_id, {"n_deaths": n_deaths}, merge=True)
        DBOS.resume_workflow(one.workflow_id, queue_name=one.queue_name)
        self._observe("engine/take over/resumed")

    def _enqueue(self, workflow: str, workflow_id: str, call: Mapping[str, Json], delay: timedelta) -> None:
        options: EnqueueOptions = {
            "queue_name": workflow,
            "workflow_name": workflow,
            "workflow_id": workflow_id,
            "app_version": STEPS_VERSION,
        }
        if delay:
            options["delay_seconds"] = delay.total_seconds()
        DBOS.enqueue_workflow_with_options(options, call)

    def _body(self, workflow: Workflow) -> Any:  # noqa: ANN401 - what the engine registers
        def run(call: dict[str, Json]) -> Json:
            try:
                return workflow.run(self._step(workflow), call["argument"])
            except engine_error.DBOSException:  # the engine's own: cancelled, or gone on with elsewhere
                raise
            except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever fails is tried again or parked
                return self._failed(workflow, call, error)

        return run

    def _failed(self, workflow: Workflow, call: Mapping[str, Json], error: Exception) -> Json:
        what, is_final = failure_of(error)
        attempt, backoff = int(call["attempt"]), self.settings.backoff

        def give_up() -> None:
            with self.ledger.transaction() as tx:
                workflow.give_up(tx, call["argument"], what, attempt, self._now())

        if is_final or backoff.is_over(attempt):
            self._step(workflow)("give up", give_up)
        else:
            again, delay = {**call, "attempt": attempt + 1}, backoff.after(attempt, call["key"])
            self._enqueue(workflow.name, f"{workflow.name}:{call['key']}#{attempt + 1}", again, delay)
            self._observe(f"{workflow.name}/again/recorded")
        return {"failed": what, "attempt": attempt}

    def _step(self, workflow: Workflow) -> Any:  # noqa: ANN401 - a Steps
        def step(name: str, act: Any) -> Json:  # noqa: ANN401 - as Steps has it
            where = f"{workflow.name}/{name}"

            def guarded() -> Json:
                self._observe(f"{where}/before")
                try:
                    outcome: Json = {"value": act()}
                except Exception as error:  # noqa: BLE001 - a worker's outer loop: a failure is recorded as any outcome
                    what, is_final = failure_of(error)
                    outcome = {"what": what, "is_final": is_final}
                self._observe(f"{where}/done")
                return outcome

            outcome = DBOS.run_step({"name": name}, guarded)
            self._observe(f"{where}/recorded")
            if "value" not in outcome:
                raise Failed(outcome["what"], is_final=outcome["is_final"])
            return outcome["value"]

        return step


DIED = "its process died each time it was tried"


def _config(ledger: Ledger, home: Path, executor_id: str) -> DBOSConfig:
    url = ledger.engine.url
    if url.get_backend_name() == "sqlite":
        url = sa.URL.create("sqlite", database=str(home / ENGINE_FILE))
    return {
        "name": "pawl",
        "system_database_url": url.render_as_string(hide_password=False),
        "dbos_system_schema": ENGINE_SCHEMA,
        "application_version": STEPS_VERSION,
        "executor_id": executor_id,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "use_listen_notify": False,
        "sys_db_pool_size": 5,
        "notification_listener_polling_interval_sec": 1.0,
        "scheduler_polling_interval_sec": 3600.0,
    }


def _listed(**chosen: Any) -> list[WorkflowStatus]:  # noqa: ANN401 - handed to the engine
    return DBOS.list_workflows(**chosen, app_version=STEPS_VERSION, load_output=False)
