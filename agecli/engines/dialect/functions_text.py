"""Text functions, as Trino means them: characters are code points, case mapping is Java's per character."""
