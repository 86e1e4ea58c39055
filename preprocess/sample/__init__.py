"""The generated set: which images there are, and how they are drawn."""
