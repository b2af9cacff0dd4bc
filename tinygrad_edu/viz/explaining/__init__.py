"""Explanations: where each number and each gradient of a recorded computation comes from."""
