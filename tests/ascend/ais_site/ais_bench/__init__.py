"""ais_bench, simulated on top of the simulated aclruntime."""
