"""Questions asked of a candidate, each with a code for ever, and the evidence their answers make."""
