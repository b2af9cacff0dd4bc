"""What is in lists, dicts, sets, arrays, attributes and variables at one time: to see what has changed, and undo it."""

from __future__ import annotations

from operator import is_
from types import FunctionType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    # What something is, and how to read it and put it back; or how to read all names in it, set one and delete one.
    Kept: TypeAlias = tuple[str, Callable[[], Any], Callable[[Any], object]]
    Named: TypeAlias = tuple[str, Callable[[], dict[str, Any]], Callable[..., object], Callable[[str], object]]


PLAIN = {id(kind) for kind in (float, int, bool, complex, str, bytes, type(None))}  # classes may have no hash
LARGE = 1_000_000  # so many numbers in an array are data


class Contents:
    """What is in objects at one time, as ``kept`` of each tells.

    >>> seen = [1.0]
    >>> before = Contents(kept(seen))
    >>> seen.append(2.0)
    >>> before.change()
    'changes a list'
    >>> before.restore()
    >>> seen
    [1.0]
    """

    def __init__(self, kept: Iterable[Kept]) -> None:
        self._before = [(what, read, write, read()) for what, read, write in kept]

    def change(self) -> str:
        """What has been done since, such as "sets Model.count" or "changes a list"; nothing if all is as it was."""
        for what, read, _, before in self._before:
            now = read()
            if not _is_same(now, before):
                if not what.startswith("sets"):
                    return f"changes {what}"
                names = [name for name in (*now, *before) if not _is_same([now.get(name)], [before.get(name)])]
                if names:
                    return what + str(names[0])
        return ""

    def restore(self) -> None:
        """Put back what there was."""
        for _, read, write, before in self._before:
            if not _is_same(read(), before):
                try:
                    write(before)
                except Exception:  # what refuses to be put back should not keep others from it
                    continue


def _is_same(now: Any, before: Any) -> bool:
    if isinstance(now, set):
        return bool(now == before)
    if hasattr(now, "tobytes"):
        return bool(now.shape == before.shape and now.tobytes() == before.tobytes())
    if len(now) != len(before):
        return False
    if isinstance(now, dict):
        return _is_same([*now], [*before]) and _is_same([*now.values()], [*before.values()])
    return all(map(is_, now, before)) or all(map(_is_equal, now, before))


def _is_equal(x: Any, y: Any) -> bool:
    if x is y or type(x) is not type(y):
        return x is y
    if type(x) is tuple:
        return len(x) == len(y) and all(map(_is_equal, x, y))
    return (id(type(x)) in PLAIN or type(x) is MethodType) and x == y


def kept(x: Any) -> Iterator[Kept]:
    """What can be known of an object, for itself: not of what it holds."""
    kind = type(x)
    base = container(kind)
    if base is not None:
        article = "an" if kind.__name__[0] in "aeiouAEIOU" else "a"
        yield f"{article} {kind.__name__}", lambda: _copied(x, base), lambda before: _refill(x, base, before)
    array = is_array(x)
    if array and x.size <= LARGE and x.flags.writeable:
        yield "an array", lambda: array.copy(x), lambda before: array.__setitem__(x, ..., before)
    for what, read, set_, delete in _named(x):
        yield f"sets {what}", read, _writer(read, set_, delete)


# ---- containers ------------------------------------------------------------------------------------------------------


def container(kind: type) -> Any:
    """The kind of list, dict or set that knows how to read and write its own, whatever a class derived from it does; or
    None.
    """
    for base in kind.__mro__:
        in_collections = base.__module__ == "collections" and base.__name__ in ("deque", "OrderedDict")
        if in_collections or any(base is known for known in (list, dict, set)):
            return base
    return None


def _copied(x: Any, base: Any) -> Any:
    if issubclass(base, dict):
        return dict(base.items(x))
    return set(set.__iter__(x)) if base is set else [*base.__iter__(x)]


def _refill(x: Any, base: Any, before: Any) -> None:
    base.clear(x)
    if issubclass(base, dict):
        for name, item in before.items():
            base.__setitem__(x, name, item)
    else:
        (set.update if base is set else base.extend)(x, before)


