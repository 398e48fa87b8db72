"""Results: what one interpretation found, as frozen data.

May import `values`, `program` and `knowledge`.
Hands out `Site`, `HostRead`, `Construction`, `DeviceComparison`, `ExplicitWait`, `Mutation`, and the `Examination` of a
file that holds them.
"""
