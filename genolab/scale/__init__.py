"""Work that takes longer than a click: background jobs with progress and cancel."""

from genolab.scale.jobs import Job, Latest, Progress, State

__all__ = ["Job", "Latest", "Progress", "State"]
