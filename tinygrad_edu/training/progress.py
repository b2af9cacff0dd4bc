"""Ctrl-C between batches, and the progress bar."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
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
    """A bar that moves on by an epoch at a time; by default only where stderr is a terminal, and in notebooks."""

    def __init__(self, epochs: int, progress: bool | None) -> None:
        self.bar: Any = None
        terminal = sys.stderr is not None and sys.stderr.isatty()
        notebook = not terminal and _in_notebook()
        if progress or (progress is None and (terminal or notebook)):
            from tqdm import tqdm

            layout = "{n_fmt}/{total_fmt} epochs |{bar}| {elapsed}<{remaining}{postfix}"
            place: dict[str, Any] = (
                {"file": StringIO(), "ncols": 90, "ascii": False} if notebook else {"dynamic_ncols": True}
            )
            self.bar = tqdm(total=epochs, bar_format=layout, **place)
            if notebook:
                self.bar.display = _shown_in_notebook(self.bar)

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


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _shown_in_notebook(bar: Any) -> Callable[..., None]:
    """A function that shows the bar as one output, in the place of what it showed before: text, without widgets."""
    output = sys.modules["IPython"].display.display({"text/plain": str(bar)}, raw=True, display_id=True)

    def show(*_: Any, **__: Any) -> None:
        output.update({"text/plain": str(bar)}, raw=True)

    return show
