"""The data plane: trees and their bytes. It knows nothing of worktrees, leases or the catalogue of snapshots."""
