"""Invoke's side: the command line, tasks that declare steps, one build."""
