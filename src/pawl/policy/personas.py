"""Who the users of a simulated crowd are: what each likes, how it risks, and the one weakness it has.

A distance is in reaches: units of the volatility of four hours. A share is of the occasions on which something can
happen. Whoever has a weakness is as disciplined as the disciplined in everything else.
"""

from dataclasses import dataclass

__all__ = ["CROWD", "PERSONAS", "Persona", "persona_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One kind of user. weakness: the pattern of `evaluation/behaviour.py` that it shows; None for none.

    acts_per_day: looks for a trade, mean count. follows: share of these that go by a recommendation. tracks: share of
    recommendations that are tracked first. overrides: share that are traded the other way round. chases: share of own
    ideas that run after the most stretched market. leverage: least and most. has_stop, delays_stop: shares of trades.
    stop_reach, target_reach: distances. hold_hours: after which a trade ends, a losing one loser_patience times later.
    revenge: share of losses that are answered at once, by a trade revenge_times as large.
    """

    name: str
    weakness: str | None = None
    acts_per_day: float = 2.5
    follows: float = 0.55
    tracks: float = 0.5
    overrides: float = 0.03
    chases: float = 0.0
    leverage: tuple[float, float] = (1.0, 3.0)
    has_stop: float = 0.99
    delays_stop: float = 0.03
    stop_reach: float = 1.2
    target_reach: float = 1.2
    hold_hours: float = 24.0
    loser_patience: float = 1.0
    revenge: float = 0.0
    revenge_times: float = 2.2


_ALL = (
    Persona(name="disciplined"),
    Persona(name="overbought_chaser", weakness="chasing_overbought", follows=0.25, chases=0.8),
    Persona(name="stop_delayer", weakness="delayed_stops", delays_stop=0.75),
    Persona(name="over_leverager", weakness="over_leverage", leverage=(12.0, 40.0)),
    Persona(name="no_stopper", weakness="no_stop_loss", has_stop=0.2),
    Persona(name="revenge_trader", weakness="revenge_trading", revenge=0.8),
    # It takes small wins soon and lets losses run: its stop is so far away that time ends the trade.
    Persona(
        name="loser_holder",
        weakness="holding_losers",
        acts_per_day=4.0,
        stop_reach=6.0,
        target_reach=0.9,
        loser_patience=1.5,
    ),
    # A close stop and a far target: most of what it does against the model ends as the model said.
    Persona(
        name="overrider",
        weakness="overriding_right_calls",
        follows=0.95,
        overrides=0.85,
        stop_reach=0.6,
        target_reach=2.4,
    ),
)

PERSONAS: dict[str, Persona] = {persona.name: persona for persona in _ALL}
"""By name."""

CROWD = ("disciplined", *(name for name in PERSONAS if name != "disciplined"), "disciplined", "disciplined")
"""The order in which users are dealt: three in ten are disciplined, each weakness has one in ten."""


def persona_of(number: int) -> Persona:
    """The persona of a user by its number in the crowd, from 0.

    >>> persona_of(0).name, persona_of(1).name, persona_of(10).name
    ('disciplined', 'overbought_chaser', 'disciplined')
    """
    return PERSONAS[CROWD[number % len(CROWD)]]
