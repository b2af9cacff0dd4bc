"""Networks: neurons, layers of them, multi-layer perceptrons; their losses; files that hold a model."""

from tinygrad_edu.nn.layers import MLP, Layer, Neuron
from tinygrad_edu.nn.module import Module, Parameter, load
from tinygrad_edu.nn.pytorch import from_torch, to_torch

__all__ = ["MLP", "Layer", "Module", "Neuron", "Parameter", "from_torch", "load", "to_torch"]
