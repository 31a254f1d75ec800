"""The agreement of the witnesses on one height: Tendermint, as events and actions."""
