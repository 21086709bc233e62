// The app forks this: a node that ends with a given exit code.
process.exit(Number(process.argv[2]));
