"""Worlds with known truth: a network of card payments whose every fraud is known, for demos and tests."""
