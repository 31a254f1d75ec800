"""The home folder: its files, its keystore, and hardening of the process."""
