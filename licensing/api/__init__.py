"""The Admin API's people, licenses, removals and reports. A further part is a module with its
views and a line in urls.py."""
