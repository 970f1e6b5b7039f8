"""A small crowd through the real service: every layer, every lineage, and the weaknesses that were planted in it."""

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

import httpx
import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from decision_events import told_rows
from pawl.datasets.lake_feed import lake_gaps
from pawl.datasets.own_samples import OwnSamples
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.datasets.versions import BuiltDataset, verify_dataset
from pawl.errors import RefusalError
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.jobs.crowd_market import CROWD_START
from pawl.jobs.crowd_user import new_user, user_id_of
from pawl.jobs.explaining_decision import explain_decision
from pawl.jobs.learning_status import PassportRules
from pawl.lake.event_lake import EventLake
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.metadata import METADATA
from pawl.ledger.personal_tables import personal_data
from pawl.ledger.service_tables import api_tokens
from pawl.ledger.tokens import create_token
from pawl.ledger.trade_tables import quick_trades, tracked_signals
from pawl.policy.personas import PERSONAS, persona_of
from pawl.serving.app import create_app
from pawl.serving.crowd_service import CrowdOrder, CrowdReport, simulate_users
from pawl.serving.market_view import NoMarket
from pawl.serving.passport_routes import LEARNING, passport_of
from pawl.serving.server_settings import ServerSettings
from pawl.serving.service import Clocks, service_of
from tampering import tamper

SEED, DAYS, USERS = 7, 40, 10
RULES = PassportRules(behaviour=BehaviourSettings(), passport=PassportSettings())
NOW = CROWD_START + timedelta(days=DAYS)
T, E = decision_trajectories.c, event_outbox.c
OVER_LEVERAGER = user_id_of(SEED, 3)
PERSONAL = re.compile(r"0x[0-9a-fA-F]{40}|[\w.+-]+@[\w-]+\.[a-z]+|\bbc1[a-z0-9]{39}\b")
UUIDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class Simulated:
    """A crowd that has lived."""

    ledger: Ledger
    home: Path
    report: CrowdReport


def order(days: int, users: int, seed: int = SEED) -> CrowdOrder:
    return CrowdOrder(days=days, users=users, seed=seed, server=ServerSettings(), rules=RULES, code="test")


def simulated(ledger: Ledger, home: Path, days: int, users: int) -> CrowdReport:
    return simulate_users(ledger, home, order(days, users), lambda stage, fraction: None)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """Ten users, one of each persona and two disciplined ones more, for forty days; no test changes it."""
    home = tmp_path_factory.mktemp("crowd")
    ledger = Ledger.open(home)
    yield Simulated(ledger, home, simulated(ledger, home, DAYS, USERS))
    ledger.close()


def test_every_layer_is_filled(crowd: Simulated) -> None:
    layers, lived = crowd.report.layers, crowd.report.lived
    assert layers.n_events == lived.n_requests
    assert layers.n_trajectories == lived.n_by_kind["open"] + lived.n_by_kind["track"]
    assert sum(layers.labels.values()) == layers.n_trajectories
    assert set(layers.labels) == {"pending", "good", "bad", "ambiguous"}
    assert all(layers.n_samples(name) > 0 for name in ("pretrain", "sft", "orpo"))


@pytest.mark.parametrize("number", range(USERS))
def test_the_planted_weakness_is_found_and_no_other(crowd: Simulated, number: int) -> None:
    found = {one.persona: one for one in crowd.report.findings}[persona_of(number).name]
    expected = {} if found.weakness is None else {found.weakness: found.n_users}
    assert found.n_shown == expected


def test_the_users_are_who_they_are_meant_to_be(crowd: Simulated) -> None:
    assert Counter(persona_of(number).name for number in range(USERS)) == {
        name: 3 if name == "disciplined" else 1 for name in PERSONAS
    }


def test_pass_r3_every_trajectory_leads_to_its_trace_source_and_inference(crowd: Simulated) -> None:
    with crowd.ledger.reading() as tx:
        rows = tx.execute(sa.select(T.trace_id, T.source_event_id, T.inference_id, T.user_id)).all()
        events = {tuple(row) for row in tx.execute(sa.select(E.trace_id, E.source_event_id, E.user_id))}
        inferences = set(tx.execute(sa.select(inference_logs.c.inference_id)).scalars())
        sources = {
            *tx.execute(sa.select(quick_trades.c.trade_id)).scalars(),
            *tx.execute(sa.select(tracked_signals.c.signal_id)).scalars(),
        }
    assert {(row.trace_id, row.source_event_id, row.user_id) for row in rows} <= events
    assert {row.source_event_id for row in rows} <= sources
    assert {row.inference_id for row in rows} - {None} <= inferences
    assert 0 < sum(row.inference_id is None for row in rows) < len(rows)


