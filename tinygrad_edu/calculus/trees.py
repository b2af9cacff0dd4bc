"""Trees: nested lists, tuples, dicts and NumPy arrays of numbers. Their leaves in order, and the same structure around
other leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Call a function on every leaf of nested lists, tuples, dicts and NumPy arrays; the results are nested likewise.

    Args:
        f: called with a leaf of ``tree``, and with the leaves of ``others`` in the same place.
        tree: the structure; anything that is not a list, tuple, dict or array is a leaf.
        others: more structures like it.

    Raises:
        ValueError: if ``others`` are built in another way, or ``tree`` is nested too deeply.

    >>> tree_map(lambda p, slope: p - 0.1 * slope, {"w": [1.0, 2.0], "b": 3.0}, {"w": [10.0, 0.0], "b": 5.0})
    {'w': [0.0, 2.0], 'b': 2.5}
    """
    columns = [[leaf for _, leaf in leaves(tree)], *[matched(other, tree, "the tree") for other in others]]
    return rebuilt(tree, list(map(f, *columns)))


def is_leaf(tree: Any) -> bool:
    """Tell whether ``tree`` is not a list, a tuple, a dict or a NumPy array with dimensions.

    >>> is_leaf(1.0), is_leaf([])
    (True, False)
    """
    return not isinstance(tree, (list, tuple, dict)) and not _is_array(tree)


def leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """List each leaf with its path, from left to right. A NumPy array without dimensions stands for the number in it.

    Raises:
        ValueError: if ``tree`` is nested too deeply, as it is if it holds itself.

    >>> leaves({"w": [1.0, 2.0], "b": 3.0}, "theta")
    [("theta['w'][0]", 1.0), ("theta['w'][1]", 2.0), ("theta['b']", 3.0)]
    """
    try:
        return list(_leaves(tree, path))
    except RecursionError:
        raise ValueError(f"{path.partition('[')[0] or 'a structure'} is nested too deeply, or holds itself") from None


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if is_leaf(tree):
        yield path, tree.item() if getattr(getattr(tree, "dtype", None), "kind", "") == "O" else tree
    else:
        for key, item in _items(tree):
            yield from _leaves(item, f"{path}[{key!r}]")


def rebuilt(tree: Any, new: Sequence[Any]) -> Any:
    """Build the structure of ``tree`` around the leaves ``new``.

    >>> rebuilt({"w": [1.0, 2.0], "b": 3.0}, ["one", "two", "three"])
    {'w': ['one', 'two'], 'b': 'three'}
    """
    return _rebuilt(tree, iter(new))


def matched(tree: Any, like: Any, name: str) -> list[Any]:
    """List the leaves of ``tree``, which must have the structure of ``like``, in the order of that.

    Raises:
        ValueError: if it has another, saying where.

    >>> matched([1.0, 2.0], [3.0], "v")
    Traceback (most recent call last):
    ValueError: v must be built like its counterpart: a list of 1, not a list of 2
    """
    if is_leaf(tree) and is_leaf(like):
        return [tree]
    items, others = dict(_items(tree)), dict(_items(like))
    if is_leaf(tree) or is_leaf(like) or items.keys() != others.keys():
        raise ValueError(f"{name} must be built like its counterpart: {described(like)}, not {described(tree)}")
    return [leaf for key, other in others.items() for leaf in matched(items[key], other, f"{name}[{key!r}]")]


def described(tree: Any) -> str:
    """Describe ``tree`` in words.

    >>> described([1.0, 2.0]), described(3), described({"w": 1.0})
    ('a list of 2', 'a number', "a dict with 'w'")
    """
    kind = type(tree).__name__
    article = "an" if kind[0] in "aeiouAEIOU" else "a"
    if is_leaf(tree):
        is_number = (
            isinstance(tree, (int, float))
            or hasattr(tree, "_apply_")
            or getattr(getattr(tree, "dtype", None), "kind", None) in ("b", "i", "u", "f")
        )
        return "a number" if is_number else "None" if tree is None else f"{article} {kind}"
    if isinstance(tree, dict):
        return f"a dict with {', '.join(map(repr, tree)) or 'nothing'}"
    return f"an array of shape {tree.shape}" if _is_array(tree) else f"{article} {kind} of {len(tree)}"


def _items(tree: Any) -> list[tuple[Any, Any]]:
    """List the keys and items of a tree that is not a leaf."""
    return [] if is_leaf(tree) else list(tree.items() if isinstance(tree, dict) else enumerate(tree))


def _is_array(tree: Any) -> bool:
    return bool(getattr(tree, "shape", ())) and hasattr(tree, "dtype")  # from NumPy, which need not be installed


def _rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    if is_leaf(tree):
        return next(new)
    if _is_array(tree):
        return _stacked([next(new) for _ in range(tree.size)], tree.shape)
    parts = [_rebuilt(item, new) for _, item in _items(tree)]
    return dict(zip(tree, parts)) if isinstance(tree, dict) else _like(tree, parts)


def _like(tree: Any, parts: list[Any]) -> Any:
    """Make a list, tuple or named tuple as ``tree`` is one."""
    if hasattr(tree, "_fields"):
        return type(tree)(*parts)
    return tuple(parts) if isinstance(tree, tuple) else parts


def _stacked(parts: list[Any], shape: tuple[int, ...]) -> Any:
    """Make an array of numbers or arrays; of structures the structure of arrays."""
    import numpy

    first = parts[0] if parts else 0.0
    if isinstance(first, dict):
        return {key: _stacked([part[key] for part in parts], shape) for key in first}
    if isinstance(first, (list, tuple)):
        return _like(first, [_stacked(list(column), shape) for column in zip(*parts)])
    has_numbers = all(
        isinstance(part, float) or getattr(getattr(part, "dtype", None), "kind", "") == "f" for part in parts
    )
    array = numpy.array(parts, dtype=float if has_numbers else object)
    return array.reshape(shape + array.shape[1:])
