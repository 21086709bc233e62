// The least that node can run.
