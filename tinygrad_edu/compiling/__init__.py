"""From a function to Python code: what ``compile`` and ``compile_loss`` are made of.

Start at ``_function`` in ``../compiler.py``: its few lines are the whole way from a graph to text, and this is what
they use, in the order of use. ``function_graph`` records what a function computes, so that it holds for all numbers:
what may not happen meanwhile is decided by ``../symbolic.py``, and ``../surroundings.py`` sees what the function
changes. ``program`` makes a list of instructions of the graph, each of which is computed once; ``program_gradient``
lets the engine record the gradient, and adds it; ``listing`` writes instructions as statements, with the help of
``template`` (how Python writes an operation) and ``identifiers`` (what a label is called); ``source_text`` lays them
out.

``model_code`` and ``loss_code`` do the same for batches of examples, for ``../compiled_objective.py``. ``shape`` takes
the numbers out of arguments and puts results together, and ``code_cache`` keeps what was made.
"""
