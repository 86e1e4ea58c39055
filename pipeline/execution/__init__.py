"""Make it so: what may start, in which process, and how its outputs come to count."""
