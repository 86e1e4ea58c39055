"""Results of another tool: a folder that ais_infer or ais_bench wrote, scored whole or not at all."""
