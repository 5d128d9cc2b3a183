"""Decisions made again from raw requests, positions and digests only, and held against what was stored."""
