"""Reading what the log holds: records as a plan sees them, decisions, what served when, and how far it is proven."""
