"""What really moved: the run-time side. The lint path never imports this package.

`transfer_lint.trace.simulate` runs a program on an accelerator that is not there; it needs torch.
`transfer_lint.trace.events` is plain data and needs nothing.
"""
