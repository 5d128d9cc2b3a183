"""What people did: trained, released, approved, deployed; signed by who did it, chained so that changes show."""
