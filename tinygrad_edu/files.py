"""Writing files whole or not at all."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = "str | os.PathLike[str]"


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` so that an interruption at any moment leaves the old file or the new one.

    The text goes to a new file beside it, which takes its place in one step once it is safely on the disk.

    Raises:
        OSError: if the file cannot be written; whatever was there before is still there.
    """
    target = os.path.realpath(path)
    beside = f"{target}.{os.getpid()}.tmp"
    try:
        with open(beside, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        error.filename = os.fspath(path)  # not the name of the file beside it
        raise
    finally:
        if os.path.exists(beside):
            os.remove(beside)
