"""The exchange in the simulated community: what two halves decide apart has one outcome."""
