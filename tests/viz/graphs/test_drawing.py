"""Drawings: that they hold what they should and can be laid out whatever is in them; how they look is for people."""

import base64
import itertools
import json
import math
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

import pytest
from samples import ROWS

from tinygrad_edu import Value, draw, losses, nn, topological_order
from tinygrad_edu.engine import ops
from tinygrad_edu.engine.backward import local_derivatives
from tinygrad_edu.formulas.formula import digits
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.viz.graphs import layout
from tinygrad_edu.viz.graphs.expansion import expand
from tinygrad_edu.viz.graphs.folding import fold
from tinygrad_edu.viz.graphs.groups import group_of_each, parts, role, symbol
from tinygrad_edu.viz.graphs.layout import lay_out
from tinygrad_edu.viz.graphs.picture import FORMATS, Picture, Scale

NASTY = ['a "quote"', "back\\slash \\N \\G \\l \\", "<b>bold</b>", "<script>alert(1)</script>", "two\nlines\r\t", "é日本🎉",
         "שלום \u202eabc", "\0", "\ud800", "&amp; &#60;", "'", "<", "<<table>", "]]>", "--", "->", "{a|b}", "%n", "x" * 10_000,
         "}", ";", "/*", "//", "#", "javascript:alert(1)", "\x1b[31m", "\ufeff", "a.b.c", ".", "..", "layers.0.w", "0.1"]  # fmt: skip
BACKSLASH = "\N{SET MINUS}"  # as it is drawn
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "g", "title", "polygon", "polyline", "path", "text", "a", "ellipse", "tspan"}
PLAIN = {"width", "height", "viewBox", "id", "class", "transform", "fill", "stroke", "stroke-width", "points", "d", "x", "y",
         "text-anchor", "font-family", "font-size", "font-weight", "cx", "cy", "rx", "ry", "stroke-dasharray",
         "{http://www.w3.org/1999/xlink}title", "fill-opacity", "stroke-opacity", "text-decoration", "font-style",
         "{http://www.w3.org/XML/1998/namespace}space", "{http://www.w3.org/1999/xlink}href", "textLength", "lengthAdjust", "style", "dy"}  # fmt: skip


def laid_out(*pictures):
    """The SVG of drawings, made in one go as parts of one graph, checked for anything that is not plain drawing."""
    whole = Picture()
    for i, picture in enumerate(pictures):
        body = "".join(picture.body)
        for name in ("v", "b", "cluster_"):
            body = re.sub(
                rf"^(\t+(?:subgraph )?){name}(\d)",
                rf"\1g{i}_{name}\2" if name != "cluster_" else rf"\1{name}{i}_\2",
                body,
                flags=re.M,
            )
            body = re.sub(rf"-> {name}(\d)", rf"-> g{i}_{name}\1", body)
        whole.body.append(body)
    root = ET.fromstring(whole.pipe(format="svg"))
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in DRAWN, element.tag
        assert set(element.attrib) <= PLAIN, element.attrib
        assert not element.attrib.get("{http://www.w3.org/1999/xlink}href")
    return root


def texts(svg):
    return ["".join(element.itertext()).replace("\xa0", " ").strip() for element in svg.iter(f"{SVG}text")]


def label_of(attributes):
    match = re.search(r"<td>([^<]*)</td>", attributes)
    return match[1] if match else None


def arrows(picture):
    found = re.findall(r"^\t+(\w+) -> (\w+)(.*)$", picture.source, re.M)
    return [(tail, head, label_of(rest)) for tail, head, rest in found]


def boxes(picture):
    """The text in each box of a drawing, without markup."""
    found = re.findall(r"^\t+([vb]\d+) \[label=<(.*?)> tooltip=", picture.source, re.M | re.S)
    return {box: re.sub("<[^>]*>", " ", html).split() for box, html in found}


def nodes_of_all_operations():
    for row in ROWS:
        count = row.arity or {"dot": 4, "linear": 5}.get(row.name, 3)
        yield row(*[Value(1.5 if row.name == "arccosh" else 0.25 + i / 8, label=f"x{i}") for i in range(count)])


# ---- every operation and every text ----------------------------------------------------------------------------------


def test_every_operation_is_drawn_with_its_local_derivatives():
    roots = list(nodes_of_all_operations())
    pictures = [draw(root) for root in roots]
    for root, picture in zip(roots, pictures):
        root.backward()
        order = topological_order(root)
        number = {node: f"v{i}" for i, node in enumerate(order)}
        expected = [
            (number[parent], number[root], f"× {digits(local)}")
            for parent, local in zip(root.parents, local_derivatives(root))
        ]
        assert arrows(picture) == expected
    shown = texts(laid_out(*pictures))
    for root in roots:
        assert symbol(root.op) in shown
        for local in local_derivatives(root):
            assert f"× {digits(local)}" in shown


