"""Activations and losses, one row each."""
