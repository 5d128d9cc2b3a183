"""Frozen values that say what a project means: streams, expressions, features, models, policies, limits."""
