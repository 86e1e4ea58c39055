"""Stands for the other project's code."""
