// The least that node can import.
