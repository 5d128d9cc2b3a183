"""The command ``tally``: one function per verb, no logic."""
