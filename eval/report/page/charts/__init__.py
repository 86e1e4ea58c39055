"""What is drawn: charts by Bokeh, and the plan."""
