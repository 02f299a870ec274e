"""The numeric room: a derivation as straight-line code, in balls, in NumPy."""
