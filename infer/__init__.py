"""Shards through a compiled model on a device that a slot owns: logits, and how fast they come."""
