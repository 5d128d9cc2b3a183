"""What became of the decisions: outcomes joined when they are mature, risk over time, drift, one alarm with a bound."""
