"""The operational record: events, decisions, outcomes and faults in one sequence, chained by hash."""