def test_expanded_every_operation_can_be_laid_out():
    roots = list(nodes_of_all_operations())
    for root in roots:
        root.backward()
    laid_out(*[draw(root, expand=True) for root in roots])


def test_any_text_is_drawn_as_text(own_operation):
    pictures = []
    for i, label in enumerate(NASTY):
        own = own_operation(label, lambda *xs: 1.0, lambda y, *xs: (0.5,) * len(xs), notation=NASTY[-i])
        x, w = Value(1.0, label=label), Parameter(2.0, label=f"{label}.w")
        root = own(x, own(w, x) + 1)
        root.label = label
        pictures += [draw(root), draw(root, level="neuron"), draw(root, level="layer")]
    svg = laid_out(*pictures)
    shown = "\n".join(texts(svg))
    for text in (
        "<b>bold</b>", "<script>alert(1)</script>", f"back{BACKSLASH}slash {BACKSLASH}N {BACKSLASH}G", 'a "quote"', "two lines", "{a|b}", "é日本🎉",
        "&amp; &#60;", "javascript:alert(1)",
    ):  # fmt: skip
        assert text in shown, text
    assert max(map(len, texts(svg))) < 120


@pytest.mark.parametrize("label", ["<b>x</b>", "\\N", '"', "a\nb"])
def test_tooltips_are_text_too(label):
    svg = laid_out(draw(Value(1.0, label=label) * 2))
    titles = [e.attrib["{http://www.w3.org/1999/xlink}title"] for e in svg.iter(f"{SVG}a") if len(e.attrib)]
    shown = label.replace("\n", " ").replace("\\", BACKSLASH)  # Graphviz would put the name of the node for \\N
    assert f"{shown} = 1.0, grad 0.0" in titles


def test_symbols_are_short(own_operation):
    own = own_operation("o" * 100, lambda *xs: 1.0, lambda y, *xs: (0.0,) * len(xs))
    assert len(symbol(own)) == 20
    assert [symbol(op) for op in (ops.subtract, ops.divide, ops.power, ops.sum_, ops.dot, ops.sigmoid, ops.negative, ops.sqrt, ops.absolute, ops.exp)] == [
        "−", "÷", "^", "sum", "dot", "σ", "−", "√", "|·|", "exp"]  # fmt: skip
    assert symbol(own_operation("most", max, lambda z, x, y: (1.0, 0.0), notation="max(a, b, c)")) == "max"


# ---- what a drawing shows --------------------------------------------------------------------------------------------


def test_boxes_show_role_name_data_and_grad():
    w, x = Parameter(-0.5, label="w"), Value(2.0, label="x")
    y = w * x + 1
    y.label = "y"
    y.backward()
    assert boxes(draw(y)) == {
        "v0": ["parameter", "w", "data", "−0.5", "grad", "2"],
        "v1": ["input", "x", "data", "2", "grad", "−0.5"],
        "v2": ["×", "v1", "data", "−1", "grad", "1"],
        "v3": ["1"],
        "v4": ["+", "y", "data", "0", "grad", "1"],
    }
    assert arrows(draw(y)) == [
        ("v0", "v2", "× 2"), ("v1", "v2", "× −0.5"), ("v2", "v4", "× 1"), ("v3", "v4", None)]  # fmt: skip
    assert [role(node) for node in topological_order(y)] == ["parameter", "input", "", "constant", ""]


def test_a_value_used_twice_has_two_arrows():
    x = Value(3.0, label="x")
    assert arrows(draw(x * x)) == [("v0", "v1", "× 3"), ("v0", "v1", "× 3")]


def test_drawing_changes_nothing():
    y = nn.MLP(2, [3, 1], activation="sigmoid", seed=0)([1.0, 2.0])
    y.backward()
    before = [(n, n.data, n.grad, n.label) for n in topological_order(y)]
    for options in ({}, {"expand": True}, {"level": "neuron"}, {"level": "layer"}):
        draw(y, **options)
    assert [(n, n.data, n.grad, n.label) for n in topological_order(y)] == before


