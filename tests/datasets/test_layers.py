"""What reaches a dataset and what does not, from events through the fold to the rows: L2, L3 and L4."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from dataset_world import NOW, RULES, World, crowd, decision, parsed
from decision_events import START
from pawl.datasets.corpus_texts import add_text
from pawl.datasets.passport_settings import PairSettings, SimilaritySettings
from pawl.errors import QualityError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.pair_tables import preference_pairs
from pawl.ledger.redaction import MARKS, redact_text
from pawl.policy.plan import parse_plan

TYPES = ("pretrain", "sft", "orpo")
RICH: dict[str, Any] = {"pnl_bps": 5000.0, "max_drawdown_bps": 1.0}
AT = START + timedelta(days=10, hours=3)


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path) -> World:
    made = World(sqlite_ledger, tmp_path)
    made.tell(crowd())
    return made


def named(world: World, kind: str, **changes: Any) -> set[str]:
    """The ids in a dataset of a type."""
    built = world.build(kind, **changes)
    columns = ("chosen_id", "rejected_id") if kind == "orpo" else ("trajectory_id",)
    return {name for column in columns for name in world.keys(built, column)}


@pytest.mark.parametrize("kind", TYPES)
def test_a_rich_decision_that_breaks_nothing_is_in_every_layer(world: World, kind: str) -> None:
    world.tell(decision("x", AT, **RICH))
    assert world.name("x") in named(world, kind)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "breach", [{"leverage": 50.0}, {"stop_price": None}, {"stop_price": 104.0}, {"size_pct": 60.0}, {"size_pct": None}]
)
def test_pass_r17_r40_a_rule_breaker_is_in_no_layer_whatever_it_earned(
    world: World, kind: str, breach: dict[str, Any]
) -> None:
    world.tell(decision("x", AT, **RICH, **breach))
    built = world.build(kind)
    assert world.name("x") not in named(world, kind)
    assert built.quality["n_rule_breakers"] == 1


def test_pass_r13_a_prompt_with_its_response_stands_once_and_the_others_are_counted(world: World) -> None:
    world.tell([row for who in range(3) for row in decision("same", AT, who=who, pnl_bps=80.0)])
    before = world.build("pretrain")
    found = [world.name("same", who) in world.keys(before) for who in range(3)]
    assert found.count(True) == 1
    assert before.quality["n_duplicates"] == 2
    rows = world.rows(before).filter(pl.col("copy") == 0)
    assert rows.select("prompt", "response").is_unique().all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1)])
def test_pass_r14_a_planted_sample_with_later_information_is_removed_and_counted(
    world: World, kind: str, late: timedelta
) -> None:
    world.tell(decision("leak", AT, known_at=AT + late, **RICH))
    assert world.name("leak") not in named(world, kind)
    assert world.build(kind).quality["n_later_information"] == 1


def test_pass_r15_fast_stretches_weigh_more_in_training_and_nothing_is_repeated_in_evaluation(world: World) -> None:
    built = world.build("pretrain")
    rows = world.rows(built)
    assert built.quality["fast_share"] > built.quality["fast_share_before"] > 0
    copies = rows.group_by("trajectory_id", "split").len()
    assert copies.filter(split="eval")["len"].max() == 1
    assert set(copies.filter(split="train")["len"]) == {1, 2}
    volatility = pl.Series([prompt["context"]["volatility"] for prompt in parsed(rows, "prompt")])
    is_copy = rows["copy"] > 0
    assert float(str(volatility.filter(is_copy).min())) > float(str(volatility.median()))


def test_pass_r16_a_text_without_a_licence_is_refused_and_one_with_it_is_in_the_corpus(world: World) -> None:
    for licence in ("", "  ", "none", "Unknown"):
        with world.ledger.transaction() as tx, pytest.raises(RefusalError, match="licence"):
            add_text(tx, "Funding is paid every eight hours.", "a book", licence, START)
    assert world.build("pretrain").quality["n_documents"] == 0
    with world.ledger.transaction() as tx:
        text = "Funding is paid every eight hours. Write to ann@example.com."
        first = add_text(tx, text, "a book", "CC-BY-4.0", START)
        assert add_text(tx, text, "another copy", "CC-BY-4.0", START) == first
    built = world.build("pretrain")
    (row,) = world.rows(built).filter(kind="document").to_dicts()
    assert (row["content"], row["licence"], row["split"]) == (
        "Funding is paid every eight hours. Write to [email].", "CC-BY-4.0", "train",
    )  # fmt: skip
    # What is added later changes no rebuild.
    with world.ledger.transaction() as tx:
        add_text(tx, "Open interest counts contracts.", "a book", "CC-BY-4.0", NOW)
    assert world.verify(built).is_identical


def test_pass_r17_samples_are_the_top_decile_of_each_regime_in_their_own_side(world: World) -> None:
    built = world.build("sft")
    rows = world.rows(built)
    corpus = world.rows(world.build("pretrain")).filter(pl.col("copy") == 0)
    with world.ledger.reading() as tx:
        c = decision_trajectories.c
        outcome = {str(one.trajectory_id): one.outcome_features for one in tx.execute(sa.select(c.trajectory_id, c.outcome_features))}  # noqa: E501 # fmt: skip

    def worth(name: str) -> float:
        return float(outcome[name]["pnl_bps"] / max(outcome[name]["max_drawdown_bps"], 10))

    for (side, regime), chosen in rows.group_by("split", "market_regime"):
        of_regime = corpus.filter(split=side, market_regime=regime)["trajectory_id"].to_list()
        best = sorted(of_regime, key=worth, reverse=True)[: len(of_regime) // 10]
        assert set(chosen["trajectory_id"]) <= set(best)
    assert rows.height >= 10


def test_pass_r18_a_sample_of_more_utility_stands_before_one_of_less(world: World) -> None:
    world.tell([row for n in (1, 2) for row in decision(f"r{n}", AT, volatility=0.01 * n, pnl_bps=1000.0 * n)])
    rows = world.rows(world.build("sft"))
    place = dict(rows.select("trajectory_id", "sft_rank").iter_rows())
    assert place[world.name("r2")] < place[world.name("r1")]


def test_every_response_keeps_the_contract_of_plans(world: World) -> None:
    for kind, columns in (("sft", ["response"]), ("orpo", ["chosen", "rejected"])):
        rows = world.rows(world.build(kind))
        for column in columns:
            for text in rows[column]:
                assert parse_plan(text).direction.is_position


def pair_of(world: World, good: dict[str, Any], bad: dict[str, Any]) -> tuple[str, str]:
    """Two decisions of one market, minutes apart, in a block of their own."""
    world.tell([*decision("good", AT, ticker="SOLUSDT", side="long", **good)])
    world.tell([*decision("bad", AT + timedelta(minutes=10), ticker="SOLUSDT", side="short", **bad)])
    return world.name("good"), world.name("bad")


def test_pass_r19_a_pair_below_the_margin_is_absent(world: World) -> None:
    above = pair_of(world, {"pnl_bps": 60.0}, {"pnl_bps": 40.0})
    rows = world.rows(world.build("orpo"))
    assert above in set(rows.select("chosen_id", "rejected_id").iter_rows())
    strict = RULES.model_copy(update={"pairs": PairSettings(min_margin=25.0)})
    rows = world.rows(world.build("orpo", settings=strict))
    assert above not in set(rows.select("chosen_id", "rejected_id").iter_rows())
    assert float(str(rows["margin_score"].min())) >= 25.0


def test_pass_r19_a_reversed_label_is_quarantined_as_ambiguous_and_in_no_pair(world: World) -> None:
    # The loser drew down less, so its utility is higher: win and loss are reversed.
    won, lost = pair_of(world, {"pnl_bps": 20.0, "max_drawdown_bps": 300.0}, {"pnl_bps": -5.0, "max_drawdown_bps": 5.0})
    built = world.build("orpo")
    assert {won, lost} <= set(built.quality["quarantine"]["trajectory_ids"])
    assert not {won, lost} & {name for column in ("chosen_id", "rejected_id") for name in world.keys(built, column)}
    with world.ledger.reading() as tx:
        c = decision_trajectories.c
        labels = {str(one.trajectory_id): one.label_quality for one in tx.execute(sa.select(c.trajectory_id, c.label_quality))}  # noqa: E501 # fmt: skip
        assert labels[won] == labels[lost] == "ambiguous"
        assert set(tx.execute(sa.select(preference_pairs.c.pair_quality)).scalars()) <= {"high", "medium", "low"}
    assert world.verify(built).is_identical


def test_pass_r20_the_rare_regimes_hold_their_share_or_the_build_fails_with_the_counts(world: World) -> None:
    built = world.build("orpo")
    pairing = built.quality["pairing"]
    shares = {name: n / built.sample_count for name, n in pairing["n_by_regime"].items()}
    assert sum(shares[name] for name in pairing["minority"]) >= 0.15
    stored = world.rows(built)
    assert built.quality["samples"]["by_regime"].keys() <= set(pairing["n_by_regime"])
    assert stored.height == built.sample_count
    one_regime = RULES.model_copy(update={"pairs": PairSettings(min_minority_share=0.99)})
    assert world.build("orpo", settings=one_regime).sample_count < built.sample_count


def test_pass_r20_one_regime_alone_fails_with_a_report(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    world = World(sqlite_ledger, tmp_path)
    rows = crowd(80)
    for row in rows:
        if "context" in row["payload"]:
            row["payload"]["context"]["market_regime"] = "up_low"
    world.tell(rows)
    with pytest.raises(QualityError, match=r"minority regimes hold 0 of .* up_low"):
        world.build("orpo")


def test_pass_r21_both_sides_of_a_pair_share_market_and_side_of_the_split(world: World) -> None:
    close = SimilaritySettings(max_context_distance=0.7, max_days_apart=3.0)
    built = world.build("orpo", settings=RULES.model_copy(update={"pairs": PairSettings(similarity=close)}))
    rows = world.rows(built)
    split = dict(world.rows(world.build("pretrain")).select("trajectory_id", "split").iter_rows())
    with world.ledger.reading() as tx:
        c = decision_trajectories.c
        found = tx.execute(sa.select(c.trajectory_id, c.context_features, c.decision_features))
        seen = {str(one.trajectory_id): (one.context_features, one.decision_features) for one in found}
    assert rows.height > 20
    for row in rows.to_dicts():
        (chosen, decided), (rejected, other) = seen[row["chosen_id"]], seen[row["rejected_id"]]
        for name in ("market_regime", "session_band"):
            assert chosen[name] == rejected[name]
        for name in ("ticker", "horizon_sec"):
            assert decided[name] == other[name]
        first, second = (pl.Series([one["decided_at"]]).str.to_datetime()[0] for one in (decided, other))
        assert abs(first - second) <= timedelta(days=3)
        assert split.get(row["chosen_id"], row["split"]) == split.get(row["rejected_id"], row["split"]) == row["split"]


@pytest.mark.parametrize("kind", TYPES)
def test_pass_r39_no_wallet_and_no_address_is_in_any_dataset(world: World, kind: str) -> None:
    wallet, mail = "0x52908400098527886E0F7030069857D2E4169EE7", "ann@example.com"
    # As if it had been written before anybody redacted: straight into the payloads.
    dirty = [
        row
        for number in range(12)
        for row in decision(
            f"pii{number}",
            AT + timedelta(hours=number),
            ticker=mail,
            market_regime=f"up {wallet}",
            volatility=0.01 + 0.0001 * number,
            pnl_bps=900.0 - 60 * number,
            side=["long", "short"][number % 2],
        )
    ]
    world.tell(dirty)
    built = world.build(kind)
    said = world.all_text(built)
    assert wallet not in said
    assert mail not in said
    assert redact_text(said) == said
    assert MARKS["email"] in said


def test_the_quality_report_says_what_became_of_everything(world: World) -> None:
    built = world.build("pretrain")
    quality = built.quality
    split = quality["split"]
    left = quality["n_finished"] - quality["n_outside"] - quality["n_later_information"] - quality["n_unfinished"]
    assert split["n_train"] + split["n_eval"] + split["n_gap"] == left
    kept = split["n_train"] + split["n_eval"] - quality["n_rule_breakers"] - quality["n_duplicates"]
    assert built.sample_count == kept + quality["n_added_fast"] + quality["n_documents"]
    for name in ("label_shares", "class_shares", "regime_shares"):
        assert sum(quality[name].values()) == pytest.approx(1.0)
    assert quality["ambiguous_share"] == quality["label_shares"]["ambiguous"]
