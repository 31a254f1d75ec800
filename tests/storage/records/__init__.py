"""Tests of stored records, blobs and seals."""
