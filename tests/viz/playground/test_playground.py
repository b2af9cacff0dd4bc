"""The playground, in a real browser: it trains as ``compile_loss`` does, and shows the engine's numbers."""

import html
import math
import os
import re
import shutil

import pytest

from tinygrad_edu import Operation, Value, compile_loss, data, losses, nn, optim, viz
from tinygrad_edu.compiling.js_text import NoJavaScript

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
in_browser = pytest.mark.skipif(
    CHROMIUM is None and "REQUIRE_CHROMIUM" not in os.environ, reason="needs Chromium: apt-get install chromium"
)


def moons_model():
    return nn.MLP(2, [8, 8, 1], "tanh", seed=0)


def moons_playground(model=None):
    return viz.playground(model or moons_model(), *data.moons(100, seed=0), title="moons")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, tmp_path_factory):
    """Open a playground; afterwards there was no error, and no request but for the file itself."""
    contexts, troubles = [], []

    def open_page(playground, **options):
        path = tmp_path_factory.mktemp("playground") / "page.html"
        playground.to_html(path)
        context = browser.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("request", lambda request: request.url == path.as_uri() or troubles.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="module")
def open_tab(visit):
    return visit(moons_playground())


@pytest.fixture
def tab(open_tab):
    """The playground of ``moons_playground``, as it begins."""
    open_tab.evaluate("() => { firstPoints(); gather(); reset(); openNeuron(0, 0); choosePen(0); }")
    open_tab.get_by_label("weights").check(force=True)
    return open_tab


def trained(model, points, loss, optimizer, steps):
    """The losses of so many steps, by the compiled loss."""
    compiled, found = compile_loss(model, loss), []
    for _ in range(steps):
        optimizer.zero_grad()
        found.append(compiled(*points))
        optimizer.step()
    return found


OPTIMIZERS = {
    "SGD": lambda parameters, lr: optim.SGD(parameters, lr=lr),
    "SGD, momentum 0.9": lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9),
    "Adam": lambda parameters, lr: optim.Adam(parameters, lr=lr),
}


def agree(found, expected):
    return all(abs(a - b) <= 1e-12 * max(1.0, abs(b)) for a, b in zip(found, expected, strict=True))


@in_browser
@pytest.mark.parametrize(
    ("make", "points", "loss"),
    [
        (moons_model, data.moons(100, seed=0), losses.binary_cross_entropy_with_logits),
        (lambda: nn.MLP(2, [5, 3], "relu", seed=1), data.blobs(60, seed=1), losses.cross_entropy),
        (lambda: nn.MLP(2, [4, 1], "gelu", "sigmoid", seed=2), data.circles(40, seed=2), losses.binary_cross_entropy),
    ],
    ids=["moons", "blobs", "circles"],
)
def test_the_losses_of_200_steps_are_those_of_the_compiled_loss(visit, make, points, loss):
    tab = visit(viz.playground(make(), *points))
    for name, optimizer in OPTIMIZERS.items():
        tab.select_option("#optimizer", name)
        tab.select_option("#rate", "0.03")
        found = tab.evaluate("() => { reset(); for (let i = 1; i < 200; i++) step(); return history; }")
        model = make()
        assert agree(found, trained(model, points, loss, optimizer(model.parameters(), 0.03), 200)), name


@in_browser
def test_an_opened_neuron_shows_the_engines_numbers(tab):
    model, (inputs, targets) = moons_model(), data.moons(100, seed=0)
    first, second, last = [list(layer.neurons) for layer in model.layers]
    x = [Value(number) for number in inputs[0]]
    h = [neuron(x) for neuron in first]
    z = sum((w * a for w, a in zip(second[2].w, h)), second[2].b)
    out = z.tanh()
    others = [neuron(h) for neuron in second]
    score = last[0]([*others[:2], out, *others[3:]])
    loss = losses.binary_cross_entropy_with_logits(score, targets[0])
    loss.backward()
    tab.get_by_label("Open neuron 3 of layer 2").click()
    assert tab.text_content("#neuron-name") == "Neuron 3 of layer 2, opened"
    rows = tab.eval_on_selector_all("#neuron tbody tr", "all => all.map(e => [...e.cells].map(c => c.textContent))")
    shown = [[number(text) for text in row[1:]] for row in rows]
    for i, (w, a) in enumerate(zip(second[2].w, h)):
        assert rows[i][0] == str(i + 1)
        assert shown[i] == pytest.approx([a.data, w.data, a.data * w.data, w.grad], rel=6e-3, abs=1e-12)
    assert shown[-1][2] == pytest.approx(z.data, rel=6e-3)
    facts = tab.eval_on_selector_all("#neuron dd", "all => all.map(e => e.textContent)")
    assert [*map(number, facts)] == pytest.approx([out.data, out.grad, z.grad], rel=6e-3)
    tab.get_by_label("Open output neuron").click()
    facts = tab.eval_on_selector_all("#neuron dd", "all => all.map(e => e.textContent)")
    assert [*map(number, facts)] == pytest.approx([score.data, score.grad, score.grad], rel=6e-3)


