"""The online executor: the same totals, one record at a time, over an ordered key-value store."""
