"""Records and logs: encoding, batch decoding, frontiers, fork proofs."""
