"""Every picture in the README: run it again after a change to what is drawn, and look at them.

- neuron.svg: a neuron as it was computed, with the local derivative on each arrow. Multiply along a path and you have a
  gradient: 1 × 0.7864 × 1 × 3 leads from out to w, and 2.359 is w.grad.
- twice.svg: x * x, in which x is used twice. Both uses count: 3 + 3 is the 6 of x.grad.
- sigmoid.svg: a sigmoid opened into what it is defined as, where its derivative y (1 - y) comes from.
- network.svg: a network that has learned two moons, its weights as lines.
- neurons.svg: the loss of that network on 100 examples, some 1,300 values, neuron by neuron.
- page.png: the page on which one steps through all this. It takes Chromium and the package playwright.
- article_e.png, article_b_d.png, forward_reverse.png: the pictures of these demos.

Writes them beside this script, or into the folder given.
"""

import importlib.util
import pathlib
import shutil
import sys
import tempfile

from tinygrad_edu import Value, data, draw, explain, fit, losses, mean, nn, optim, sigmoid, tanh

HERE = pathlib.Path(__file__).parent


def neuron():
    """A neuron's output."""
    w, x, b = Value(0.5, label="w"), Value(3.0, label="x"), Value(-1.0, label="b")
    out = tanh(w * x + b)
    out.label = "out"
    out.backward()
    return out


def twice():
    """A square."""
    x = Value(3.0, label="x")
    y = x * x
    y.label = "y"
    y.backward()
    return y


def opened():
    """A sigmoid."""
    x = Value(1.0, label="x")
    y = sigmoid(x)
    y.label = "y"
    y.backward()
    return y


def trained(epochs=150):
    """A small network that has learned two moons, and its loss on them."""
    inputs, targets = data.moons(100, noise=0.1, seed=0)
    model = nn.MLP(2, [4, 1], "tanh", seed=2)
    name = "binary_cross_entropy_with_logits"
    fit(model, inputs, targets, loss=name, optimizer=optim.Adam(model.parameters(), lr=0.05), epochs=epochs,
        batch_size=20, seed=0)  # fmt: skip
    loss = mean([losses.binary_cross_entropy_with_logits(model(x), target) for x, target in zip(inputs, targets)])
    loss.label = "loss"
    model.zero_grad()
    loss.backward()
    return model, loss


def page():
    """A computation in which a value is used three times, to step through."""
    x, w = Value(3.0, label="x"), Value(-0.5, label="w")
    y = x * x + tanh(w * x)
    y.label = "y"
    return explain(y)


def photograph(explanation, path, steps_before_the_end=2):
    """A screenshot of the page shortly before its end."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = pathlib.Path(folder, "page.html")
        explanation.to_html(file)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 750})
        tab.goto(file.as_uri())
        tab.keyboard.press("End")
        for _ in range(steps_before_the_end):
            tab.keyboard.press("ArrowLeft")
        tab.screenshot(path=path)
        browser.close()


def demo(name):
    """The module of another demo."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(folder=HERE, demos=("article_b_d", "article_e", "forward_reverse")):
    folder = pathlib.Path(folder)
    draw(neuron()).render(folder / "neuron.svg")
    draw(twice()).render(folder / "twice.svg")
    draw(opened(), expand=True).render(folder / "sigmoid.svg")
    model, loss = trained()
    draw(model).render(folder / "network.svg")
    draw(loss, level="neuron").render(folder / "neurons.svg")
    if shutil.which("chromium") and importlib.util.find_spec("playwright"):
        photograph(page(), folder / "page.png")
    else:
        print("page.png stays as it is: it takes Chromium and the package playwright")
    for name in demos:
        demo(name).main(folder / f"{name}.png")
    print(f"wrote the README's pictures to {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
