"""Prior correction, by hand and by Bayes' rule on a made-up world."""

import numpy as np

from pawl.models.prior import class_shares, correct_prior


def test_probabilities_are_tilted_back_by_hand() -> None:
    corrected = correct_prior(np.array([[0.6, 0.3, 0.1]]), np.array([0.1, 0.3, 0.6]))
    # 0.6·0.1 = 0.06, 0.3·0.3 = 0.09, 0.1·0.6 = 0.06: sum 0.21
    np.testing.assert_allclose(corrected, [[6 / 21, 9 / 21, 6 / 21]], rtol=1e-12)


def test_even_shares_change_nothing(rng: np.random.Generator) -> None:
    probabilities = rng.dirichlet(np.ones(5), 20)
    np.testing.assert_allclose(correct_prior(probabilities, np.full(5, 0.2)), probabilities, rtol=1e-12)


def test_a_state_never_seen_gets_0_and_the_rest_sums_to_1() -> None:
    corrected = correct_prior(np.array([[0.2, 0.3, 0.5]], np.float32), np.array([0.5, 0.0, 0.5]))
    assert corrected.dtype == np.float64
    assert corrected[0, 1] == 0
    np.testing.assert_allclose(corrected.sum(axis=1), 1, rtol=1e-12)


def test_it_is_the_posterior_under_the_true_shares() -> None:
    likelihood = np.array([[0.7, 0.1], [0.2, 0.5], [0.1, 0.4]])  # of three observations under two classes
    even = likelihood / likelihood.sum(axis=1, keepdims=True)
    shares = np.array([0.05, 0.95])
    posterior = likelihood * shares / (likelihood * shares).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(correct_prior(even, shares), posterior, rtol=1e-12)


def test_nan_stays_nan() -> None:
    assert np.isnan(correct_prior(np.array([[np.nan, 0.5]]), np.array([0.5, 0.5]))).all()


def test_shares_of_no_labels_are_nan() -> None:
    assert np.isnan(class_shares(np.array([], np.int64), 3)).all()
