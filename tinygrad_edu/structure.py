"""Nested lists, tuples and dicts of numbers: their leaves in order, and the same structure around other leaves."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


def is_leaf(tree: Any) -> bool:
    """Whether ``tree`` is not a list, tuple, dict or NumPy array.

    >>> is_leaf(1.0), is_leaf([])
    (True, False)
    """
    return not isinstance(tree, (list, tuple, dict)) and not _is_array(tree)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf with its path, from left to right; all but lists, tuples, dicts and NumPy arrays is a leaf.

    >>> list(leaves({"w": [1.0, 2.0], "b": 3.0}, "theta"))
    [("theta['w'][0]", 1.0), ("theta['w'][1]", 2.0), ("theta['b']", 3.0)]
    """
    if is_leaf(tree):
        yield path, tree
    else:
        for key, item in _items(tree):
            yield from leaves(item, f"{path}[{key!r}]")


def rebuilt(tree: Any, new: Sequence[Any]) -> Any:
    """The structure of ``tree`` around the leaves ``new``.

    >>> rebuilt({"w": [1.0, 2.0], "b": 3.0}, ["one", "two", "three"])
    {'w': ['one', 'two'], 'b': 'three'}
    """
    return _rebuilt(tree, iter(new))


def matched(tree: Any, like: Any, name: str) -> list[Any]:
    """The leaves of ``tree``, which must have the structure of ``like``.

    Raises:
        ValueError: if it has another, saying where.

    >>> matched([1.0, 2.0], [3.0], "v")
    Traceback (most recent call last):
    ValueError: v must be built like its counterpart: a list of 1, not a list of 2
    """
    if is_leaf(tree) and is_leaf(like):
        return [tree]
    items, others = _items(tree), _items(like)
    if is_leaf(tree) or is_leaf(like) or [key for key, _ in items] != [key for key, _ in others]:
        raise ValueError(f"{name} must be built like its counterpart: {described(like)}, not {described(tree)}")
    return [
        leaf
        for (key, item), (_, other) in zip(items, others)
        for leaf in matched(item, other, f"{name}[{key!r}]")
    ]  # fmt: skip


def described(tree: Any) -> str:
    """What ``tree`` is, in words.

    >>> described([1.0, 2.0]), described(3), described({"w": 1.0})
    ('a list of 2', 'a number', "a dict with 'w'")
    """
    kind = type(tree).__name__
    if is_leaf(tree):
        if hasattr(tree, "_apply_"):
            return f"a {kind}"
        is_number = isinstance(tree, (int, float)) or hasattr(tree, "dtype")
        return "a number" if is_number else "None" if tree is None else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    if isinstance(tree, dict):
        return f"a dict with {', '.join(map(repr, tree)) or 'nothing'}"
    return f"{'an array' if hasattr(tree, 'dtype') else 'a ' + kind} of {len(tree)}"


def _items(tree: Any) -> list[tuple[Any, Any]]:
    """The keys and items of what is not a leaf."""
    return [] if is_leaf(tree) else list(tree.items() if isinstance(tree, dict) else enumerate(tree))


def _is_array(tree: Any) -> bool:
    return bool(getattr(tree, "shape", ())) and hasattr(tree, "dtype")  # from NumPy, which need not be installed


def _rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    if is_leaf(tree):
        return next(new)
    items = _items(tree)
    parts = [_rebuilt(item, new) for _, item in items]
    if isinstance(tree, dict):
        return {key: part for (key, _), part in zip(items, parts)}
    if _is_array(tree):
        import numpy

        has_numbers = all(isinstance(leaf, float) for _, leaf in leaves(parts))
        return numpy.array(parts, dtype=float if has_numbers else object)
    if hasattr(tree, "_fields"):  # a named tuple
        return type(tree)(*parts)
    return tuple(parts) if isinstance(tree, tuple) else parts
