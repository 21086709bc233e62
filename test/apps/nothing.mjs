// An ES module that does nothing. Importing any module before an app changes the app (node 20 shows a handle): a test
// that compares with this module sees only what subreaper adds.
