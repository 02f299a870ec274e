"""The trusted room: steps exist only if a rule in here accepted them."""
