"""A browser for the pages, and a visit to the page of a Value."""

import os
import shutil

import pytest

from tinygrad_edu import explain

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = "REQUIRE_CHROMIUM" in os.environ  # where a missing browser is a failure: .ci/run installs it
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None and not REQUIRED:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open the page of a Value; afterwards there was no error, and no request but for the file itself."""
    contexts, troubles = [], []

    def open_page(value, address="", level="op", **options):
        path = tmp_path / f"page{len(contexts)}.html"
        explain(value, level=level, names=False).to_html(path)
        context = browser.new_context(**{"reduced_motion": "reduce", **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("request", lambda request: request.url.startswith(path.as_uri()) or troubles.append(request.url))
        tab.on("dialog", lambda dialog: troubles.append(dialog.message))
        tab.goto(path.as_uri() + address)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
