"""Which images a data set has and what their labels are. Plan time: the standard library only."""
