"""How a derivation is found; nothing in here is trusted."""
