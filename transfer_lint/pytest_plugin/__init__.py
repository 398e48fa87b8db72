"""A plugin for pytest: simulates accelerators for a test run, and reports and limits what each test moves.

May import `api`, `tracing`, `report` and what is below them. pytest imports `plugin` in every run in whose environment
this package is installed, so that module imports nothing else until it is asked for something.
Hands out `plugin`, the entry point.
"""
