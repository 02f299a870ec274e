"""Witnesses: a backprop engine, differences, the complex step; nothing derived here."""
