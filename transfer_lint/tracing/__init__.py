"""Tracing: runs programs, on a real or a simulated device, and records what moves and where the host waits.

May import torch, `report` and what is below it; only code that runs a program imports it.
Hands out `session.trace`, which is `transfer_lint.trace`, and the worker modules that the commands start.
"""
