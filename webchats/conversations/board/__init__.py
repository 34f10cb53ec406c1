"""The board: the contacts of a pipeline in a column for each of its stages."""
