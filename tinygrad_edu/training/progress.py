"""Ctrl-C between batches, and the progress bar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from tinygrad_edu.training.history import History


class EndingBatches:
    """In this context Ctrl-C is noted in ``asked`` instead of interrupting a step halfway; a second one interrupts.

    Only the main thread hears Ctrl-C, and a handler that the program has set itself is left alone.
    """

    def __enter__(self) -> EndingBatches:
        import signal
        import threading

        self.asked = False
        is_pythons = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self.ours = is_pythons and threading.current_thread() is threading.main_thread()
        if self.ours:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, signum: int, frame: object) -> None:
        self.check()
        self.asked = True

    def check(self) -> None:
        """Interrupt here if that was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def __exit__(self, *error: object) -> None:
        import signal

        if self.ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class ProgressBar:
    """A bar that moves on by an epoch at a time; by default only in a terminal and in a notebook.

    In a notebook it is text, which needs no widgets and stays in the file.
    """

    def __init__(self, epochs: int, progress: bool | None) -> None:
        self.bar: Any = None
        in_notebook = _is_in_notebook()
        if progress or (progress is None and (in_notebook or (sys.stderr is not None and sys.stderr.isatty()))):
            from tqdm import tqdm

            layout = "{n_fmt}/{total_fmt} epochs |{bar}| {elapsed}<{remaining}{postfix}"
            place: dict[str, Any] = {"file": sys.stdout, "ncols": 90} if in_notebook else {"dynamic_ncols": True}
            self.bar = tqdm(total=epochs, bar_format=layout, **place)

    def __enter__(self) -> ProgressBar:
        return self

    def show(self, history: History) -> None:
        """Move on by an epoch, and show its numbers."""
        if self.bar is not None:
            metric = {history.metric_name: history.metric[-1]} if history.metric else {}
            self.bar.set_postfix({"loss": history.loss[-1], **metric}, refresh=False)
            self.bar.update()

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()


def _is_in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
