"""The API's addresses of this layer."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
