"""Real nodes on networks that delay, lose and part, in namespaces that the tests make."""
