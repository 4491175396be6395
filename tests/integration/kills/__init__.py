"""Rounds of real kills: daemons that are processes of their own, ended by SIGKILL while they submit orders."""
