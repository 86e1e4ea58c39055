"""The generated set: which pictures there are, and how they are drawn."""
