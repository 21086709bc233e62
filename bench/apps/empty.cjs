// An empty script: the least that node can do.
