// What the app forks: a node that ends with the exit code it is given.
process.exit(Number(process.argv[2]));
