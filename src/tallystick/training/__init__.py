"""From a feature table to candidates: splits, families, search, calibration, export, and the whole record of it."""
