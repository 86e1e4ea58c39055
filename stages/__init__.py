"""What is made from what: a file for each package that it wraps. A stage declares steps and does no work."""
