"""Losses: their values, their derivatives, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import mp, mpf

from tinygrad_edu import Value, losses

scores = st.floats(-600, 600)
targets = st.one_of(st.sampled_from([0, 1]), st.floats(0, 1))


def slope(loss, prediction, target):
    value = Value(prediction)
    loss(value, target).backward()
    return value.grad


@given(scores, targets)
def test_cross_entropy_of_logits_is_exact_at_any_score(z, t):
    p = 1 / (1 + mp.exp(-mpf(z)))
    exact = -(t * mp.ln(p) + (1 - mpf(t)) * mp.ln(1 - p))
    assert losses.binary_cross_entropy_with_logits(Value(z), t).data == pytest.approx(
        float(exact), rel=1e-14, abs=1e-300
    )
    assert slope(losses.binary_cross_entropy_with_logits, z, t) == pytest.approx(float(p - t), rel=1e-12, abs=1e-15)


@given(st.floats(1e-300, 1 - 1e-12), targets)
def test_cross_entropy_of_probabilities(p, t):
    exact = -(t * mp.ln(mpf(p)) + (1 - mpf(t)) * mp.ln(1 - mpf(p)))
    assert losses.binary_cross_entropy(Value(p), t).data == pytest.approx(float(exact), rel=1e-12, abs=1e-300)
    expected = (mpf(p) - mpf(t)) / (mpf(p) * (1 - mpf(p)))
    assert slope(losses.binary_cross_entropy, p, t) == pytest.approx(float(expected), rel=1e-9, abs=1e-15)


@given(st.lists(scores, min_size=1, max_size=5), st.data())
def test_cross_entropy_of_classes(zs, data):
    target = data.draw(st.integers(0, len(zs) - 1))
    values = [Value(z) for z in zs]
    loss = losses.cross_entropy(values, target)
    loss.backward()
    total = mp.fsum(mp.exp(mpf(z)) for z in zs)
    assert loss.data == pytest.approx(float(mp.ln(total) - mpf(zs[target])), rel=1e-12, abs=1e-12)
    expected = [float(mp.exp(mpf(z)) / total) - (i == target) for i, z in enumerate(zs)]
    assert [v.grad for v in values] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(scores, st.sampled_from([-1, 1]))
def test_hinge(score, label):
    assert losses.hinge(score, label).data == max(0.0, 1 - label * score)
    if label * score != 1:
        assert slope(losses.hinge, score, label) == (-label if label * score < 1 else 0)


@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=5))
def test_mse_is_the_mean_over_a_list(pairs):
    predictions, goals = [Value(p) for p, _ in pairs], [t for _, t in pairs]
    loss = losses.mse(predictions, goals)
    loss.backward()
    assert loss.data == pytest.approx(sum((p - t) ** 2 for p, t in pairs) / len(pairs), rel=1e-12)
    assert [v.grad for v in predictions] == pytest.approx([2 * (p - t) / len(pairs) for p, t in pairs], rel=1e-12)


def test_far_off_predictions_do_not_overflow():
    assert losses.binary_cross_entropy_with_logits(1e300, 0).data == 1e300
    assert losses.binary_cross_entropy_with_logits(-1e300, 0).data == 0.0
    assert losses.cross_entropy([1e300, -1e300], 1).data == 2e300
    assert losses.hinge(-1e300, 1).data == 1e300


def test_a_right_and_certain_probability_costs_nothing():
    assert losses.binary_cross_entropy(Value(1.0), 1).data == 0.0
    assert losses.binary_cross_entropy(Value(0.0), 0).data == 0.0


def test_numbers_lists_arrays_and_values_are_all_welcome():
    expected = losses.mse([1.0, 2.0], [0.0, 4.0]).data
    for prediction in ([Value(1.0), 2], (1.0, 2.0), np.array([1.0, 2.0])):
        for target in ([0, 4], np.array([0.0, 4.0]), [Value(0.0), 4]):
            loss = losses.mse(prediction, target)
            assert type(loss) is Value
            assert loss.data == expected
    assert losses.mse(Value(1.0), [0.5]).data == losses.mse([1.0], np.float64(0.5)).data == 0.25
    assert losses.cross_entropy(np.array([1.0, 1.0]), np.int64(1)).data == pytest.approx(math.log(2))
    assert losses.cross_entropy([1.0, 2.0], [1]).data == losses.cross_entropy([1.0, 2.0], Value(1.0)).data


def test_what_large_scores_have_in_common_does_not_matter():
    for offset in (0.0, 1e10, 1e16):
        values = [Value(offset), Value(offset)]
        loss = losses.cross_entropy(values, 0)
        loss.backward()
        assert loss.data == math.log(2)
        assert [v.grad for v in values] == [-0.5, 0.5]
    assert losses.cross_entropy([40.0, 0.0], 0).data == pytest.approx(math.exp(-40), rel=1e-12, abs=0)


@pytest.mark.parametrize("loss", [losses.binary_cross_entropy_with_logits, losses.binary_cross_entropy])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_the_derivative_by_a_target_that_is_a_value(loss, t):
    target, prediction = Value(t), 0.3
    loss(prediction, target).backward()
    logit = prediction if loss is losses.binary_cross_entropy_with_logits else math.log(0.3 / 0.7)
    assert target.grad == pytest.approx(-logit, rel=1e-12)


def test_l2_penalty_is_one_node_with_slope_two_w():
    parameters = [Value(3.0), Value(-4.0)]
    penalty = losses.l2_penalty(parameters)
    penalty.backward()
    assert (penalty.data, penalty.op.name) == (25.0, "dot")
    assert [p.grad for p in parameters] == [6.0, -8.0]
    assert losses.l2_penalty([]).data == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.mse([1.0, 2.0], [1.0]), "2 predictions cannot be compared with 1 targets"),
        (lambda: losses.mse([], []), "0 predictions"),
        (lambda: losses.binary_cross_entropy(1.5, 1), "between 0 and 1, not 1.5; for scores"),
        (lambda: losses.binary_cross_entropy(0.5, 2), "target of a binary cross-entropy is between 0 and 1, not 2"),
        (
            lambda: losses.binary_cross_entropy(0.0, 1),
            "certain prediction 0.0 is infinite for the target 1; .*with_logits",
        ),
        (lambda: losses.binary_cross_entropy(1.0, 0), "certain prediction 1.0 is infinite for the target 0"),
        (lambda: losses.binary_cross_entropy_with_logits(0.0, -1), "between 0 and 1, not -1"),
        (lambda: losses.cross_entropy([0.0, 1.0], [0, 1]), "index of one class, not 2 numbers"),
        (lambda: losses.cross_entropy([0.0, 1.0], 2), "whole number from 0 to 1, not 2"),
        (lambda: losses.cross_entropy([0.0, 1.0], -1), "whole number from 0 to 1, not -1"),
        (lambda: losses.cross_entropy([0.0, 1.0], 0.5), "whole number from 0 to 1, not 0.5"),
        (lambda: losses.hinge(0.3, 0), "target of hinge is -1 or 1, not 0"),
    ],
)
def test_what_a_loss_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
