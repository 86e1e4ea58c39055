"""index.html: one file that needs no network, in two languages, with charts, sorted tables and pictures."""
