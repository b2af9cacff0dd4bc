"""The page, in a real browser: what it shows are the engine's numbers, and nothing gets in or out."""

import json
import re

import pytest

from tinygrad_edu import Value, explain, nn, relu, sin, tanh
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.viz.page import page as page_module
from tinygrad_edu.viz.page import svg


def used_twice():
    x, w = Value(3.0, label="x"), Value(-0.5, label="w")
    y = x * x + sin(w * x) - tanh(w)
    y.label = "y"
    return y


def position(tab):
    return int(tab.input_value("#slider"))


def focus(tab):
    return tab.evaluate("document.activeElement.id || document.activeElement.className")


def graphics(tab):
    """The classes of all boxes and arrows and the text in them: what the drawing looks like."""
    return tab.eval_on_selector_all(
        ".node, .wire", "all => all.map(e => [e.id, [...e.classList].sort(), e.textContent])"
    )


def outside(tab):
    """The boxes that are not wholly inside the place of the drawing."""
    return tab.evaluate("""() => {
        const place = document.querySelector("#drawing").getBoundingClientRect();
        const inside = (box) => box.left >= place.left && box.right <= place.right && box.top >= place.top
            && box.bottom <= place.bottom;
        return [...document.querySelectorAll(".node")].filter((e) => !inside(e.getBoundingClientRect())).map((e) => e.id);
    }""")


def test_every_number_on_the_page_is_the_engines(visit):
    y = used_twice()
    tab = visit(y)
    explanation = explain(y)
    y.backward()
    tab.keyboard.press("End")
    for i, node in enumerate(explanation.order):
        box = tab.locator(f"#n{i}")
        assert box.locator(".data").text_content() == f"data {digits(node.data)}"
        assert box.locator(".grad").text_content() == f"grad {digits(node.grad)}"
        box.click()
        lines = "all => all.map(e => [e.textContent, e.nextSibling.textContent])"
        shown = dict(tab.eval_on_selector_all("#about-lines dt", lines))
        assert float(shown["value"]) == node.data
        assert float(shown["gradient"]) == node.grad
        if node is not y:
            assert tab.locator("#about-check").text_content().startswith("✓")
        tab.keyboard.press("Escape")
    for step in explanation.backward:
        node = explanation.order.index(step.node)
        assert tab.locator(f"#e{node}_{step.index} .local").text_content() == f"× {digits(step.local)}"


def test_the_steps_are_forward_then_backward_and_every_way_through_them_agrees(visit):
    tab = visit(used_twice())
    explanation = explain(used_twice())
    computed = [step for step in explanation.forward if step.formula]
    count = 1 + len(computed) + 1 + len(explanation.backward) + 1
    pictures, phases = [], []
    for _ in range(count):
        pictures.append(graphics(tab))
        phases.append(tab.text_content("#phase"))
        tab.keyboard.press("ArrowRight")
    assert phases == ["Forward pass"] * (1 + len(computed)) + ["Backward pass"] * (count - 1 - len(computed))
    assert position(tab) == count - 1
    assert tab.is_disabled("#next")
    assert tab.is_disabled("#last")
    for i in reversed(range(count - 1)):
        tab.click("#previous")
        assert graphics(tab) == pictures[i]
    assert tab.is_disabled("#previous")
    tab.click("#last")
    assert graphics(tab) == pictures[-1]
    tab.click("#first")
    assert graphics(tab) == pictures[0]
    tab.fill("#slider", "4")
    assert graphics(tab) == pictures[4]
    tab.click("#next")
    assert position(tab) == 5
    tab.keyboard.press("Home")
    assert position(tab) == 0


@pytest.mark.thorough
def test_each_contribution_lights_its_arrow_and_fills_in_the_grad(visit):
    y = used_twice()
    tab = visit(y)
    explanation = explain(y)
    forward = 1 + sum(step.formula is not None for step in explanation.forward)
    for i, step in enumerate(explanation.backward):
        tab.fill("#slider", str(forward + 1 + i))
        node, parent = (
            explanation.order.index(step.node),
            next(j for j, other in enumerate(explanation.order) if other is step.parent),
        )
        assert tab.eval_on_selector_all(".wire.current", "all => all.map(e => e.id)") == [f"e{node}_{step.index}"]
        assert tab.text_content(f"#n{parent} .grad") == f"grad {digits(step.total)}"
        assert "current" in tab.get_attribute(f"#n{parent}", "class")
        assert digits(step.amount) in tab.text_content("#words")
        sign = tab.text_content(f"#e{node}_{step.index} .flow")  # also for who does not see the colour
        assert sign == ("+" if step.amount > 0 else "−")


