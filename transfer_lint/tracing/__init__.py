"""Tracing: programs are run, on a device or on a simulated one, and what moves and waits is recorded.

May import torch, `report` and what is below it; nothing imports it but who runs a program.
Hands out `session.trace`, which is `transfer_lint.trace`, and the workers that the commands start.
"""
