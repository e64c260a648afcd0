"""Where runs are done: in processes of this machine, or on a Ray cluster."""

from .cluster import RayCluster
from .launcher import Finished, Launcher, Started, Told
from .local import LocalProcesses

__all__ = ["Finished", "Launcher", "LocalProcesses", "RayCluster", "Started", "Told"]