@pytest.mark.thorough
def test_where_a_value_is_used_twice_the_contributions_are_seen_to_add_up(visit):
    x = Value(3.0, label="x")
    tab = visit(x * x)
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    assert re.sub(r"\s", "", tab.locator("#lines dd").last.text_content()) == "∂v1∂x=3+3=6"
    tab.click("#n0")
    assert tab.locator("#about-lines dt").all_text_contents() == [
        "value", "gradient", "x₍₁₎ through v1", "x₍₂₎ through v1", "sum",
    ]  # fmt: skip


@pytest.mark.thorough
def test_play_goes_on_by_itself_and_stops_at_the_end(visit):
    tab = visit(Value(2.0, label="x") * 3)
    tab.clock.install()
    tab.reload()
    tab.keyboard.press("Space")
    assert tab.get_attribute("#play", "aria-pressed") == "true"
    tab.clock.run_for(2100)
    assert position(tab) == 1
    tab.clock.run_for(60000)
    assert position(tab) == int(tab.get_attribute("#slider", "max"))
    assert tab.get_attribute("#play", "aria-label") == "Play"
    tab.click("#play")
    tab.select_option("#speed", "4")
    tab.clock.run_for(2100)
    assert position(tab) == 4


def test_the_keyboard_alone_reaches_everything(visit):
    tab = visit(used_twice())
    tab.keyboard.press("Tab")
    assert focus(tab) == "skip"
    stops = []
    for _ in range(4):
        tab.keyboard.press("Tab")
        stops.append(focus(tab))
    assert stops == ["smaller", "larger", "whole", "full"]
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    assert focus(tab) == "n0"  # the one stop of the drawing, on x
    tab.keyboard.press("Enter")
    assert tab.text_content("#about-name") == "x"
    assert not tab.is_visible("#step")
    tab.keyboard.press("Escape")
    assert tab.is_visible("#step")
    tab.keyboard.press("Tab")
    assert focus(tab) not in {f"n{i}" for i in range(9)}
    assert all(
        tab.locator("button:visible").evaluate_all("all => all.map(b => b.getAttribute('aria-label') || b.textContent)")
    )
    tab.keyboard.press("?")
    assert tab.is_visible("#help")
    tab.keyboard.press("End")
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#help")
    assert position(tab) == 0
    tab.keyboard.press("PageDown")
    assert position(tab) == 1
    tab.focus("#slider")
    tab.keyboard.press("f")
    tab.wait_for_function("document.fullscreenElement")
    tab.keyboard.press("F")
    tab.wait_for_function("!document.fullscreenElement")


@pytest.mark.thorough
def test_arrow_keys_in_the_drawing_follow_its_arrows(visit):
    x, w = Value(3.0, label="x"), Value(-0.5, label="w")
    tab = visit(x * x + w)  # n0 is x, n1 the product, n2 is w, n3 the sum
    tab.focus("#n0")
    seen = []
    for key in ["ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight",
                "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowLeft"]:  # fmt: skip
        tab.keyboard.press(key)
        seen.append(focus(tab))
    uses = {"e1_0", "e1_1"}
    assert {seen[0], seen[1]} == uses
    assert seen[2] == "n1"
    assert {seen[3], seen[4]} == uses
    assert seen[5:9] == ["n1", "e3_0", "n3", "n3"]
    assert {seen[9], seen[10]} == {"e3_0", "e3_1"}
    assert (seen[11], seen[12]) in {("e3_1", "n2"), ("e3_0", "n1")}
    assert position(tab) == 0
    assert tab.locator("#drawing [tabindex='0']").count() == 1


