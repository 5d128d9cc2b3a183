"""The engines by the names under which a user asks for them."""

ENGINES = ("batch", "duckdb")
SPARK = "spark"
"""Not among them: it reads and writes by itself what no one machine may hold."""
LOCAL = "local[2]"
"""Spark's master where none is named: two cores of this machine."""
