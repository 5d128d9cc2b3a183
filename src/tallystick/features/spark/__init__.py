"""The features of more records than one machine holds: the batch executor inside Apache Spark, bit for bit the same."""
