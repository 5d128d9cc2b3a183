"""Reports as values: what a stage found, ready for a terminal, a page, a notebook or JSON."""
