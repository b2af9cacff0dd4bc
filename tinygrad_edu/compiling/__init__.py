"""From a function to Python code, and to machine code: ``compile`` and ``compile_loss``.

``symbols`` are the Values that a function is run on, so that what it computes holds for all numbers;
``recorded_function`` runs it twice and refuses what differs. ``program`` computes each thing once, as simple as can be,
and adds the gradient that the engine records. ``listing`` writes a program as statements, with the help of ``template``
(how Python writes an operation) and ``identifiers`` (what a label is called), and ``source_text`` lays them out.
``c_text`` writes the same statements in C, ``c_functions`` puts functions around them, and ``machine`` makes these run.

``compiler`` does all that for one function; ``compiled_loss`` for a model and its loss over batches of examples, with
``batch_text``, ``model_code``, ``loss_codes``, ``machine_loss`` and ``machines``; ``update`` for the rule of an
optimizer. ``shape`` takes numbers out of arguments and puts results together, and ``code_cache`` keeps what was made.
"""
