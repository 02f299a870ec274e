"""The network written out: one named quantity a line, parents first."""