@pytest.mark.thorough
def test_a_chosen_arrow_shows_what_arrives_the_local_derivative_and_what_flows_on(visit):
    tab = visit(used_twice())
    explanation = explain(used_twice())
    for step in explanation.backward[:3]:
        node = explanation.order.index(step.node)
        tab.locator(f"#e{node}_{step.index} .hit").dispatch_event("click")
        assert tab.text_content("#about-name").endswith(f"→ {explanation.names[step.node]}")
        words = tab.text_content("#about-kind")
        assert f"{digits(step.upstream)} has arrived" in words
        assert f"local derivative is {digits(step.local)}, so {digits(step.amount)} flows" in words
        assert tab.locator("#about-lines dt").all_text_contents()[:2] == ["Rule", "Chain rule"]
    assert position(tab) == 0
    tab.click("#go")
    assert tab.text_content("#title") == f"From {step.node.label or explanation.names[step.node]} back to " + str(
        explanation.names[step.parent]
    )


def test_all_paths_are_those_of_explain_and_the_chosen_one_is_lit(visit):
    y = used_twice()
    tab = visit(y)
    order = explain(y).order
    for x in (order[0], next(node for node in order if node.label == "w")):
        expected = explain(y, wrt=x)
        tab.click(f"#n{order.index(x)}")
        tab.click("#all")
        rows = expected.tables[0].rows
        assert tab.locator("#routes span").all_text_contents() == [str(row[1]) for row in rows]
        formulas = [re.sub(r"\s", "", text) for text in tab.locator("#routes math").all_text_contents()]
        assert formulas == [re.sub(r"\s", "", f"{row[2]}={row[3]}") for row in rows]
        assert re.sub(r"\s", "", tab.text_content("#paths-sum")).endswith("=" + digits(expected.total))
    tab.click("#routes button >> nth=0")
    lit = {f"e{order.index(node)}_{index}" for node, index in expected.paths[0].edges}
    assert set(tab.eval_on_selector_all(".wire.lit", "all => all.map(e => e.id)")) == lit
    assert tab.text_content("#said") == f"{rows[0][1]}: {rows[0][2]} = {rows[0][3]}"
    tab.fill("#x0", "2")  # changing a number keeps the paths, with new products
    assert set(tab.eval_on_selector_all(".wire.lit", "all => all.map(e => e.id)")) == lit
    tab.keyboard.press("Escape")
    tab.keyboard.press("Escape")
    assert tab.locator(".lit").count() == 0


@pytest.mark.thorough
def test_of_many_paths_the_largest_are_listed_and_the_rest_counted(visit):
    x = y = Value(0.9, label="x")
    for i in range(6):
        y = y * (y + i)
    y.label = "y"
    tab = visit(y)
    expected = explain(y, wrt=x)
    tab.click("#n0")
    tab.click("#all")
    assert tab.text_content("#paths-title").startswith(
        f"{expected.count:,} paths lead from y back to x, of which these 20"
    )
    assert tab.locator("#routes span").all_text_contents() == [str(row[1]) for row in expected.tables[0].rows]


@pytest.mark.thorough
def test_a_screen_reader_is_told_each_change_once(visit):
    tab = visit(used_twice())
    assert tab.locator("[aria-live], [role=status]").count() == 1
    tab.keyboard.press("ArrowRight")
    title, words = tab.text_content("#title"), tab.text_content("#words")
    assert tab.text_content("#said") == f"{title}. {words}"
    tab.focus("#slider")
    tab.keyboard.press("ArrowRight")  # the slider itself says the title
    assert tab.text_content("#said") == tab.text_content("#words")
    assert tab.text_content("#title") in tab.get_attribute("#slider", "aria-valuetext")
    tab.click("#n0")
    assert tab.text_content("#said").startswith("x. input. value 3.0. gradient 5.96")


@pytest.mark.thorough
def test_space_plays_also_after_a_click_on_a_box(visit):
    tab = visit(used_twice())
    tab.click("#n1")
    tab.keyboard.press("Space")
    assert tab.get_attribute("#play", "aria-pressed") == "true"


def test_labels_cannot_inject_anything(visit):
    nasty = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    x = Value(2.0, label=nasty)
    y = x * Value(1.5, label='"><svg onload=alert(3)>') + Value(1.0, label="{{data}} \\u003c & ' \u202e\x00\ud800")
    y.label = "<b>bold</b>"
    tab = visit(y)
    tab.keyboard.press("End")
    tab.click("#n0")
    assert (
        tab.locator("img, main b:not(.legend b, #level-name), iframe, script:not(#data)").count() == 1
    )  # the page's own script
    assert tab.locator("[onerror], [onload]").count() == 0
    assert "<img" in tab.text_content("#about-name")


