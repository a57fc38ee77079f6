"""The stages: functions from workspace to workspace, and the graph that says which of them must run."""
