"""How `pawl dataset` prints: what was built and from what, what was left out, and how two versions differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pawl.datasets.catalogue import SHORT, Difference, StoredVersion
from pawl.datasets.versions import BuiltDataset, VerifiedDataset

__all__ = ["built_text", "diff_text", "list_text", "verified_text", "version_text"]

HASH_SHOWN = 12
LEFT_OUT = (
    ("n_outside", "decided outside the window"),
    ("n_later_information", "holding later information"),
    ("n_unfinished", "finished after the cut"),
    ("n_pending", "without an outcome so far"),
    ("n_rule_breakers", "breaking a risk rule"),
    ("n_duplicates", "saying what another says"),
)


def built_text(built: BuiltDataset, dataset_type: str) -> RenderableType:
    """What `pawl dataset build` says."""
    name = str(built.dataset_version_id)[:SHORT]
    word = "built" if built.is_new else "stands already:"
    head = f"{word} {dataset_type} {name}: {built.sample_count:,} samples, hash {built.content_hash[:HASH_SHOWN]}"
    return Group(Text(head, style="bold"), *_quality(built.quality), Text(f"Next: pawl dataset verify {name}"))


def list_text(listed: Sequence[StoredVersion]) -> RenderableType:
    """What `pawl dataset ls` says."""
    if not listed:
        return Text("no dataset version so far\nNext: pawl dataset build sft --from DATE --to DATE")
    table = _table("id", "type", "decisions", "samples", "hash", "built at")
    for one in listed:
        window = f"{one.window_start:%Y-%m-%d} … {one.window_end:%Y-%m-%d}"
        table.add_row(
            one.short_id, one.dataset_type, window, f"{one.sample_count:,}", one.content_hash[:HASH_SHOWN],
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return Group(table, Text(f"Next: pawl dataset show {listed[0].short_id}"))


def version_text(stored: StoredVersion) -> RenderableType:
    """What `pawl dataset show` says."""
    head = f"{stored.dataset_type} {stored.dataset_version_id}: {stored.sample_count:,} samples"
    filters = _table("built from", "")
    for name, value in stored.filters.items():
        if name != "settings":
            filters.add_row(name, _cell(value))
    lines = _quality(stored.quality_report) if stored.quality_report.get("split") else []
    return Group(
        Text(head, style="bold"),
        Text(f"hash {stored.content_hash}"),
        filters,
        *lines,
        Text(f"All of it: --json. Next: pawl dataset verify {stored.short_id}"),
    )


def verified_text(stored: StoredVersion, found: VerifiedDataset) -> RenderableType:
    """What `pawl dataset verify` says."""
    if found.is_identical:
        kept = {"same": "; its file holds the same rows", "missing": "; no file of its rows is kept here"}[found.file]
        return Text(
            f"identical: {stored.dataset_type} {stored.short_id} was built again from its filters: "
            f"{found.rebuilt_count:,} samples, hash {found.rebuilt_hash[:HASH_SHOWN]}{kept}"
        )
    table = _table("", "on record", "built again")
    table.add_row("hash", found.content_hash[:HASH_SHOWN], found.rebuilt_hash[:HASH_SHOWN])
    table.add_row("samples", f"{found.sample_count:,}", f"{found.rebuilt_count:,}")
    return Group(
        Text(f"not identical: {stored.dataset_type} {stored.short_id}", style="bold red"),
        table,
        Text("file of its rows: " + found.file),
        Text("Next: pawl ledger verify"),
    )


def diff_text(first: StoredVersion, second: StoredVersion, found: Sequence[Difference]) -> RenderableType:
    """What `pawl dataset diff` says."""
    if not found:
        return Text(f"{first.short_id} and {second.short_id} are one version")
    rows = "the same rows" if first.content_hash == second.content_hash else "other rows"
    table = _table("", first.short_id, second.short_id)
    for one in found:
        table.add_row(one.name, _cell(one.first), _cell(one.second))
    return Group(Text(f"{rows}; {len(found)} values differ", style="bold"), table)


def _quality(quality: Mapping[str, Any]) -> list[RenderableType]:
    left_out = _table("of", f"{quality['n_finished']:,} finished decisions")
    for name, meaning in LEFT_OUT:
        if quality.get(name):
            left_out.add_row(f"{quality[name]:,}", meaning)
    split = quality["split"]
    sides = (
        f"training {split['n_train']:,}, evaluation {split['n_eval']:,}, in the gap of "
        f"{split['gap_sec'] / 3600:.0f} h between them {split['n_gap']:,}; ambiguous {quality['ambiguous_share']:.1%}"
    )
    parts: list[RenderableType] = [left_out, Text(sides)]
    if "quarantine" in quality:
        parts.append(Text(f"quarantined, for they contradict each other: {quality['quarantine']['n']:,}"))
    return parts


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _cell(value: object) -> str:
    if value is None:
        return "–"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
