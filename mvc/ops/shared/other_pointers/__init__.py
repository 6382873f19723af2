"""Models that DVC or git-lfs keeps: as trees and history, the workspace, and a commit have them."""
