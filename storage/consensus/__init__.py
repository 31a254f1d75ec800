"""The application side of consensus (ABCI++): what the ledger answers to the seal protocol."""
