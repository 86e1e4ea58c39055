"""What stages declare their steps from: the request, its data set, and the chip that it is for."""
