"""A page on which a small network learns before one's eyes."""
