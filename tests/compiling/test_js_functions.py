"""Functions in JavaScript around compiled statements: what they are given and what they refuse. (That they compute what
Python's do is tested where they run: tests/viz/playground.)"""

import pytest

from tinygrad_edu import Operation, Value, compile_loss, data, losses, nn, optim
from tinygrad_edu.compiling.js_functions import recorded_js
from tinygrad_edu.compiling.js_text import NoJavaScript


def test_a_compiled_loss_has_a_function_for_each_target_and_one_for_all_where_that_does():
    model = nn.MLP(2, [2, 1], "tanh", seed=0)
    by_target = compile_loss(model, losses.binary_cross_entropy_with_logits)
    with pytest.raises(ValueError, match="there is no code yet"):
        _ = by_target.js_source
    by_target(*data.xor())
    assert "const losses = new Map([[0, loss_0], [1, loss_1]]);" in by_target.js_source
    assert {*by_target.parameters} == {*model.parameters()}
    for_all = compile_loss(model, losses.mse)
    for_all(*data.xor())
    assert "function loss_0(prediction, target, slopes)" in for_all.js_source
    assert "get: () => loss_0" in for_all.js_source


def test_what_cannot_be_written_is_refused():
    Operation("odd", lambda x: x, lambda y, x: (1.0,))
    model = nn.MLP(1, [1, 1], "odd", seed=0)
    own = compile_loss(model, losses.mse)
    own([[1.0]], [1.0])
    with pytest.raises(NoJavaScript, match="'odd' does not say how its numbers are computed"):
        _ = own.js_source
    several = compile_loss(nn.MLP(1, [2], seed=0), lambda p, t: (p[0] - t[0]) ** 2 + (p[1] - t[1]) ** 2)
    several([[1.0]], [[1.0, 2.0]])
    with pytest.raises(NoJavaScript, match="the target is several numbers"):
        _ = several.js_source


def test_names_that_javascript_has_taken_get_a_dollar_sign():
    new = Value(2.0, label="new")
    text, outside = recorded_js("f", lambda var: [var * new], [1.0])
    assert "results[0] = $var * $new;" in text
    assert outside == [new]


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW])
def test_an_optimizer_in_javascript_changes_nothing(make):
    optimizer = make([Value(1.0)])
    before = repr(vars(optimizer))
    assert "settings: function settings(numbers, results)" in optimizer.js_source
    assert repr(vars(optimizer)) == before
