"""The engine: values that remember how they were computed, and the backward pass through what they remember.

To be read in this order: ``operation`` (what a row of the table is), ``ops`` (the table), ``recording`` (whether
arithmetic is recorded), ``value`` (a number that remembers), ``backward`` (how derivatives flow), ``functions`` (of
lists).
"""

from tinygrad_edu.engine.value import Value as Value
