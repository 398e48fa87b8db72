"""The linted program: its modules, classes and imports, ComfyUI's sockets, and how often code runs. No abstract values.

May import `knowledge`, `files.sources` and the base modules `settings`, `findings` and `problems`.
Hands out a `Project`, read on demand, and the `Module`s, `ClassInfo`s and `FunctionInfo`s in it.
"""
