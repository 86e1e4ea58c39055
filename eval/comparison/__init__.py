"""Two builds beside each other: which of their rows are of one thing, what changed, and with what
certainty.
"""
