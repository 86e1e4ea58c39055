"""Logits and labels become accuracy and agreement; records become summary, report and the table at the
end.
"""
