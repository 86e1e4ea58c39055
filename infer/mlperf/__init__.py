"""MLPerf's load generator on our sessions: system.py is what it tests, scenario.py how it is asked, result.py
what its logs say.
"""
