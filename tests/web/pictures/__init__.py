"""Pictures of the page, as SVG and as tables."""
