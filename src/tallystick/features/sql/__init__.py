"""The SQL of a plan, for DuckDB and Spark SQL, and the executor that runs it in DuckDB."""
