"""Walks every chain of a ledger and names whatever is not as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from pawl.errors import CorruptArtifactError
from pawl.ledger.chain import CHAINS, Chain, genesis, month_of, row_digest, seal
from pawl.ledger.chain_break import Break
from pawl.ledger.chain_tables import CHAIN_COLUMNS
from pawl.ledger.decision_tables import replays
from pawl.ledger.driver_sql import UNREADABLE, row_reader, run_text, stream_text
from pawl.ledger.event_check import odd_primary_rows
from pawl.ledger.replay_log import GENESIS, read_rows

__all__ = ["Break", "ChainReport", "check_chains"]

MOST_BREAKS = 10_000
HEAD = "SELECT chain_month, n_rows, head_hash FROM chain_heads WHERE table_name = ? ORDER BY chain_month"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """rows: how many sealed rows were walked. breaks: what is wrong; past ten thousand the walk ends, and says so."""

    rows: int
    breaks: tuple[Break, ...]


@dataclass(slots=True)
class _Place:
    """Where a walk is. hashes: by which the next row may name the last: as that says itself, and as it should."""

    month: str
    number: int
    hashes: tuple[str, ...]


class _Walk:
    """One walk through a ledger."""

    def __init__(self, tx: sa.Connection) -> None:
        self.tx = tx
        self.n_rows = 0

    def breaks(self) -> Iterator[Break]:
        """All of them, table by table."""
        for chain in CHAINS.values():
            yield from self._unsealed(chain)
            yield from self._chain(chain)
        yield from odd_primary_rows(self.tx)
        yield from self._replays()

    def _unsealed(self, chain: Chain) -> Iterator[Break]:
        table = chain.table.name
        missing = " OR ".join(f"{name} IS NULL" for name in CHAIN_COLUMNS)
        for (key,) in stream_text(self.tx, f"SELECT {chain.key} FROM {table} WHERE {missing}"):
            yield Break(table=table, row=self._named(chain, key), what="was never sealed")

    def _chain(self, chain: Chain) -> Iterator[Break]:
        found = run_text(self.tx, HEAD, (chain.table.name,))
        heads = {month: (n_rows, head_hash) for month, n_rows, head_hash in found}
        place: _Place | None = None
        for row in self._rows(chain):
            if place is None or row["chain_month"] != place.month:
                yield from self._end(chain, place, heads)
                place = _Place(row["chain_month"], 0, (genesis(chain.table.name, row["chain_month"]),))
            yield from self._step(chain, place, row)
        yield from self._end(chain, place, heads)
        for month, (n, _) in heads.items():  # of which no row is left
            if n:
                what = f"{_rows(n)} removed, all of the month"
                yield Break(table=chain.table.name, month=month, number=1, what=what)

    def _rows(self, chain: Chain) -> Iterator[dict[str, Any]]:
        """The sealed rows in the order of their chains; one that cannot be read has its links and its key alone."""
        columns = tuple(dict.fromkeys((*CHAIN_COLUMNS, chain.key, *chain.columns)))
        sealed = " AND ".join(f"{name} IS NOT NULL" for name in CHAIN_COLUMNS)
        text = f"SELECT {', '.join(columns)} FROM {chain.table.name} WHERE {sealed} ORDER BY chain_month, chain_number"
        links, read = len(CHAIN_COLUMNS), row_reader(self.tx.dialect, chain.table, columns)
        for values in stream_text(self.tx, text):
            self.n_rows += 1
            try:
                yield read(values)
            except UNREADABLE:
                known = dict(zip(CHAIN_COLUMNS, values, strict=False))
                yield {**known, chain.key: self._named(chain, values[links])}

    def _step(self, chain: Chain, place: _Place, row: dict[str, Any]) -> Iterator[Break]:
        def broken(what: str, number: int = row["chain_number"]) -> Break:
            key = str(row[chain.key])
            return Break(table=chain.table.name, row=key, month=place.month, number=number, what=what)

        own = _own_hash(chain, row)
        if own != row["row_hash"]:
            yield broken("was edited: it does not give its hash")
        elif month_of(row[chain.dated_by]) != place.month:
            yield broken(f"hangs in the chain of another month than its {chain.dated_by}")
        gap = row["chain_number"] - place.number - 1
        if gap > 0:
            yield broken(f"{_rows(gap)} removed before this one", place.number + 1)
        elif gap < 0:
            yield broken("stands at a number that is taken")
        elif row["prev_hash"] not in place.hashes:
            yield broken("does not follow the row before it: re-ordered, or that one was exchanged")
        place.number = row["chain_number"]
        place.hashes = (row["row_hash"],) if own is None else (row["row_hash"], own)

    def _end(self, chain: Chain, place: _Place | None, heads: dict[str, tuple[int, str]]) -> Iterator[Break]:
        if place is None:
            return
        table = chain.table.name
        n, of = heads.pop(place.month, (None, None))
        if n is None:
            yield Break(table=table, month=place.month, what="the head of this chain is missing")
        elif n > place.number:
            what = f"{_rows(n - place.number)} removed at the end"
            yield Break(table=table, month=place.month, number=place.number + 1, what=what)
        elif n < place.number:
            yield Break(table=table, month=place.month, number=n + 1, what="stands behind the head of its chain")
        elif of not in place.hashes:
            yield Break(
                table=table, month=place.month, number=n, what="is not the row that the head of its chain names"
            )

    def _replays(self) -> Iterator[Break]:
        for replay_id, finished in self.tx.execute(sa.select(replays.c.replay_id, replays.c.ledger_hash)).all():
            number, found = 0, GENESIS
            try:
                for row in read_rows(self.tx, replay_id):
                    number, found = row.row_number, row.row_hash
                    self.n_rows += 1
            except (CorruptArtifactError, *UNREADABLE):
                what = "was edited, removed or re-ordered: the hash does not hold from here"
                yield Break(table="replay_log", row=f"{replay_id}/{number + 1}", number=number + 1, what=what)
                continue
            if finished is not None and found != finished:
                what = "the last row is not that with which the replay was finished"
                yield Break(table="replay_log", row=f"{replay_id}/{number}", number=number, what=what)

    def _named(self, chain: Chain, key: object) -> str:
        """The key of a row, whatever somebody made of it."""
        read = row_reader(self.tx.dialect, chain.table, [chain.key])
        try:
            (named,) = read((key,)).values()
        except UNREADABLE:
            return repr(key)
        return str(named)


def check_chains(tx: sa.Connection) -> ChainReport:
    """Walk all chains, the rows that events tell of, and the logs of replays, within one state of the ledger.

    Memory is bounded, whatever the ledger holds.
    """
    walk = _Walk(tx)
    found = walk.breaks()
    breaks = list(islice(found, MOST_BREAKS))
    if next(found, None) is not None:
        breaks.append(Break(table=breaks[-1].table, what=f"and more: the walk ended after {MOST_BREAKS} breaks"))
    return ChainReport(walk.n_rows, tuple(breaks))


def _own_hash(chain: Chain, row: dict[str, Any]) -> str | None:
    try:
        return seal(row["prev_hash"], row_digest(chain, row))
    except UNREADABLE:
        return None


def _rows(n: int) -> str:
    return "1 row was" if n == 1 else f"{n} rows were"
