"""The state: keys and values, the context in which a record is judged, and rejections."""
