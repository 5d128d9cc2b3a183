"""Where the online executor keeps running totals: an ordered key-value store, and the layout of its keys."""
