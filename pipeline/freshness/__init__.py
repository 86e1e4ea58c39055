"""Is a step up to date? Its stamp, the files and the code it was made from, and what differs, in words."""
