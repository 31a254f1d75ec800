"""The demo: what Commonweal is for, shown with real nodes."""
