"""Recorded graphs as formulas and as drawings."""
