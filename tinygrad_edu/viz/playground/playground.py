"""``playground``: a page that trains a small network in the browser, one HTML file that needs nothing else.

The step that trains is the compiled one: the model's and the loss's statements and the optimizers' rules are printed as
JavaScript. The page's script (``playground.js``) only draws, and calls them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

PARAMETERS, CLASSES = 400, 4  # as many as can be told apart on the page