def test_the_legend_says_what_is_there():
    y = Value(2.0, label="x") * 3
    legend = draw(y).source
    counts = {"input": 2, "parameter": 0, "constant": 1, "computed": 1, "grads are 0 until backward()": 1}
    assert {word: legend.count(f">{word}<") for word in counts} == counts
    y.backward()
    assert "grad −3" in draw(y).source
    assert "+3<" in draw(y).source
    (y / 100).backward()
    small = Value(1.0) * 0.01
    small.backward()
    assert "+0.01 or more" in draw(small).source


def test_a_drawing_before_backward_has_no_colours():
    source = draw(Value(2.0) * Value(3.0)).source
    assert set(re.findall(r'bgcolor="([^"]*)"', source)) == {"#ffffff", "white"}
    assert set(re.findall(r' color="([^"]*)"', source.split("\n", 4)[4])) <= {"#b4b4b4", "#1a1a1a", "#6b6b6b"}


def test_a_root_that_is_a_leaf_and_one_that_is_a_constant():
    x = Value(2.0, label="x")
    constant = (x + 1).parents[1]
    for value in (x, constant):
        for options in ({}, {"expand": True}, {"level": "neuron"}, {"level": "layer"}):
            picture = draw(value, **options)
            assert len(boxes(picture)) == 1
            assert arrows(picture) == []
    laid_out(draw(x), draw(constant), draw(x, level="layer"), draw(constant, level="layer"))


def test_arrows_that_reach_far_are_straight_because_bending_them_takes_minutes():
    x = Value(0.5, label="x")
    y = x
    for _ in range(100):
        y = (y * x).sin()
    assert "splines=line" in draw(y).source
    assert "splines" not in draw(x * x).source


def test_infinities_nan_and_missing_derivatives_are_drawn():
    x, u = Value(0.0, label="x"), Value(math.nan, label="u")
    root = x.sqrt() * u + math.inf + u * u
    for node in topological_order(root):
        node.grad = math.nan
    x.grad, u.grad = math.inf, -math.inf
    pictures = [draw(root, **options) for options in ({}, {"level": "neuron"}, {"expand": True})]
    assert ("v0", "v1", "no derivative") in arrows(pictures[0])
    shown = texts(laid_out(*pictures))
    for text in ("no derivative", "data NaN", "grad ∞", "grad −∞", "× NaN"):
        assert text in shown


# ---- colours ---------------------------------------------------------------------------------------------------------


def test_colours_tell_sign_and_size():
    scale = Scale([4.0, -1.0, math.nan, math.inf])
    assert scale.largest == 4.0
    expected = {4.0: 1.0, 1.0: 0.5, -1.0: -0.5, 0.0: 0.0, math.nan: 0.0, math.inf: 1.0, -100.0: -1.0}
    assert {x: scale(x) for x in expected} == expected
    assert scale.line(4.0) == "#e0730d"
    assert scale.line(-4.0) == "#08519c"
    assert scale.line(0.0) == scale.line(math.nan) == "#b4b4b4"
    assert scale.fill(0.0) == scale.fill(math.nan) == "#ffffff"
    assert [scale.width(x) for x in (0.0, 1.0, -4.0, math.nan)] == ["0.80", "2.40", "4.00", "0.80"]
    assert Scale([]).largest == 0.0
    assert Scale([0.0])(5.0) == 1.0


def brightness(colour):
    return sum(weight * int(colour[i : i + 2], 16) for weight, i in ((0.3, 1), (0.59, 3), (0.11, 5)))


def test_black_text_is_readable_on_every_fill_and_print_tells_the_signs_apart():
    scale = Scale([1.0])
    assert min(brightness(scale.fill(x / 10)) for x in range(-10, 11)) > 120
    assert abs(brightness(scale.line(1.0)) - brightness(scale.line(-1.0))) > 40


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_layers_and_neurons_have_frames():
    out = nn.MLP(2, [3, 1], seed=0)([1.0, -2.0])
    picture = draw(out, names=False)
    frames = re.findall(r"subgraph cluster_\d+ \{\n\t+(.*)", picture.source)
    titles = sorted(re.search(r"label=<([\w.]+)>", frame)[1] for frame in frames)
    assert titles == ["layers.0", "layers.1", "neurons.0", "neurons.0", "neurons.1", "neurons.2"]
    shown = boxes(picture).values()
    assert {name for box in shown for name in box if name.startswith(("h", "z", "b"))} == {
        "h₁⁽¹⁾", "h₂⁽¹⁾", "h₃⁽¹⁾", "h₁⁽²⁾", "z₁⁽¹⁾", "z₂⁽¹⁾", "z₃⁽¹⁾", "b₁⁽¹⁾", "b₂⁽¹⁾", "b₃⁽¹⁾", "b₁⁽²⁾",
    }  # fmt: skip
    assert "layers.0.neurons.1.w[0] = " in picture.source  # the tooltip
    svg = laid_out(picture, draw(out, expand=True))
    assert texts(svg).count("neurons.2") == 2


