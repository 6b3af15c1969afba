"""How much space a repository takes, what for, and what removing a snapshot gives back."""
