"""Training: ``fit``, the examples it learns from, and the history of how it went."""
