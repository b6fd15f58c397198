"""What the sandbox sees of the engine: it runs beside student code, and is not trusted."""
