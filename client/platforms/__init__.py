"""What other platforms export as JSON: Open Collective, Loomio, GitHub. They print nothing."""
