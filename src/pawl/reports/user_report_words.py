"""What a report says of each pattern: plain sentences with the figures in them, and one thing to change."""

from dataclasses import dataclass

__all__ = ["WORDS", "PatternWords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternWords:
    """weakness, strength: sentences with the places {n} (occasions), {hits} (occurrences), {kept} (the others) and
    {rate}. proposal: what to do instead.

    >>> WORDS["no_stop_loss"].strength.format(kept=118, n=120, hits=2, rate="1.7 %")
    '118 of 120 trades had a stop.'
    """

    weakness: str
    strength: str
    proposal: str


WORDS = {
    "chasing_overbought": PatternWords(
        weakness="{hits} of {n} trades of your own ({rate}) went with a market that had already run far: bought after "
        "a strong rise, or sold after a strong fall.",
        strength="{kept} of {n} trades of your own did not run after a market that had already run far.",
        proposal="Before an entry of your own, look at the stretch of the last 24 hours, and wait where it lies on "
        "your side of the trade.",
    ),
    "delayed_stops": PatternWords(
        weakness="{hits} of {n} losing trades with a stop ({rate}) ended well beyond it.",
        strength="{kept} of {n} losing trades with a stop ended at it or before.",
        proposal="Leave the stop with the exchange as an order when the trade is opened, and do not move it away.",
    ),
    "over_leverage": PatternWords(
        weakness="{hits} of {n} trades ({rate}) were opened with more leverage than the limit.",
        strength="{kept} of {n} trades kept to the limit of leverage.",
        proposal="Set the leverage of the account to the limit, so that an order above it is refused.",
    ),
    "no_stop_loss": PatternWords(
        weakness="{hits} of {n} trades ({rate}) were opened without a stop.",
        strength="{kept} of {n} trades had a stop.",
        proposal="Write down the stop before the size; open no trade that has none.",
    ),
    "revenge_trading": PatternWords(
        weakness="{hits} of {n} losses ({rate}) were followed at once by a larger or more leveraged trade.",
        strength="{kept} of {n} losses were not followed by a larger or more leveraged trade.",
        proposal="After a loss, wait an hour, and open the next trade no larger than the last.",
    ),
    "holding_losers": PatternWords(
        weakness="{hits} of {n} losses ({rate}) were held far longer than a win usually is.",
        strength="{kept} of {n} losses were ended about as soon as wins are.",
        proposal="Give every trade a time by which it is closed, the same for wins and losses.",
    ),
    "overriding_right_calls": PatternWords(
        weakness="{hits} of {n} recommendations that you overrode ({rate}) turned out right.",
        strength="{kept} of {n} recommendations that you overrode turned out wrong.",
        proposal="Before overriding a recommendation, write down what it does not know; follow it where you find "
        "nothing.",
    ),
}
"""By the name of the pattern."""