@pytest.mark.parametrize(
    ("size", "scheme", "text", "panel_text"),
    [
        ((1440, 900), "light", 11, 15),
        ((1024, 768), "dark", 18, 18),
        ((390, 844), "light", 13, 15),
        ((844, 390), "dark", 12, 14),
    ],
)
@pytest.mark.thorough
def test_it_fits_its_screen_and_can_be_read(visit, size, scheme, text, panel_text):
    tab = visit(used_twice(), viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert tab.evaluate("document.documentElement.scrollHeight") <= size[1]
    for button in tab.locator(".controls button:visible").all():
        assert button.bounding_box()["height"] >= 44
        assert button.bounding_box()["y"] + button.bounding_box()["height"] <= size[1]
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    sizes = tab.evaluate("""[...document.querySelectorAll("body *")]
        .filter((e) => e instanceof HTMLElement && e.innerText?.trim() && e.checkVisibility() && !e.matches(".unseen, .skip"))
        .map((e) => parseFloat(getComputedStyle(e).fontSize))""")
    assert min(sizes) >= panel_text
    scale = tab.evaluate("view.scale")
    assert round(15.5 * scale, 1) >= text
    current, place, panel = (
        tab.locator(selector).bounding_box() for selector in (".node.current", "#drawing", "#panel")
    )
    for start, side in (("x", "width"), ("y", "height")):
        assert place[start] <= current[start]
        assert current[start] + current[side] <= place[start] + place[side]
    assert panel["height"] >= 300 or panel["width"] >= 400
    colours = tab.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    ink, ground = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert (ink < 200 and ground > 600) if scheme == "light" else (ink > 600 and ground < 200)


@pytest.mark.thorough
def test_the_drawing_is_zoomed_and_dragged(visit):
    tab = visit(used_twice())
    place = tab.locator("#drawing").bounding_box()
    x, y = place["x"] + 200, place["y"] + 300
    under = f"() => [({x} - {place['x']} - view.left) / view.scale, ({y} - {place['y']} - view.top) / view.scale]"
    before, scale = tab.evaluate(under), tab.evaluate("view.scale")
    tab.mouse.move(x, y)
    tab.mouse.wheel(0, -300)
    tab.wait_for_function(f"view.scale > 1.2 * {scale}")
    assert tab.evaluate(under) == pytest.approx(before)
    left = tab.evaluate("view.left")
    tab.mouse.down()
    tab.mouse.move(x + 40, y, steps=4)
    tab.mouse.up()
    assert tab.evaluate("view.left") == pytest.approx(left + 40)
    assert tab.is_visible("#step")  # nothing was chosen
    scale = tab.evaluate("view.scale")
    tab.keyboard.press("+")
    tab.click("#larger")
    assert tab.evaluate("view.scale") == pytest.approx(scale * 1.25**2)
    tab.keyboard.press("-")
    tab.click("#smaller")
    assert tab.evaluate("view.scale") == pytest.approx(scale)
    tab.keyboard.press("0")
    assert outside(tab) == []


@pytest.mark.thorough
def test_two_fingers_zoom_and_a_tap_chooses(visit):
    tab = visit(used_twice(), viewport={"width": 390, "height": 844}, has_touch=True)
    scale = tab.evaluate("view.scale")
    send = tab.context.new_cdp_session(tab).send

    def touch(kind, *points):
        send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, x, y in points]}
        )

    touch("touchStart", (0, 100, 200), (1, 200, 200))
    for i in range(1, 6):
        touch("touchMove", (0, 100 - 10 * i, 200), (1, 200 + 10 * i, 200))
    touch("touchEnd")
    assert tab.evaluate("view.scale") == pytest.approx(2 * scale, rel=0.1)
    assert tab.is_visible("#step")
    tab.keyboard.press("0")
    tab.tap("#n0")
    assert tab.text_content("#about-name") == "x"


@pytest.mark.thorough
def test_a_large_graph_is_shown_whole_on_request(visit):
    x = y = Value(0.5, label="x")
    for _ in range(12):
        y = (y * x).tanh()
    tab = visit(y)
    assert outside(tab)
    tab.click("#whole")
    assert outside(tab) == []
    tab.keyboard.press("0")
    assert outside(tab)
    assert outside(visit(x * 2)) == []


