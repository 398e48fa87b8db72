"""What really moved: the run-time side. The lint path never imports this package.

`transfer_lint.trace()`, which is `session.trace`, records the transfers and host waits of what runs inside; it needs
torch:

    with transfer_lint.trace() as t:
        model(x)
    print(t.report())

`simulate` runs a program on an accelerator that is not there.
"""
