"""Runs torch's functions, methods and layers to find out what they do with devices, dtypes and memory."""