def test_the_page_of_an_infinite_derivative_says_where_it_ends(visit):
    tab = visit((Value(0.0, label="x")).sqrt() * 2)
    tab.keyboard.press("End")
    assert "the derivative of sqrt at x = 0.0 is infinite" in tab.text_content("#words")
    tab.click("#n0")
    assert "not known, because the backward pass fails" in tab.text_content("#about-lines")


@pytest.mark.thorough
def test_reduced_motion_is_respected(visit):
    motions = []
    for preference in ("reduce", "no-preference"):
        tab = visit(used_twice(), reduced_motion=preference)
        tab.keyboard.press("End")
        tab.keyboard.press("ArrowLeft")
        flow = tab.eval_on_selector(".wire.current .line", "e => getComputedStyle(e).animationName")
        motions.append((flow, tab.eval_on_selector("#drawing > svg", "e => getComputedStyle(e).transitionDuration")))
    assert motions == [("none", "0s"), ("flow", "0.35s")]


@pytest.mark.thorough
def test_the_drawing_shows_all_values_without_javascript(visit):
    tab = visit(used_twice(), java_script_enabled=False)
    assert tab.locator(".unknown").count() == 0
    assert "needs JavaScript" in tab.text_content("body") or "need JavaScript" in tab.text_content("body")


def test_the_page_is_one_small_file(tmp_path):
    model = nn.MLP(3, [4, 3, 1], "tanh", seed=0)
    loss = (model([1.0, 2.0, 3.0]) - 1) ** 2
    assert 45 <= len(explain(loss).order) <= 60
    path = tmp_path / "page.html"
    explain(loss).to_html(path)
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert "http:" not in text.replace("http://www.w3.org/1998/Math/MathML", "")
    assert "https:" not in text
    assert re.search(r"default-src 'none'; style-src 'sha256-[^']{44}'; script-src 'sha256-[^']{44}'", text)
    assert "{{" not in text


def test_a_nudge_finds_a_kink_and_a_wrong_rule(visit, own_operation):
    tab = visit(relu(Value(0.0, label="x")) + 1)
    tab.click("#n0")
    assert tab.text_content("#about-check") == "A kink: below, v2 changes 0 times as much as x; above, 1 times."
    wrong = own_operation("wrong_square", lambda x: x * x, lambda y, x: (3 * x,), python="x * x")
    tab = visit(wrong(Value(2.0, label="x")))
    tab.click("#n0")
    assert tab.text_content("#about-check").startswith("✗")
    assert "4 times as much, which does not agree" in tab.text_content("#about-check")


def test_numbers_that_json_does_not_know_are_written_as_text():
    def refuse(word):
        raise AssertionError(word)

    text = page_module.page(explain(Value(float("inf"), label="x") * float("nan")))
    [document] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert json.loads(document, parse_constant=refuse)


def test_an_existing_page_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("mine")
    monkeypatch.setattr(svg, "lay_out", lambda *args: (_ for _ in ()).throw(RuntimeError("no Graphviz")))
    with pytest.raises(RuntimeError, match="no Graphviz"):
        explain(used_twice()).to_html(path)
    assert path.read_text() == "mine"


def test_a_notebook_shows_the_page_in_a_frame_and_without_trust_the_drawing(browser):
    y = used_twice()
    shown = explain(y).live()
    assert "to_html" in repr(shown)
    tab = browser.new_page()
    tab.set_content(shown._repr_html_())
    frame = tab.frame_locator("iframe")
    frame.locator("#last").click()
    assert frame.locator("#title").text_content() == "All gradients are known"
    frame.locator("#x0").fill("2")
    assert frame.locator("#n0 .data").text_content() == "data 2"
    assert tab.locator("iframe").bounding_box()["height"] == 640
    assert tab.locator("img").count() == 0
    tab.set_content(re.sub(r"</?iframe[^>]*>", "", shown._repr_html_()))  # as JupyterLab does without trust
    assert tab.eval_on_selector("img", "e => e.decode().then(() => e.naturalWidth)") > 100
    assert "every value" in tab.get_attribute("img", "alt")
    assert "Trust this notebook" in tab.text_content("body")
    tab.close()
