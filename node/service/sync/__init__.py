"""Replication of records: anti-entropy, live push, blobs and announcements."""
