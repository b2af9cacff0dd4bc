"""Writing files whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = "str | os.PathLike[str]"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` so that an interruption at any moment leaves the old file or the new one.

    Text is written as UTF-8. All goes to a new file beside ``path``, ``.name.xxxxxxxx.tmp``, which takes its place in
    one step once it is safely on the disk. One that a killed process left behind is removed when the same name is
    written again, once it is an hour old and nobody can still be writing it.

    Raises:
        OSError: if the file cannot be written; whatever was there before is still there.
    """
    import shutil
    import tempfile

    data = content.encode() if isinstance(content, str) else content
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device has nothing to keep whole
        with open(target, "wb") as file:
            file.write(data)
        return
    folder, name = os.path.split(target)
    prefix, beside = f".{name[:50]}.", ""  # short enough for any file system, in any script
    try:
        descriptor, beside = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=folder)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, beside)
        else:
            os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, target)
    except OSError as error:
        error.filename = os.fspath(path)  # not the name of the file beside it
        raise
    finally:
        if os.path.exists(beside):
            os.remove(beside)
    _remove_stale(folder, prefix)


def _remove_stale(folder: str, prefix: str) -> None:
    import glob
    import time

    for path in glob.glob(os.path.join(glob.escape(folder), glob.escape(prefix) + "?" * 8 + ".tmp")):
        with suppress(OSError):
            if os.path.getmtime(path) < time.time() - 3600:
                os.remove(path)


def _umask() -> int:
    """The permissions that the process withholds from new files; they can only be asked for by setting them."""
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
