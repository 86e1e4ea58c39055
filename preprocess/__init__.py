"""From a data set in any of its layouts to a labelled index and shards of pixels."""
