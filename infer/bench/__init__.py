"""How fast a compiled model is: rounds on all devices (measure, timed), whether the machine was quiet (noise,
rounds), what they amount to (throughput), and where the time goes (profile, tune).
"""
