"""The process that serves the page: its address, its sockets, its beginning and end."""
