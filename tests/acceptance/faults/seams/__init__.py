"""A folder that Python loads by itself where it stands on PYTHONPATH: the means by which tests reach into a process."""
