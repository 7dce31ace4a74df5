"""The Admin API's applications, their tokens, and the activity log."""
