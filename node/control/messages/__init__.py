"""The local API: every question that a command may ask its running node, and every answer.

Questions of one connection are answered one after the other. Command and node are of the same
version, that of the home's software, so the API has no version of its own. How these values
become bytes is in message_codec.py. Import each value from its own module: a command that loads
all of them starts 10 ms later.

Keys and ids are raw bytes, times are milliseconds since 1970. Every question may be answered by
Malformed (a field is missing, unknown or of another type), UsageError (the node is too busy for
another one) or a StorageError (the disk refused); the client itself raises NotReachable.
"""
