"""Every picture in the README: run it again after a change to what is drawn, and look at them.

- neuron.svg: a neuron as it was computed, with the local derivative on each arrow. Multiply along a path and you have a
  gradient: 1 × 0.7864 × 1 × 3 leads from out to w, and 2.359 is w.grad.
- twice.svg: x * x, in which x is used twice. Both uses count: 3 + 3 is the 6 of x.grad.
- sigmoid.svg: a sigmoid opened into what it is defined as, where its derivative y (1 - y) comes from.
- network.svg: a network that has learned two moons, its weights as lines.
- neurons.svg: the loss of that network on 100 examples, some 1,300 values, neuron by neuron.
- page.png: the page on which one steps through all this, a moving picture. It takes Chromium, playwright and Pillow.
- playground.png: the page on which a small network learns.
- article_e.png, article_b_d.png, forward_reverse.png: the pictures of these demos.

Writes them beside this script, or into the folder given.
"""

import importlib.util
import io
import pathlib
import shutil
import sys
import tempfile

from tinygrad_edu import Value, data, draw, explain, fit, losses, mean, nn, optim, sigmoid, tanh, viz

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
    """A neuron, to be changed and stepped through on its page."""
    out = neuron()
    out.label = "y"
    return explain(out)


def film(explanation, path):
    """A moving picture of the page: steps back, a number that changes, and a question. It ends where it began."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    frames = []  # each a picture and how long it is seen, in milliseconds

    def seen(tab, duration):
        frames.append((Image.open(io.BytesIO(tab.screenshot())).convert("RGB"), duration))

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = pathlib.Path(folder, "page.html")
        explanation.to_html(file)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        tab.goto(f"{file.as_uri()}#step=4")
        for _ in range(5):
            seen(tab, 1100)
            tab.keyboard.press("ArrowRight")
        seen(tab, 1600)
        for w in ["0.4", "0.3", "0.2", "0.1", "0", "0.1", "0.2", "0.3", "0.4", "0.5"]:
            tab.fill("#x0", w)
            seen(tab, 350 if w != "0" else 1600)
        tab.click("#quiz")
        tab.keyboard.press("ArrowRight")
        seen(tab, 1600)
        for answer, duration in [("1 - 0.5", 1000), ("1 - y*y", 1000)]:
            tab.fill("#answer", answer)
            seen(tab, duration)
            tab.keyboard.press("Enter")
            seen(tab, 2600)
        browser.close()
    palette = frames[9][0].quantize(96)  # one for all frames: a frame holds only what has changed
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame, _ in frames]
    durations = [duration for _, duration in frames]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, optimize=True)


def playground_after(steps, path):
    """A picture of the playground on which a network has learned two moons."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = pathlib.Path(folder, "playground.html")
        viz.playground(nn.MLP(2, [8, 8, 1], "tanh", seed=0), *data.moons(100, seed=0), title="moons").to_html(file)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1440, "height": 860})
        tab.goto(file.as_uri())
        tab.evaluate(f"for (let i = 0; i < {steps}; i++) document.querySelector('#step').click()")
        tab.screenshot(path=path)
        browser.close()


def demo(name):
    """The module of another demo."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(folder=HERE, slow=("page", "playground", "article_b_d", "article_e", "forward_reverse")):
    folder = pathlib.Path(folder)
    draw(neuron()).render(folder / "neuron.svg")
    draw(twice()).render(folder / "twice.svg")
    draw(opened(), expand=True).render(folder / "sigmoid.svg")
    model, loss = trained()
    draw(model).render(folder / "network.svg")
    draw(loss, level="neuron").render(folder / "neurons.svg")
    has_browser = shutil.which("chromium") and importlib.util.find_spec("playwright")
    for name in slow:
        if name not in ("page", "playground"):
            demo(name).main(folder / f"{name}.png")
        elif not has_browser:
            print(f"{name}.png stays as it is: it takes Chromium and the package playwright")
        elif name == "page":
            film(page(), folder / "page.png")
        else:
            playground_after(200, folder / "playground.png")
    print(f"wrote the README's pictures to {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
