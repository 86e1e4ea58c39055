"""The other project that is imported as ais_bench (an evaluator of language models): it has no .infer."""
