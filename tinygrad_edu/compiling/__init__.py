"""From a function to Python code: what ``compile`` and ``compile_loss`` are made of.

To read in this order: ``function_graph`` records what a function computes; ``program`` makes a list of instructions of
it, each of which is computed once; ``program_gradient`` lets the engine record the gradient, and adds it; ``listing``
writes instructions as statements, with the help of ``template`` (how Python writes an operation) and ``identifiers``
(what a label is called); ``source_text`` lays them out. ``model_code`` and ``loss_code`` do all this for batches of
examples, and ``code_cache`` keeps what was made.
"""
