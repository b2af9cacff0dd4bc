"""Writing files whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = "str | os.PathLike[str]"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` so that an interruption at any moment leaves the old file or the new one.

    Text is written as UTF-8. All goes to a new file beside ``path``, ``.name.xxxxxxxx.tmp``, which takes its place in
    one step once it is safely on the disk. Whatever goes wrong, that file is removed; only a process that is killed
    in this moment leaves it behind.

    Raises:
        OSError: if the file cannot be written; whatever was there before is still there.
    """
    import shutil

    data = content.encode() if isinstance(content, str) else content
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device has nothing to keep whole
        with open(target, "wb") as file:
            file.write(data)
        return
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name[:50]}.{os.urandom(4).hex()}.tmp")  # short enough for any file system
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except OSError as error:
        error.filename = os.fspath(path)  # not the name of the file beside it
        raise
    finally:
        if os.path.exists(beside):
            os.remove(beside)
