"""The families of models: one file each holds everything a family is, and the registry names them."""
