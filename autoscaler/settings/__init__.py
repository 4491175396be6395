"""What the operator writes: autoscaler.yaml (pydantic-settings) and the policy directory.

Files and environment come in; frozen models come out, or ConfigurationRefused with every problem at once, each with
its file, line and YAML path. This room knows the rooms below it and must not start anything.
"""
