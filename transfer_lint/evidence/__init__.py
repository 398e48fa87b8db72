"""What runs have shown: plain data, without torch, that the run time writes and the reports read."""
