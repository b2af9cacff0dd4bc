"""The page in the browser on which one steps through a computation and its backward pass."""
