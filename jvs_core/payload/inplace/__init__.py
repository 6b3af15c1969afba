"""Making one tree equal to another by changing only what differs."""
