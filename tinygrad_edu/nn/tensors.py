"""Weight matrices and biases under PyTorch's names: those of the ``torch.nn.Sequential`` that does what a model does.

Its state dict has ``0.weight`` and ``0.bias`` for the first layer. For the second it has ``2.weight``, because an
activation, which has no parameters, stands between them; without one it is ``1.weight``.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.engine.operation import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

FORMATS = {"F64": "d", "F32": "f"}  # kinds of numbers in a file, as ``struct`` calls them
KEY = "tinygrad_edu"  # what a file's header has our document under


class Tensor(NamedTuple):
    """Numbers in an array of this shape, row by row."""

    shape: list[int]
    numbers: Sequence[float]


def to_tensors(config: Mapping[str, Any], state: Mapping[str, float]) -> dict[str, Tensor]:
    """Arrange the parameters of an MLP, a Layer or a Neuron as matrices and biases.

    Raises:
        ValueError: if this is the state of anything else.

    >>> config = {"n_inputs": 2, "n_outputs": 1, "activation": None}
    >>> to_tensors(config, {"neurons.0.w[0]": 0.5, "neurons.0.w[1]": -1.0, "neurons.0.b": 3.0})
    {'0.weight': Tensor(shape=[1, 2], numbers=[0.5, -1.0]), '0.bias': Tensor(shape=[1], numbers=[3.0])}
    """
    n_inputs = config.get("n_inputs", 0)
    sizes = config.get("sizes", [config.get("n_outputs", 1)])
    found, numbers = {}, iter(state.values())
    if len(state) == sum(n_out * (n_in + 1) for n_in, n_out in zip([n_inputs, *sizes], sizes)):
        for name, n_in, n_out in zip(_names(config, len(sizes)), [n_inputs, *sizes], sizes):
            rows = [[next(numbers) for _ in range(n_in + 1)] for _ in range(n_out)]
            found[f"{name}.weight"] = Tensor([n_out, n_in], [x for row in rows for x in row[:-1]])
            found[f"{name}.bias"] = Tensor([n_out], [row[-1] for row in rows])
    if not found or [*to_state(config, found)] != [*state]:
        raise ValueError("only an MLP, a Layer and a Neuron, with all their parameters, have weights in matrices")
    return found


def to_state(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """Take the parameters of an MLP, a Layer or a Neuron out of matrices, under the names of its ``state_dict``.

    Raises:
        ValueError: if the matrices have other names or shapes that do not fit.

    >>> to_state({"n_inputs": 1}, {"0.weight": Tensor([1, 1], [0.5]), "0.bias": Tensor([1], [3.0])})
    {'w[0]': 0.5, 'b': 3.0}
    """
    count = (len(tensors) + 1) // 2
    names = [*_names(config, count)]
    expected = {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
    if expected != {*tensors}:
        raise ValueError(f"it holds {', '.join(sorted(tensors)[:6]) or 'nothing'}, and not the weight and bias of "
                         f"{', '.join(names[:6]) or 'a layer'}")  # fmt: skip
    state = {}
    for i, name in enumerate(names):
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        if len(weight.shape) != 2 or bias.shape != weight.shape[:1]:
            raise ValueError(f"{name}.weight and {name}.bias have the shapes {weight.shape} and {bias.shape}, not "
                             "[outputs, inputs] and [outputs]")  # fmt: skip
        n_out, n_in = weight.shape
        for j in range(n_out):
            place = (
                f"layers.{i}.neurons.{j}." if "sizes" in config else f"neurons.{j}." if "n_outputs" in config else ""
            )
            state.update({f"{place}w[{k}]": weight.numbers[j * n_in + k] for k in range(n_in)})
            state[f"{place}b"] = bias.numbers[j]
    return state


def _names(config: Mapping[str, Any], count: int) -> Iterator[str]:
    """The number of each Linear in the Sequential."""
    return (str(i if config.get("activation") is None else 2 * i) for i in range(count))


# ---- files: eight bytes with the length of a header, the header as JSON, the numbers of all tensors ------------------


def to_bytes(tensors: Mapping[str, Tensor], document: str) -> bytes:
    """Make a safetensors file of 64-bit floats; the text goes into its header.

    >>> from_bytes(to_bytes({"0.bias": Tensor([2], [0.5, 1.5])}, "a note"))
    ({'0.bias': Tensor(shape=[2], numbers=(0.5, 1.5))}, 'a note')
    """
    import json

    header: dict[str, Any] = {"__metadata__": {"format": "pt", KEY: document}}
    content = b""
    for name, tensor in tensors.items():
        start = len(content)
        content += struct.pack(f"<{len(tensor.numbers)}d", *tensor.numbers)
        header[name] = {"dtype": "F64", "shape": tensor.shape, "data_offsets": [start, len(content)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers begin where the processor likes it
    return struct.pack("<Q", len(text)) + text + content


def from_bytes(content: bytes) -> tuple[dict[str, Tensor], str | None]:
    """Read a safetensors file: its tensors, and the text that ``to_bytes`` was given, if there is one.

    Raises:
        Exception: if it is damaged, or holds other numbers than 64-bit or 32-bit floats.
    """
    import json

    (length,) = struct.unpack("<Q", content[:8])
    header, numbers = json.loads(content[8 : 8 + length]), content[8 + length :]
    document = header.pop("__metadata__", {}).get(KEY)
    tensors, used = {}, 0
    for name, entry in header.items():
        if entry["dtype"] not in FORMATS:
            raise ValueError(f"{name} holds numbers of the kind {entry['dtype']}, not {' or '.join(FORMATS)}")
        start, end = entry["data_offsets"]
        count, kind = math.prod(map(_size, entry["shape"])), FORMATS[entry["dtype"]]
        if not 0 <= start <= end <= len(numbers) or count * struct.calcsize(kind) != end - start:
            raise ValueError(f"{name} has the shape {entry['shape']}, and {end - start} bytes")
        tensors[name] = Tensor(entry["shape"], struct.unpack(f"<{count}{kind}", numbers[start:end]))
        used += end - start
    if used != len(numbers):
        raise ValueError(f"it holds {len(numbers)} bytes of numbers, and its tensors {used}")
    return tensors, document


def _size(n: Any) -> int:
    return whole_number("a size in a shape", n, at_least=0)
