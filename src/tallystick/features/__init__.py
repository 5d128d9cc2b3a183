"""From definitions and records to features: one plan, several executors, equal to the last bit."""
