"""The features of more records than memory holds: the batch executor on parts of the entities, by way of a disk."""
