"""The batch executor: compiled replay of many records at once."""