def number(text):
    return float(text.replace("−", "-")) if text else None


@in_browser
def test_points_are_added_chosen_and_removed_by_mouse_and_by_keys(tab):
    count, before = "() => points.length", tab.evaluate("() => history[0]")
    tab.get_by_label("class 1, square").check(force=True)
    tab.click("#plane", position={"x": 12, "y": 12})
    assert tab.evaluate(count) == 101
    assert tab.evaluate("() => chosenPoint.kind") == 1
    assert tab.text_content("#said").startswith("Added: class 1, square at (−")
    assert tab.evaluate("() => history[0]") > before  # it lies among the others
    tab.click("#plane", position={"x": 14, "y": 13})
    assert tab.evaluate(count) == 101
    tab.focus("#plane")
    for key in ("0", "ArrowRight", "ArrowDown", "Enter"):
        tab.keyboard.press(key)
    assert tab.evaluate("() => [points.length, chosenPoint.kind]") == [102, 0]
    tab.keyboard.press("Delete")
    assert tab.evaluate(count) == 101
    tab.click("#original")
    assert tab.evaluate(count) == 100
    assert tab.evaluate("() => history[0]") == before


@in_browser
def test_run_pause_step_and_reset(tab):
    start = tab.evaluate("() => [...parameters]")
    tab.click("#step")
    assert tab.text_content("#epoch") == "1"
    tab.click("#run")
    tab.wait_for_function("() => history.length > 20")
    assert tab.text_content("#run") == "Pause"
    tab.click("#run")
    epoch = tab.evaluate("() => history.length")
    assert tab.evaluate("() => new Promise(r => setTimeout(() => r(history.length), 60))") == epoch
    assert tab.text_content("#said") == f"Paused at epoch {epoch - 1}, loss {tab.text_content('#now')}."
    tab.click("#reset")
    assert tab.evaluate("() => [...parameters]") == start
    assert [tab.text_content(f"#{name}") for name in ("epoch", "run")] == ["0", "Run"]


@in_browser
def test_where_the_loss_becomes_infinite_the_last_step_is_taken_back(visit):
    model = nn.MLP(2, [6, 6, 1], "exp", seed=0)
    tab = visit(viz.playground(model, *data.moons(20, seed=0)))
    tab.select_option("#optimizer", "SGD")
    tab.select_option("#rate", "3")
    tab.click("#run")
    tab.wait_for_function("() => !running")
    assert tab.text_content("#said") == "The loss became Infinity. Try a smaller learning rate than 3."
    assert tab.evaluate("() => parameters.every(Number.isFinite) && history.every(Number.isFinite)")


@in_browser
def test_everything_is_reached_by_the_keyboard(tab):
    tab.focus("#run")
    reached = ["run"]
    while "original" not in reached:
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("() => document.activeElement.id || document.activeElement.name"))
    tab.keyboard.press("Tab")
    assert reached == ["run", "step", "reset", "optimizer", "rate", "speed", "plane", "pen", "remove", "original"]
    assert tab.evaluate("() => document.activeElement.name") == "lines"
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("() => showsGradients")
    tab.keyboard.press("Tab")
    for key in ("ArrowRight", "ArrowDown"):
        tab.keyboard.press(key)
    assert tab.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Open neuron 2 of layer 2"
    tab.keyboard.press("Enter")
    assert tab.text_content("#neuron-name") == "Neuron 2 of layer 2, opened"


@in_browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_it_fits_and_nothing_overlaps(tab, width, height):
    tab.set_viewport_size({"width": width, "height": height})
    assert tab.evaluate("() => document.documentElement.scrollWidth") == width
    boxes = tab.eval_on_selector_all(
        "section", "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
    )
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other_left, other_top, other_right, other_bottom in boxes[:i]:
            apart = left >= other_right - 1 or right <= other_left + 1
            assert apart or top >= other_bottom - 1 or bottom <= other_top + 1
    if width > 1000:
        assert max(bottom for *_, bottom in boxes) <= height


