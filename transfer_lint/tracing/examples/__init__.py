"""Runs the examples of rules' pages, before and after their fixes, with every placement of their inputs.

May import what `tracing` may.
Hands out `compare.compare`, and the worker that `transfer-lint test-rule` starts.
"""
