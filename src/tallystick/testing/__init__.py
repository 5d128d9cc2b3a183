"""Shipped for tests and examples: a tiny seeded world in which the whole journey fits into a second."""
