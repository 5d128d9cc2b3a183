"""A released model: packed as plain data, signed, proven, and opened only when everything about it holds."""
