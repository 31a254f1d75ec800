"""One secure channel over TCP: Noise, and the streams that it carries."""
