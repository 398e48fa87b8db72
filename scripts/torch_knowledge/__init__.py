"""Finds out by running them what torch's functions, methods and layers do with devices, dtypes and memory."""
