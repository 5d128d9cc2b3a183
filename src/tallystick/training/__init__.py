"""From a matrix to candidates: splits, families, search, calibration, export."""
