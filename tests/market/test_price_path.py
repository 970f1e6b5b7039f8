"""The kernel of the simulated market."""

import numpy as np

from pawl.market.price_path import INTRABAR_STEPS, Shocks, draw_bars, fading, garch


def shocks(rng: np.random.Generator, n: int, **changes: np.ndarray) -> Shocks:
    zeros = np.zeros(n)
    plain = Shocks(
        drift=zeros,
        sigma=np.full(n, 0.03),
        trend=zeros,
        shock=rng.standard_normal(n),
        pressure=zeros,
        strength=zeros,
        gap=0.03 * rng.standard_normal(n),
        volume=rng.standard_normal(n),
        intrabar=rng.standard_normal((n, INTRABAR_STEPS)),
    )
    return plain._replace(**changes)


def test_garch_equals_its_recursion_written_out() -> None:
    z = [1.0, -2.0, 0.5]
    first = 1.0
    second_variance = 0.02 + 0.08 * first**2 + 0.9 * 1.0
    second = np.sqrt(second_variance) * -2.0
    third = np.sqrt(0.02 + 0.08 * second**2 + 0.9 * second_variance) * 0.5
    np.testing.assert_allclose(garch(np.array(z), 0.08, 0.9), [first, second, third])


def test_garch_shocks_have_unit_variance(rng: np.random.Generator) -> None:
    assert abs(garch(rng.standard_normal(200_000), 0.08, 0.9).var() - 1) < 0.1


def test_fading_forgets() -> None:
    np.testing.assert_allclose(fading(np.array([1.0, 0.0, 0.0, 2.0]), 0.5), [1.0, 0.5, 0.25, 2.125])


def test_without_strength_a_close_is_the_sum_of_drift_and_shocks(rng: np.random.Generator) -> None:
    given = shocks(rng, 400, drift=np.full(400, 0.001))
    np.testing.assert_allclose(draw_bars(given).close, np.cumsum(0.001 + 0.03 * given.shock))


def test_high_and_low_enclose_open_and_close(rng: np.random.Generator) -> None:
    bars = draw_bars(shocks(rng, 5000))
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert ((bars.high > np.maximum(bars.open, bars.close)).mean()) > 0.5, "the path inside a bar has its own extremes"


def test_pressure_weighs_on_the_next_bar_only(rng: np.random.Generator) -> None:
    pressure = np.zeros(100)
    pressure[50] = 1.0
    ones = np.ones(100)
    calm = draw_bars(shocks(np.random.default_rng(1), 100, strength=ones)).close
    pressed = draw_bars(shocks(np.random.default_rng(1), 100, strength=ones, pressure=pressure)).close
    moved = np.diff(pressed - calm, prepend=0.0)
    assert np.abs(moved[:51]).max() == 0.0
    assert moved[51] < -0.15 * 0.03
