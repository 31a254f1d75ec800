"""What a member does every day: what waits for them, writing down what they gave, attesting."""