@in_browser
def test_with_reduced_motion_there_are_few_pictures(tab):
    tab.emulate_media(reduced_motion="reduce")
    tab.evaluate(
        "() => { window.pictures = 0; const draw = drawLoss; drawLoss = () => { window.pictures++; draw(); }; }"
    )
    tab.click("#run")
    tab.wait_for_function("() => history.length > 100")
    tab.click("#run")
    assert tab.evaluate("() => window.pictures <= 1 + history.length / 50")
    tab.emulate_media(reduced_motion="no-preference")


@in_browser
def test_the_negative_and_the_classes_differ_in_more_than_colour(tab):
    dashes = "all => all.map(e => getComputedStyle(e).strokeDasharray !== 'none')"
    signs = tab.evaluate("() => wires.map(({ place }) => parameters[place] < 0)")
    assert tab.eval_on_selector_all("#wires path", dashes) == signs
    assert tab.evaluate("() => new Set(SHAPES).size") == 4


@in_browser
def test_in_a_notebook_it_runs_in_a_frame(browser):
    tab = browser.new_page()
    tab.set_content(moons_playground()._repr_html_())
    frame = tab.frames[1]
    frame.wait_for_selector(".cell.chosen")
    frame.click("#step")
    assert frame.text_content("#epoch") == "1"
    tab.close()


def test_the_file_is_small_and_no_text_becomes_markup(tmp_path):
    title = "</script><script>alert(1)</script> {{data}}"
    viz.playground(moons_model(), *data.moons(100, seed=0), title=title).to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(text.encode()) <= 100_000
    assert "<script>alert" not in text
    assert html.escape(title) in text
    assert not re.search(r"\beval\b|new Function|https?://(?!www.w3.org)", text)


def test_the_model_stays_as_it_is(tmp_path):
    model = moons_model()
    before = [(parameter.data, parameter.grad) for parameter in model.parameters()]
    moons_playground(model).to_html(tmp_path / "page.html")
    assert [(parameter.data, parameter.grad) for parameter in model.parameters()] == before


POINTS = [[0.0, 1.0], [1.0, 0.0]], [0, 1]


@pytest.mark.parametrize(
    ("model", "points", "kind", "message"),
    [
        (nn.MLP(2, [19, 18, 1]), POINTS, ValueError, "of at most 400 parameters; this one has 436. Take fewer"),
        (nn.MLP(3, [1]), POINTS, ValueError, "not points of 2 numbers and a model that takes 3"),
        (nn.MLP(2, [1]), ([[1.0]], [0]), ValueError, "not points of 1 numbers and a model that takes 2"),
        (nn.MLP(2, [1]), ([[0.0, 1.0]], [2]), ValueError, r"targets\[0\] is 2, not a class from 0 to 1"),
        (nn.MLP(2, [1]), ([[0.0, 1.0]], [0.5]), ValueError, r"targets\[0\] is 0.5, not a class from 0 to 1"),
        (nn.MLP(2, [5]), POINTS, ValueError, "at most 4 classes and 1,000 points, not 5 and 2"),
        (nn.Module(), POINTS, TypeError, "networks of layers one after the other, which Module is not"),
    ],
)
def test_what_it_cannot_show_is_refused(model, points, kind, message):
    with pytest.raises(kind, match=message):
        viz.playground(model, *points)


class Skipping(nn.Module):
    """Layers that are not one after the other."""

    def __init__(self):
        self.first, self.second = nn.Layer(2, 2, "tanh", seed=0), nn.Layer(2, 1, None, seed=1)

    def __call__(self, x):
        return self.second([a + b for a, b in zip(self.first(x), x)])


def test_layers_that_are_joined_in_another_way_are_refused(tmp_path):
    with pytest.raises(TypeError, match="networks of layers one after the other, which Skipping is not"):
        viz.playground(Skipping(), *POINTS).to_html(tmp_path / "page.html")


def test_an_activation_of_one_s_own_needs_a_text(tmp_path):
    Operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,))
    with pytest.raises(NoJavaScript, match="'cube' does not say how"):
        viz.playground(nn.MLP(2, [2, 1], "cube", seed=0), *POINTS).to_html(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    Operation("cube", lambda x: x**3, lambda y, x: (3 * x * x,), python="x ** 3")
    viz.playground(nn.MLP(2, [2, 1], "cube", seed=0), *POINTS).to_html(tmp_path / "page.html")
    assert math.isfinite((tmp_path / "page.html").stat().st_size)
