"""The steps that make int8: pictures, ranges, the quantised graph."""
