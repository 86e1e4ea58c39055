"""Static post-training quantisation to int8: one QDQ graph of uint8 activations and int8 weights, for all
engines.
"""
