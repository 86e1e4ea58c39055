"""The package whose presence tells the right ais_bench from the other project of that name."""
