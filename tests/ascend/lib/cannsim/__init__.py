"""The Ascend toolchain as the project's contract (section 9) describes it, for machines without one.

It simulates what hurts: byte counts instead of types, raw pointers, half precision, a model of another chip,
device memory.
What it cannot show: real fp16 numerics and fusions (here weights and inputs are rounded, activations are
not), true memory limits, compile times, the texts of versions that nobody sampled. Match codes, never texts.
"""