def test_every_decision_is_explained_to_the_byte(crowd: Simulated) -> None:
    with crowd.ledger.reading() as tx:
        traces = list(tx.execute(sa.select(T.trace_id).order_by(T.trace_id)).scalars())
        held: Counter[str] = Counter()
        for trace in traces[::7]:
            found = explain_decision(tx, crowd.home, trace, RULES.passport)
            assert found.is_identical
            assert found.is_folded
            held.update(one.dataset_type for one in found.datasets)
    assert set(held) == {"pretrain", "sft", "orpo"}


def test_pass_r5_the_outbox_told_again_in_any_order_gives_the_same_trajectories(
    crowd: Simulated, tmp_path: Path
) -> None:
    _copy(crowd.home, tmp_path)
    twin = Ledger(sa.URL.create("sqlite", database=str(tmp_path / "twin.db")))
    with twin.transaction() as tx:
        stood = told_rows(tx)
        tamper(tx, decision_trajectories, sa.true(), None)
        names = list(tx.execute(sa.select(E.event_id)).scalars())
    np.random.default_rng(3).shuffle(names)
    for _ in range(2):
        for first in range(0, len(names), 97):
            with twin.transaction() as tx:
                fold_events(tx, names[first : first + 97], RULES.passport, NOW)
    with twin.reading() as tx:
        again = told_rows(tx)
    twin.close()
    # A dataset has made some labels ambiguous since; that follows from the other trajectories, not from the events.
    settled = [{**row, "label_quality": ""} if row["label_quality"] == "ambiguous" else row for row in stood]
    ambiguous = {row["trajectory_id"] for row in stood if row["label_quality"] == "ambiguous"}
    assert [{**row, "label_quality": ""} if row["trajectory_id"] in ambiguous else row for row in again] == settled


def _copy(home: Path, to: Path) -> None:
    with sqlite3.connect(home / "ledger.db") as source, sqlite3.connect(to / "twin.db") as target:
        source.backup(target)


def test_pass_r39_no_wallet_and_no_e_mail_stands_anywhere_but_in_personal_data(crowd: Simulated) -> None:
    users = [new_user(SEED, number) for number in range(USERS)]
    with crowd.ledger.reading() as tx:
        kept = {tuple(row) for row in tx.execute(sa.select(personal_data.c.wallet, personal_data.c.email))}
        assert kept == {(user.wallet, user.email) for user in users}
        texts = [
            str(value)
            for table in METADATA.sorted_tables
            if table.name != personal_data.name
            for row in tx.execute(sa.select(table))
            for value in row
        ]
    files = [path for path in crowd.home.rglob("*.parquet") if "silver" not in path.parts]
    assert len(files) >= 3
    frames = [pl.read_parquet(path) for path in files]
    texts += [str(text) for frame in frames for name in frame.columns for text in frame[name].unique().to_list()]
    assert [text for text in set(texts) if PERSONAL.search(text)] == []


def test_pass_r39_users_did_write_their_addresses() -> None:
    user = new_user(SEED, 0)
    user.n_requests = 7
    assert len(PERSONAL.findall(user._rationale())) == 2


def test_pass_r40_who_pushes_leverage_is_in_no_dataset_whatever_the_profit(crowd: Simulated) -> None:
    with crowd.ledger.reading() as tx:
        rows = tx.execute(sa.select(T.trajectory_id, T.utility_score).where(T.user_id == OVER_LEVERAGER)).all()
        others = set(tx.execute(sa.select(T.trajectory_id).where(T.user_id != OVER_LEVERAGER)).scalars())
    assert max(row.utility_score for row in rows if row.utility_score is not None) > 100
    forbidden = {row.trajectory_id.hex for row in rows}
    for name, built in crowd.report.layers.datasets.items():
        assert isinstance(built, BuiltDataset)
        frame = pl.read_parquet(crowd.home / "datasets" / str(built.dataset_version_id) / "rows.parquet")
        columns = [each for each in ("trajectory_id", "chosen_id", "rejected_id") if each in frame.columns]
        held = {str(one).replace("-", "") for each in columns for one in frame[each].drop_nulls()}
        assert held, name
        assert held & {one.hex for one in others}, name
        assert not held & forbidden, name


def test_the_dataset_versions_are_rebuilt_to_their_hashes(crowd: Simulated) -> None:
    for built in crowd.report.layers.datasets.values():
        assert isinstance(built, BuiltDataset)
        assert verify_dataset(crowd.ledger, crowd.home, built.dataset_version_id).is_identical


