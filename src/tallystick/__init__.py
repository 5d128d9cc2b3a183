"""Tallystick: decisions that can be replayed, bit for bit."""
