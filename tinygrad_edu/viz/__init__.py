"""For the eyes: what people look at. Each module loads what it draws with when it is first used."""

from tinygrad_edu.viz.playground.playground import playground as playground
