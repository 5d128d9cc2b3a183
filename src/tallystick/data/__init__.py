"""From files and raw requests to screened, numbered, fingerprinted records."""
