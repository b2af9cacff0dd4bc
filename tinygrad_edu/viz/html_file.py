"""One HTML file that needs nothing else: its script and its style sheet are in it, and nothing gets in or out."""

from __future__ import annotations

import base64
import hashlib
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def html_file(module: str, scripts: Iterable[str], parts: Mapping[str, str]) -> str:
    """Write a page from the ``.html`` and ``.css`` files beside a module.

    The Content-Security-Policy admits the script and the style sheet by their hashes, and no connection to anywhere.

    Args:
        module: the ``__file__`` of the module.
        scripts: the texts that together are the script; see ``scripts_beside``.
        parts: the markup that takes the place of each ``{{word}}`` of the ``.html`` file.
    """
    outline, style = (pathlib.Path(module).with_suffix(kind).read_text(encoding="utf-8") for kind in (".html", ".css"))
    style, script = _stripped(style), _stripped("\n".join(scripts))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    policy = (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; base-uri 'none'; "
        "form-action 'none'"
    )
    parts = {**parts, "style": style, "script": script, "policy": policy}
    outside, *places = outline.split("{{")  # split first: what is put in may hold {{words}} of its own
    return outside + "".join(parts[word] + rest for word, _, rest in (place.partition("}}") for place in places))


def scripts_beside(module: str, *names: str) -> list[str]:
    """Read the scripts beside a module, which share their top-level names."""
    return [pathlib.Path(module).with_name(f"{name}.js").read_text(encoding="utf-8") for name in names]


def _stripped(source: str) -> str:
    """Leave out comments and indents, which are for those who read the source in the package."""
    lines = [line.strip() for line in source.split("\n")]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))
