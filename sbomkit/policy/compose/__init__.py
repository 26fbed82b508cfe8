"""Compose files: from one or several of them to every image that they name.

https://github.com/compose-spec/compose-spec
"""

from sbomkit.policy.compose.load import Options, Project, load_compose, load_project

__all__ = ["Options", "Project", "load_compose", "load_project"]
