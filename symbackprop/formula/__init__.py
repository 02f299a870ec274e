"""Forms in the author's order: the tree, its text, and the door to SymPy."""
