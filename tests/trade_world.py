"""A live loop and the HTTP service on one ledger: what users do with its signals, through the front door."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger_world import START as LEDGER_START
from live_world import BAR, START, Ledger, Market, bar, live_world, serve_version
from pawl.ids import ModelVersion
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import Chosen
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.live_tables import user_trading_history
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from serving_world import World

__all__ = ["AT", "MINUTE", "PAIRS", "LiveService"]

AT = START + 10 * BAR
MINUTE = timedelta(minutes=1)
PAIRS = ("EURUSD", "USDJPY")


class _Fixed:
    """The same deciders for every bar."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen

    def of(self, pair: str, timeframe: str, bar_timestamp: datetime) -> Chosen:
        """These."""
        return self.chosen


class LiveService(World):
    """At AT the loop buys EURUSD at 99.1 (stop 98.1, target 100.6) and sells USDJPY at 100.9 (stop 101.9, target 99.4);
    after four bars a signal expires. `m002-1.0` says so, and beside it what `shadows` names. The service's clock stands
    a minute later.
    """

    def __init__(self, ledger: Ledger, home: Path, shadows: tuple[str, ...] = ()) -> None:
        super().__init__(ledger)
        self.at = AT + MINUTE
        self.bars = Market()
        self.bars.goes_on(["EURUSD"], range(10), step=-0.1)
        self.bars.goes_on(["USDJPY"], range(10), step=0.1)
        self.live: LiveWorld = live_world(home, ledger, self.bars, PAIRS)
        for version in ("m002-1.0", *shadows):
            serve_version(self.live, version, LEDGER_START)
        collect(self.live, AT)
        chosen = Chosen(acting=ModelVersion("m002-1.0"), shadows=tuple(map(ModelVersion, shadows)))
        SignalCycle(self.live, lambda tx, learner: _Fixed(chosen)).run(AT)

    def told(self, pair: str = "EURUSD") -> dict[str, Any]:
        """The announcement of the newest signal on a pair, which is all that a user gets to see of it."""
        with self.ledger.reading() as tx:
            c = loop_outbox.c
            chosen = sa.select(c.payload).where(c.topic == "new_prediction").order_by(c.number)
            return [one for one in tx.execute(chosen).scalars() if one["pair"] == pair][-1]

    def inference(self, pair: str = "EURUSD") -> str:
        """The id that a trade on it names."""
        return str(self.told(pair)["inference_id"])

    def follows(self, user: str = "ann", **changes: Any) -> str:
        """The id of a trade that a user opens on the signal of EURUSD: bought at 99."""
        body = {"ticker": "EURUSD", "side": "long", "entry_price": 99.0, "inference_id": self.inference(), **changes}
        return self.opened(user, **body)

    def ends(self, trade_id: str, exit_price: float, fees: float = 0.0, user: str = "ann") -> dict[str, Any]:
        """The answer to its close."""
        body = {"exit_price": exit_price, "fees": fees}
        answer = self.post(f"/api/quick-trades/{trade_id}/close", body, user=user)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def goes_on(self, *bars: dict[str, float], pair: str = "EURUSD") -> None:
        """More bars behind the signal's, collected one by one and not decided on."""
        for place, values in enumerate(bars, start=10):
            self.bars.bars.append({**bar(pair, place, 99.1 if pair == "EURUSD" else 100.9), **values})
            collect(self.live, START + (place + 1) * BAR)

    def signal(self, pair: str = "EURUSD", version: str = "m002-1.0") -> sa.RowMapping:
        """The signal of a version, as it stands."""
        c = trading_signals.c
        with self.ledger.reading() as tx:
            chosen = sa.select(trading_signals).where(c.pair == pair, c.model_version == version)
            return tx.execute(chosen.order_by(c.bar_timestamp)).mappings().all()[-1]

    def history(self) -> dict[UUID, sa.RowMapping]:
        """Trade → its row in `user_trading_history`."""
        with self.ledger.reading() as tx:
            return {row["id"]: row for row in tx.execute(sa.select(user_trading_history)).mappings()}

    def announced(self, topic: str) -> Sequence[dict[str, Any]]:
        """The payloads of a topic, in their order."""
        with self.ledger.reading() as tx:
            c = loop_outbox.c
            return list(tx.execute(sa.select(c.payload).where(c.topic == topic).order_by(c.number)).scalars())

    def moves_to(self, at: datetime) -> datetime:
        """Set the service's clock."""
        self.at = at
        return at
