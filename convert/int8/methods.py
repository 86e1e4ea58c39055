"""The ways to find a tensor's range. Plan time: imports nothing heavy."""

# the first of equally good ones is taken
METHODS = ("percentile", "entropy", "minmax")
