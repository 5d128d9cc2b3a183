"""What the ledger allows: who may release, approve, refuse and deploy a bundle."""