def test_indices_and_powers_are_small_characters_that_every_font_has():
    x = Value(2e-7, label="x")
    svg = ET.fromstring(draw(nn.MLP(1, [1, 1], seed=0)([x])).pipe())
    tspans = {
        text.text.strip("\xa0"): [(part.text, float(part.attrib["dy"]) > 0) for part in text]
        for text in svg.iter(f"{SVG}text")
    }
    assert tspans["w"] == [("11", True), ("(2)", False)]
    assert tspans["data 2×10"] == [("−7", False), ("\xa0", True)]
    assert not set("".join(svg.itertext())) & set("₁₂⁽⁾⁻⁷")


def test_an_opened_neuron_stays_in_its_frame():
    out = nn.MLP(1, [1, 1], activation="sigmoid", seed=0)([1.0])
    root, origin = expand(out)
    groups = group_of_each(topological_order(root), origin)
    inside = [node.op.name for node in topological_order(root) if node.op and groups[node] == "layers.0.neurons.0"]
    assert inside == ["multiply", "add", "negative", "exp", "add", "divide"]
    assert parts("layers.0.neurons.3") == ("layers.0", "neurons.3")
    assert parts("") == ()


def test_deep_names_are_not_cut_off_inside_of_their_frame():
    path = "a_rather_long_model_name.encoder.layers.10.attention_head"
    weights = [Parameter(0.5, label=f"{path}.w[{i}]") for i in range(2)]
    shown = boxes(draw(weights[0] * weights[1])).values()
    assert {box[1] for box in shown} == {"w[0]", "w[1]", "v1"}


def places(picture):
    """Where each box with a tooltip lies, from the left and from the top, and how wide and high the whole is."""
    layout = json.loads(lay_out(picture.source, "json0"))
    *_, width, height = map(float, layout["bb"].split(","))
    found = {}
    for item in layout["objects"]:
        if "pos" in item and "tooltip" in item:
            x, y = map(float, item["pos"].split(","))
            found[item["tooltip"].split(" = ")[0]] = (x, height - y)
    return found, (width, height)


@pytest.mark.parametrize(
    ("model", "inputs"), [(nn.Neuron(3, seed=0), 3), (nn.MLP(2, [4, 1], seed=1), 2), (nn.MLP(3, [3, 2, 1], seed=0), 3)]
)
def test_the_parameters_of_a_neuron_lie_in_their_order(model, inputs):
    found, _ = places(draw(model([0.5] * inputs)))
    for neuron in ["".join(path) for path, module in model.named_modules() if isinstance(module, nn.Neuron)]:
        names = [name for name, _ in model.named_parameters() if name.rpartition(".")[0] == neuron]
        assert len(names) > 2
        assert sorted(names, key=lambda name: found[name][1]) == names


def test_long_chains_go_down_the_page_and_short_ones_along_it():
    short = long = Value(0.5, label="x")
    for i in range(12):
        long = long.sin()
        short = long if i == 2 else short
    model = nn.MLP(2, [3] * 6 + [1], seed=0)
    for value, level, turned in ((short, "op", False), (long, "op", True), (model([1.0, 2.0]), "layer", True)):
        _, (width, height) = places(draw(value, level=level))
        assert (height > 2 * width) == turned
        assert width < 1000


@pytest.mark.parametrize("make", [lambda: draw(Value(2.0, label="a rather long name") * 3), lambda: draw(nn.Neuron(2))])
def test_texts_keep_their_width_whatever_the_font(make):
    svg = ET.fromstring(make().pipe())
    shown = [text for text in svg.iter(f"{SVG}text") if "".join(text.itertext()).strip("\xa0 ")]
    assert shown
    for text in shown:
        assert text.attrib["lengthAdjust"] == "spacingAndGlyphs"
        letters, size = len("".join(text.itertext())), float(text.attrib["font-size"])
        assert 0.2 * size * letters < float(text.attrib["textLength"]) < 1.2 * size * letters
    assert "max-width:100%" in svg.attrib["style"]


