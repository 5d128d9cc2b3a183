"""Where history may lie, one file per format and store: each gives a source's rows in pieces, as Arrow tables."""
