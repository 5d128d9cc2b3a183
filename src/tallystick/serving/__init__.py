"""Decisions: a service without HTTP, its group commit, and HTTP as a thin room around it."""
