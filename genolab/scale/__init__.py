"""Work that takes longer than a click: background jobs with progress and cancel, and tiles on a cluster."""

from genolab.scale.cluster import Cluster, Tile, connected
from genolab.scale.jobs import Job, Latest, Progress, State

__all__ = ["Cluster", "Job", "Latest", "Progress", "State", "Tile", "connected"]