# ---- deeper and shallower --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch():
    """The loss of a network of 337 parameters over 100 examples."""
    model = nn.MLP(2, [16, 16, 1], activation="tanh", seed=0)
    inputs = [[math.sin(i), math.cos(3 * i)] for i in range(100)]
    loss = losses.mse([model(x) for x in inputs], [float(i % 2) for i in range(100)])
    loss.label = "loss"
    loss.backward()
    return loss


def test_a_large_network_fits_a_page(batch):
    neurons, layers = draw(batch, level="neuron"), draw(batch, level="layer")
    assert len(boxes(neurons)) <= 40
    assert len(boxes(layers)) <= 8
    titles = " ".join(" ".join(box) for box in boxes(layers).values())
    for text in ("x 200 values", "layers.0 linear, tanh, 48 parameters 1600 values", "272 parameters 1600", "loss"):
        assert text in titles
    assert sum("neurons" in " ".join(box) for box in boxes(neurons).values()) == 33
    shown = texts(laid_out(neurons, layers))
    assert "layers.2.neurons.0" in " ".join(shown)


def test_every_value_but_constants_has_a_place(batch):
    order = topological_order(batch)
    for level in ("neuron", "layer"):
        place = fold(order, level, {})
        assert [node for node in order if role(node) != "constant"] == list(place)
        assert sum(len(box.members) for box in set(place.values())) == len(place)


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_the_number_on_a_folded_arrow_is_the_derivative_over_all_inside(level):
    model = nn.MLP(2, [1, 1], activation="tanh", seed=3)
    x = [Value(0.5, label="x"), Value(-0.25, label="y")]
    out = model(x)
    out.backward()
    hidden = next(node for node in topological_order(out) if node.label == "layers.0.neurons.0")
    slopes = sorted(text for _, _, text in arrows(draw(out, level=level)))
    weight = model.layers[1].neurons[0].w[0].data
    inner = [(1 - hidden.data**2) * w.data for w in model.layers[0].neurons[0].w]
    assert slopes == sorted(f"× {digits(slope)}" for slope in (weight, *inner))


def twice(x, s, t):
    """Two ways from x to the output: s·(s·x) + t·x."""
    scaled = x * s
    out = ops.linear(scaled, x, s, t, t)
    out.label = s.label.rpartition(".")[0]
    return out


def test_folded_slopes_add_up_over_the_paths_inside():
    s, t, x = Parameter(3.0, label="twice.s"), Parameter(2.0, label="twice.t"), Value(0.1, label="x")
    out = twice(x, s, t)
    out.backward()
    assert [text for _, _, text in arrows(draw(out, level="neuron"))] == [f"× {digits(x.grad)}"]


def test_arrows_of_many_values_say_how_many():
    model = nn.MLP(1, [2], seed=0)
    root = ops.sum_(*model([0.5]), *model([0.25]))
    assert sorted(text for _, _, text in arrows(draw(root, level="layer"))) == ["2 values", "4 values"]
    root = ops.sum_(*model([0.5]))
    assert sorted(text for _, _, text in arrows(draw(root, level="layer"))) == ["1 value", "2 values"]


def test_levels_and_sizes_that_cannot_be(batch):
    with pytest.raises(ValueError, match="level must be one of op, neuron, layer, not 'gate'"):
        draw(batch, level="gate")
    for options in ({}, {"expand": True}):
        with pytest.raises(
            ValueError,
            match=r'the graph has more than 500 values, too many to draw one by one; draw\(value, level="neuron" or "layer"\) shows less, max_nodes=... allows more',
        ):
            draw(batch, **options)
    with pytest.raises(ValueError, match=r'that makes 3\d boxes, more than 10; level="layer" shows less; max_nodes'):
        draw(batch, level="neuron", max_nodes=10)
    with pytest.raises(ValueError, match=r"that makes \d boxes, more than 2; max_nodes=... allows more"):
        draw(batch, level="layer", max_nodes=2)


def test_what_is_opened_counts(own_operation):
    x = ops.linear(*[Value(float(i)) for i in range(201)])
    assert len(boxes(draw(x))) == 202
    with pytest.raises(ValueError, match="more than 300"):
        draw(x, expand=True, max_nodes=300)
    assert len(boxes(draw(x, expand=True))) == 401


# ---- networks --------------------------------------------------------------------------------------------------------


class Stack(nn.Module):
    def __init__(self, *sizes):
        self.first, self.second = nn.Layer(*sizes[:2], "tanh", seed=0), nn.Layer(*sizes[2:], None, seed=0)


def circles(picture):
    return re.findall(r"^\t(n\d+_\d+) \[", picture.source, re.M)


