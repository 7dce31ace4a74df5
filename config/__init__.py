"""Joins the apps; the only place that knows all of them."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
