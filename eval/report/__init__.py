"""Records become summary.json, report.md, result.json and the table at the end of a build."""
