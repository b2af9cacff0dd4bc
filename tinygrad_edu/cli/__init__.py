"""The command line, and the formulas that are typed there."""
