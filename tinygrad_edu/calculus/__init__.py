"""Derivatives of Python functions: gradients, Jacobians, Hessians and products with them, and checks by differences."""
