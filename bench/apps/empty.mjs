// An empty module: what node does to import any.