def is_array(x: object) -> Any:
    """NumPy's array class if ``x`` belongs to it, otherwise None."""
    arrays = [kind for kind in type(x).__mro__ if kind.__name__ == "ndarray" and kind.__module__ == "numpy"]
    return arrays[0] if arrays else None


# ---- what has a name: attributes and variables -----------------------------------------------------------------------


def _named(x: Any) -> Iterator[Named]:
    """The sets of names that hold what belongs to an object: what comes before the name, and how to read all of them,
    set one and delete one."""
    if isinstance(x, type):
        yield (
            f"{x.__name__}.",
            lambda: _public(vars(x)),
            lambda *item: type.__setattr__(x, *item),
            lambda n: type.__delattr__(x, n),
        )
        return
    title = f"{x.__name__ if type(x) is FunctionType else type(x).__name__}."
    if type(x) is FunctionType:
        cells, variables = _cells(x), x.__globals__
        set_variable = lambda *item: _set(cells, variables, *item)  # noqa: E731
        yield "", lambda: variables_of(x), set_variable, lambda name: _unset(cells, variables, name)
    if (attributes := attributes_of(x)) is not None:
        yield title, attributes.copy, attributes.__setitem__, attributes.__delitem__
    if slots := _slots(type(x)):
        yield title, lambda: slots_of(x), lambda n, item: slots[n].__set__(x, item), lambda n: slots[n].__delete__(x)


def _writer(
    read: Callable[[], Any], set_: Callable[..., object], delete: Callable[[str], object]
) -> Callable[[Any], object]:
    def write(before: dict[str, Any]) -> None:
        now = read()
        for name in now:
            if name not in before:
                delete(name)
        for name, value in before.items():
            if name not in now or now[name] is not value:
                set_(name, value)

    return write


def attributes_of(x: object) -> dict[str, Any] | None:
    """The attributes of an object, as a dict that can be changed; None if it has none."""
    try:
        attributes = object.__getattribute__(x, "__dict__")
    except Exception:
        return None
    return attributes if type(attributes) is dict else None


def slots_of(x: object) -> dict[str, Any]:
    """The attributes that are no items of a dict."""
    found = {}
    for name, slot in _slots(type(x)).items():
        try:
            found[name] = slot.__get__(x)
        except AttributeError:
            continue  # not set yet
    return found


def _slots(kind: type) -> dict[str, Any]:
    """What reads and writes each slot, whatever a class derived from its own calls by the same name."""
    own = [vars(base) for base in kind.__mro__[::-1] if "__slots__" in vars(base)]
    return {name: x for attributes in own for name, x in attributes.items() if type(x) is MemberDescriptorType}


def variables_of(function: Any) -> dict[str, Any]:
    """The global and nonlocal variables that a function names."""
    variables = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    return variables | nonlocals_of(function)


def nonlocals_of(function: Any) -> dict[str, Any]:
    """The variables that a function names from functions around it; none for anything but a function."""
    return {name: cell.cell_contents for name, cell in _cells(function).items() if _is_filled(cell)}


def _cells(function: Any) -> dict[str, Any]:
    """What holds the nonlocal variables of a function."""
    names = function.__code__.co_freevars if type(function) is FunctionType else ()
    return dict(zip(names, getattr(function, "__closure__", None) or ()))


def _set(cells: dict[str, Any], variables: dict[str, Any], name: str, value: Any) -> None:
    if name in cells:
        cells[name].cell_contents = value
    else:
        variables[name] = value


def _unset(cells: dict[str, Any], variables: dict[str, Any], name: str) -> None:
    if name in cells:
        del cells[name].cell_contents
    else:
        del variables[name]


def _public(attributes: Any) -> dict[str, Any]:
    return {name: x for name, x in attributes.items() if not (name.startswith("__") and name.endswith("__"))}


def _names(code: Any) -> list[str]:
    """The global names in code, also in that of the functions and comprehensions in it."""
    inner = [name for constant in code.co_consts if hasattr(constant, "co_names") for name in _names(constant)]
    return [*code.co_names, *inner]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # what the function will refer to is yet to come
        return False
