"""The sources by name."""

import pytest

from pawl.errors import InputError
from pawl.lake.sources import SOURCES, SourceChoice, open_source


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_opens_under_its_name(name: str) -> None:
    if name in ("ccxt", "yfinance"):
        pytest.importorskip(name)
    with open_source(SourceChoice(name=name, exchange="binance", seed=7, calendar=None)) as source:
        assert source.name == name


def test_an_unknown_source_lists_the_known_ones() -> None:
    choice = SourceChoice(name="yahoo", exchange="binance", seed=7, calendar=None)
    with pytest.raises(InputError, match="no source `yahoo`") as caught, open_source(choice):
        pass
    assert caught.value.fix == "the sources are ccxt, binance, yfinance, simulated"