def lines(picture):
    return re.findall(r"^\t(n\d+_\d+) -> (n\d+_\d+)", picture.source, re.M)


@pytest.mark.parametrize(
    ("model", "neurons", "weights", "words"),
    [
        (nn.Neuron(3, "relu", seed=0), 4, 3, ["Neuron with 4 parameters", "neuron", "relu"]),
        (nn.Layer(3, 2, None, seed=0), 5, 6, ["Layer with 8 parameters", "layer", "no activation"]),
        (nn.MLP(2, [3, 1], seed=0), 6, 9, ["MLP with 13 parameters", "layers.0", "layers.1", "inputs"]),
        (Stack(2, 3, 3, 2), 7, 12, ["Stack with 17 parameters", "first", "tanh", "second"]),
    ],
    ids=["neuron", "layer", "mlp", "own"],
)
def test_a_network_is_drawn_as_circles_and_lines(model, neurons, weights, words):
    picture = draw(model)
    assert len(circles(picture)) == neurons
    assert len(set(lines(picture))) == weights
    for word in words:
        assert word in picture.source
    for parameter in model.parameters():
        assert digits(parameter.data) in picture.source


@pytest.mark.parametrize(
    "model",
    [nn.MLP(2, [4, 1], seed=1), nn.MLP(3, [3, 3, 2], seed=0), nn.MLP(4, [4, 1], seed=0), nn.MLP(1, [12, 1], seed=0)],
)
def test_no_weight_of_a_network_hides_another(model):
    svg = ET.fromstring(draw(model).pipe())
    weights = {digits(neuron.w[i].data) for m in model.layers for neuron in m.neurons for i in range(len(neuron.w))}
    found = []
    for text in svg.iter(f"{SVG}text"):
        if "".join(text.itertext()).rpartition(" ")[2] in weights:  # with its name before it or without
            found.append((float(text.attrib["x"]), float(text.attrib["y"]), float(text.attrib["textLength"])))
    assert len(found) >= len(weights)
    for (x, y, width), (other_x, other_y, other_width) in itertools.combinations(found, 2):
        assert abs(y - other_y) > 9 or abs(x - other_x) > (width + other_width) / 2


def test_weights_and_biases_of_a_network_are_called_as_in_what_it_computes():
    model = nn.MLP(2, [2, 1], "tanh", seed=0)
    source = draw(model).source
    computed = draw(model([0.5, -0.5])).source
    for name in ("x₁", "x₂", "w₁₂⁽¹⁾", "b₂⁽¹⁾", "h₂⁽¹⁾", "w₁₂⁽²⁾", "b₁⁽²⁾"):
        assert f">{name}<" in computed
        assert re.search(rf'[\s"]{name}[\s"]', source)
    assert f'tooltip="layers.0.neurons.0.w[1] = {model.layers[0].neurons[0].w[1].data}"' in source
    assert 'tooltip="layers.0.neurons.1, layers.0.neurons.1.b = 0.0"' in source
    assert "w₁₂⁽¹⁾" not in draw(nn.MLP(4, [4, 1], seed=0)).source  # only where there is room


def test_a_network_of_many_layers_fits_a_page():
    svg = ET.fromstring(draw(nn.MLP(2, [3] * 6 + [1], seed=0)).pipe())
    assert float(svg.attrib["width"].removesuffix("pt")) < 1000


def test_a_drawing_of_many_operations_of_a_network_says_how_to_see_less():
    hint = "one box for each neuron"
    assert hint not in draw(nn.MLP(2, [2, 1], seed=0)([1.0, 2.0])).source
    assert hint in draw(nn.MLP(2, [2, 2, 1], seed=0)([1.0, 2.0])).source


def test_networks_can_be_laid_out():
    broken = nn.Neuron(2, seed=0)
    broken.w[0].data, broken.w[1].data, broken.b.data = math.nan, math.inf, -math.inf
    for model in (broken, nn.MLP(2, [40, 1], seed=0)):
        svg = ET.fromstring(draw(model).pipe())
        assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= DRAWN
    assert "28 more" in texts(svg)
    assert len(circles(draw(nn.MLP(2, [40, 1], seed=0)))) == 2 + 12 + 1


@pytest.mark.parametrize("model", [Stack(2, 3, 4, 1), nn.Module(), type("Pair", (nn.Module,), {"metadata": None})()])
def test_a_module_that_is_not_layers_in_a_row_is_not_drawn(model):
    with pytest.raises(
        TypeError, match=rf"layers one after the other, which {type(model).__name__} is not; .*draw\(model\(inputs\)\)"
    ):
        draw(model)


