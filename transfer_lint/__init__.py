"""Find, prove and rewrite needless device transfers in PyTorch source, without running it."""

__version__ = "0.1.0"
