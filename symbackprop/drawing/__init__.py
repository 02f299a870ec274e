"""Pictures: a diagram of a graph, one layout of it, its painters; and plots."""
