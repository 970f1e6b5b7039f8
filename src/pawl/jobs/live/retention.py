"""Files of old daily versions: which may go, and taking them away. Rows always stay."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from pawl.ids import ModelVersion
from pawl.jobs.ledgers import replay_ledgers
from pawl.jobs.workspace import Workspace
from pawl.ledger.model_versions import StoredVersion, list_versions
from pawl.ledger.retirement import removed_versions
from pawl.ledger.version_number import VersionNumber

__all__ = ["may_go", "sweep"]


def may_go(
    versions: Sequence[StoredVersion], in_use: Mapping[ModelVersion, str], at: datetime, months: int
) -> list[ModelVersion]:
    """Daily versions that are older than so many months and that nothing needs.

    versions: all of a learner. in_use: what something may ask for at any moment. A version stays while it is the parent
    of one that stays. Full versions stay for ever.
    """
    oldest: datetime = pl.select(pl.lit(at).dt.offset_by(f"-{months}mo")).item()
    standing = {one.version: one for one in versions if one.files_removed_at is None}
    old = {
        name: one
        for name, one in standing.items()
        if VersionNumber.parse(name).daily and one.trained_at < oldest and name not in in_use
    }
    needed = [one.parent for name, one in standing.items() if name not in old]
    while needed:
        parent = needed.pop()
        if parent in old:
            needed.append(old.pop(parent).parent)
    return sorted(old)


def sweep(workspace: Workspace) -> int:
    """Take away the files of every version that has given them up; how many went. What is gone already is passed over,
    so a sweep that was cut off is finished by the next.

    Equal files are stored once: what a kept version, a replay or a fitted layer names stays where it lies. Nothing may
    be saved meanwhile, so whoever sweeps holds the lock of trainings.
    """
    with workspace.versions.ledger.reading() as tx:
        going = {one.artifact for one in removed_versions(tx)}
        kept = {one.artifact for one in list_versions(tx) if one.files_removed_at is None}
    if not going:
        return 0
    for ledger in replay_ledgers(workspace.home).values():
        with ledger.reading() as tx:
            kept |= {one.artifact for one in list_versions(tx)}
        ledger.close()
    kept |= {path.read_text(encoding="ascii") for path in (workspace.home / "cache" / "layers").glob("*/*")}
    return workspace.artifacts.remove(going - kept)
