"""The oracle: features by brute force, from the text of the contract; it shares nothing with other executors."""
