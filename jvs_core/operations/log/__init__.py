"""What the audit log says, held against what is there."""