def test_every_event_lies_in_the_lake_as_it_was_written(crowd: Simulated) -> None:
    lake = EventLake(crowd.home)
    with crowd.ledger.reading() as tx:
        assert lake_gaps(tx, lake) == []
    assert lake.verify() == []
    assert lake.scan().height == crowd.report.layers.n_lake_records > crowd.report.layers.n_events


def test_the_chains_hold(crowd: Simulated) -> None:
    with crowd.ledger.reading() as tx:
        report = check_chains(tx)
    assert not report.breaks
    assert report.rows > crowd.report.layers.n_events


def test_no_token_of_the_crowd_holds_any_more(crowd: Simulated) -> None:
    with crowd.ledger.reading() as tx:
        revoked = tx.execute(sa.select(api_tokens.c.revoked_at)).scalars().all()
    assert len(revoked) == USERS
    assert None not in revoked


def test_pass_r41_each_user_sees_its_own_rows_alone(crowd: Simulated, tmp_path: Path) -> None:
    _copy(crowd.home, tmp_path)
    ledger = Ledger(sa.URL.create("sqlite", database=str(tmp_path / "twin.db")))
    owners: dict[str, UUID] = {}
    with ledger.transaction() as tx:
        for number in range(USERS):
            create_token(tx, f"pawl_{number}", user_id_of(SEED, number), f"reader {number}", NOW)
        for key, user in tx.execute(sa.select(T.trajectory_id, T.user_id)):
            owners |= {str(key): user}
        for key, user in tx.execute(sa.select(E.event_id, E.user_id)):
            owners |= {str(key): user}
    clocks = Clocks(now=lambda: NOW, monotonic=monotonic)
    with GroupWriter(ledger, clocks.now) as writer:
        service = service_of(ledger, writer, NoMarket(), clocks, ServerSettings())
        passport = passport_of(service, RULES, OwnSamples(crowd.home))
        app = create_app(service, passport)
        for number in range(USERS):
            said = _status(app, f"pawl_{number}")
            named = set(UUIDS.findall(said)) & set(owners)
            assert {owners[name] for name in named} <= {user_id_of(SEED, number)}
            assert named
            assert not any(str(user_id_of(SEED, other)) in said for other in range(USERS) if other != number)
    ledger.close()


def _status(app: object, token: str) -> str:
    async def ask() -> str:
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://pawl") as client:
            answer = await client.get(f"{LEARNING}/status", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            return answer.text

    return asyncio.run(ask())


def test_one_seed_gives_one_history_on_either_database(
    sqlite_ledger: Ledger, postgresql_ledger: Ledger, tmp_path: Path
) -> None:
    first, second = (
        simulated(ledger, tmp_path / name, 5, 10)
        for name, ledger in {"sqlite": sqlite_ledger, "postgresql": postgresql_ledger}.items()
    )
    assert first.lived == second.lived
    assert (first.layers.labels, first.findings) == (second.layers.labels, second.findings)
    for name, built in first.layers.datasets.items():
        other = second.layers.datasets[name]
        if isinstance(built, BuiltDataset):
            assert isinstance(other, BuiltDataset)
            assert (built.dataset_version_id, built.content_hash) == (other.dataset_version_id, other.content_hash)
        else:
            assert str(built) == str(other)
    assert first.layers.n_samples("pretrain") > 0


def test_a_ledger_that_holds_decisions_is_refused(crowd: Simulated, tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="decisions already"):
        simulated(crowd.ledger, tmp_path, 1, 1)


@pytest.mark.soak
def test_a_large_crowd_shows_what_was_planted_and_little_else(tmp_path: Path) -> None:
    """200 users for 60 days: no pattern in the disciplined, each weakness in nearly all of its persona (overriding,
    which few occasions decide, in most), and nothing else but that who sets no stop holds losers."""
    ledger = Ledger.open(tmp_path)
    report = simulated(ledger, tmp_path, 60, 200)
    ledger.close()
    found = {one.persona: one for one in report.findings}
    assert found["disciplined"].n_shown == {}
    for one in report.findings:
        others = {name: n for name, n in one.n_shown.items() if name != one.weakness}
        if one.persona == "no_stopper":
            others.pop("holding_losers", None)
        assert all(n <= 0.1 * one.n_users for n in others.values()), (one.persona, others)
        if one.weakness is not None:
            least = 0.6 if one.persona == "overrider" else 0.9
            assert one.n_shown.get(one.weakness, 0) >= least * one.n_users, one.persona
