"""bench and compare: cells and their rounds, what is done instead of timing, two builds beside each other."""
