"""The commands: one module each, with `add(parser)` and `run(arguments)`.

Their modules are light; what computes is imported when a command runs.
"""
