"""Pieces of mathematics as text, LaTeX and MathML at once, and tables of them."""
