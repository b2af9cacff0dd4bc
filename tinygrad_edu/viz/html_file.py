"""One HTML file that needs nothing else: its script and its style sheet are in it, and nothing gets in or out."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def html_file(outline: str, style: str, script: str, parts: Mapping[str, str]) -> str:
    """Write a page in which the Content-Security-Policy admits its script and its style sheet, by their hashes, and no
    connection to anywhere.

    Args:
        outline: the page, with ``{{policy}}``, ``{{style}}``, ``{{script}}`` and other words in its places.
        style, script: the texts of these, which lose their comments and indents.
        parts: the markup that takes the place of each other word.
    """
    style, script = _stripped(style), _stripped(script)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    policy = (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; base-uri 'none'; "
        "form-action 'none'"
    )
    parts = {**parts, "style": style, "script": script, "policy": policy}
    outside, *places = outline.split("{{")  # split first: what is put in may hold {{words}} of its own
    return outside + "".join(parts[word] + rest for word, _, rest in (place.partition("}}") for place in places))


def _stripped(source: str) -> str:
    """The source without its comments and indents, which are for those who read it in the package."""
    lines = [line.strip() for line in source.split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))
