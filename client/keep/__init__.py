"""What a member takes out of a home or checks in it: proofs, exports, answers, backups."""