def test_something_else_is_not_drawn():
    for thing in (3.0, "x", None, [Value(1.0)]):
        with pytest.raises(TypeError, match=f"draw takes a Value or a Module, not {type(thing).__name__}"):
            draw(thing)


# ---- files -----------------------------------------------------------------------------------------------------------

START = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}


@pytest.fixture
def picture():
    return draw(Value(2.0, label="x") * 3)


@pytest.fixture
def quick(monkeypatch):
    """A layout that takes no time: the name of the format, then the graph."""
    monkeypatch.setattr(
        sys.modules["tinygrad_edu.viz.graphs.picture"],
        "lay_out",
        lambda source, format, engine: f"{format} {engine} {source}".encode(),
    )


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_be_had(picture, format):
    assert picture.pipe(format=format).startswith(START[format])
    assert lay_out(picture.source, format).startswith(START[format])


@pytest.mark.parametrize(
    ("arguments", "options", "name", "format"),
    [
        (["x.svg"], {}, "x.svg", "svg"),
        (["x.PDF"], {}, "x.PDF", "pdf"),
        (["a/b/two words é.dot"], {}, "a/b/two words é.dot", "dot"),
        (["x"], {}, "x.svg", "svg"),
        (["x.gv"], {}, "x.gv.svg", "svg"),
        (["x"], {"format": "png"}, "x.png", "png"),
        (["x.svg"], {"format": "png"}, "x.svg.png", "png"),
        (["x.png"], {"format": "png"}, "x.png", "png"),
        (["model.v2"], {"cleanup": True}, "model.v2.svg", "svg"),
        (["x.svg"], {"directory": "new"}, "new/x.svg", "svg"),
        ([], {"outfile": "y.pdf"}, "y.pdf", "pdf"),
    ],
)
def test_one_file_is_written_in_the_format_of_its_ending(
    quick, picture, tmp_path, monkeypatch, arguments, options, name, format
):
    monkeypatch.chdir(tmp_path)
    assert picture.render(*arguments, **options) == str(pathlib.Path(name))
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == [str(pathlib.Path(name))]
    assert (tmp_path / name).read_bytes() == f"{format} dot {picture.source}".encode()


