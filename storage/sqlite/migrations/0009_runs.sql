-- Packed runs (protocol/records/packed_run.py) of data records; `key` is that of their first one.
-- `record` keeps governance records, first records, and short runs until there is time to pack
-- them. Where both have a record, the one in `record` is right: it replaces what the disk damaged.

CREATE TABLE run (
    key     INTEGER PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;
