"""The state: keys and values, the context of a record, rejections."""
