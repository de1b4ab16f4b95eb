"""Root URLs."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("sessions_app.urls")),
    path("", include("sessions_app.web.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "sessions_app.exceptions.server_error"
