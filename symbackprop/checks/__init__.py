"""Judging what was derived: replayed by the kernel, later against witnesses too."""