@pytest.mark.parametrize(
    ("call", "format"),
    [
        (lambda p: p.pipe(format="gif"), "gif"), (lambda p: p.render("x.jpg"), "jpg"), (lambda p: p.render("x", format="bmp"), "bmp"),
        (lambda p: p.render("x.svg", format="SVG"), "SVG"), (lambda p: p.render(outfile="x.eps"), "eps"),
    ],
)  # fmt: skip
def test_an_unknown_format_is_refused_and_nothing_written(picture, tmp_path, monkeypatch, call, format):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"a picture can be svg, png, pdf, dot, not '{format}'"):
        call(picture)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_fails_leaves_the_old_file(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "_command", lambda format, engine: [sys.executable, "-c", "import sys; sys.exit('no')"])
    (tmp_path / "x.svg").write_text("old")
    with pytest.raises(RuntimeError, match="Graphviz could not make svg of the graph: no"):
        picture.render(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text() == "old"


def test_view_opens_what_it_wrote(quick, picture, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("graphviz.view", opened.append)
    path = picture.view(tmp_path / "x.svg")
    assert opened == [path] == [str(tmp_path / "x.svg")]


def test_it_is_a_graphviz_graph(picture):
    twin = picture.copy()
    assert isinstance(twin, Picture)
    assert twin.source == picture.source
    with twin.subgraph(name="cluster_extra") as extra:
        extra.node("more")
    assert "more" in twin.source
    assert "more" not in picture.source
    assert b"more" in twin.pipe()
    assert twin.pipe(format="svg", encoding="utf-8").startswith("<?xml")
    assert str(picture) == picture.source


# ---- which Graphviz --------------------------------------------------------------------------------------------------


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)


@pytest.fixture
def no_graphviz(no_dot, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_without_any_graphviz_one_command_is_told(no_graphviz, picture, tmp_path):
    for attempt in (picture.pipe, lambda: picture.render(tmp_path / "x.svg")):
        with pytest.raises(RuntimeError, match=r'Run:\n    python -m pip install "pygraphviz>=2"$'):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_the_package_does_it(no_dot, picture):
    svg = picture.pipe()
    assert svg.startswith(b"<?xml")
    assert "é".encode() in draw(Value(1.0, label="é") * 2).pipe()


def test_a_graph_that_is_not_one_is_an_error_with_a_reason(no_dot):
    with pytest.raises(RuntimeError, match=r"Graphviz could not make svg of the graph: ."):
        lay_out("digraph { a -> ", "svg")


def executable(path, script):
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="a script with a first line that names its interpreter")
def test_the_systems_command_comes_first(tmp_path, monkeypatch, picture):
    executable(
        tmp_path / "dot",
        "import sys, json\nprint(json.dumps([sys.argv[1:], sys.stdin.buffer.read().decode()]), end='')",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert json.loads(picture.pipe(format="png")) == [["-Kdot", "-Tpng"], picture.source]
    assert json.loads(draw(nn.Neuron(1, seed=0)).pipe(format="png"))[0] == ["-Kneato", "-Tpng"]
    executable(tmp_path / "dot", "import sys\nsys.exit('Warning\\nError: syntax error in line 1')")
    with pytest.raises(RuntimeError, match="Graphviz could not make svg of the graph: Error: syntax error in line 1"):
        picture.pipe()
    executable(tmp_path / "dot", "import sys\nsys.exit(3)")
    with pytest.raises(RuntimeError, match="could not make svg of the graph: exit status 3"):
        picture.pipe()
    (tmp_path / "dot").write_text("#!/no/such/interpreter\n")
    with pytest.raises(RuntimeError, match=r"Graphviz could not be started: .*dot"):
        picture.pipe()


# ---- notebooks -------------------------------------------------------------------------------------------------------


def image_of(bundle):
    """The bytes of the image in what a notebook is given, and its alternative text."""
    image = ET.fromstring(bundle["text/html"].replace(">", "/>"))
    assert image.tag == "img"
    assert "max-width: 100%" in image.attrib["style"]
    kind, data = image.attrib["src"].split(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(data), image.attrib["alt"]


def test_a_small_value_shows_its_drawing(quick):
    x = Value(2.0, label="x <in>")
    y = x * 3
    bundle = y._repr_mimebundle_()
    svg, words = image_of(bundle)
    assert svg.decode() == f"svg dot {draw(y).source}"
    assert words == "Graph of a computation: “x <in>” = 2 (grad 0), y = “x <in>”·3 = 6 (grad 0)."
    assert bundle["text/plain"] == repr(y)
    assert draw(y)._repr_mimebundle_() == bundle | {"text/plain": repr(draw(y))}
    assert y._repr_mimebundle_(include=["text/plain"], exclude=None) == bundle


def test_pictures_of_networks_and_of_large_graphs_are_told_in_words_too():
    model = nn.MLP(2, [3, 1], seed=0)
    assert draw(model).words == (
        "MLP with 13 parameters: 2 inputs, then neurons, 3 in layers.0 (relu), 1 in layers.1 (no activation)."
    )
    y = model([Value(1.0, label="x"), Value(1.0, label="y")])
    assert draw(y, level="layer").words == "Graph of a computation: x; y; layers.0 from x, y; layers.1 from layers.0."
    x = y
    for _ in range(50):
        x = x.sin()
    assert draw(x).words.endswith("and so on, 72 values.")


def test_a_large_value_a_leaf_and_any_value_without_graphviz_show_their_text(no_graphviz, own_operation):
    x = Value(2.0)
    large = ops.sum_(*[Value(1.0) for _ in range(60)])
    broken = own_operation("broken", lambda x: x, lambda y, x: 1.0)(x)
    for value in (x, large, x * 2, broken):
        assert value._repr_mimebundle_() == {"text/plain": repr(value)}


def test_folded_derivatives_cost_one_sweep_for_each_box():
    inputs = [Value(float(i), label=f"x[{i}]") for i in range(2000)]
    picture = draw(losses.mse(inputs, [0.0] * 2000), level="layer")
    assert len(boxes(picture)) <= 5


def test_options_that_do_not_go_together_are_refused():
    x = Value(1.0, label="x")
    for value, level in ((x.sigmoid(), "neuron"), (nn.Neuron(2, seed=0), "op")):
        with pytest.raises(ValueError, match="expand=True opens operations"):
            draw(value, level=level, expand=True)


def test_files_of_the_current_folder_are_not_taken_for_modules(tmp_path, monkeypatch):
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit('not me')")
    (tmp_path / "random.py").write_text("raise SystemExit('nor me')")
    monkeypatch.chdir(tmp_path)
    assert draw(Value(1.0, label="x") * 2).pipe("svg").startswith(b"<?xml")
