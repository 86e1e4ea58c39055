"""Values, no code: what models and chips there are, and what a command line asked for."""
