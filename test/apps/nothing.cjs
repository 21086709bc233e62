// A CommonJS module that does nothing.
