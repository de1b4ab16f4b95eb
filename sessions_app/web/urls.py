"""The page's routes."""

from django.urls import path

from sessions_app.web import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("apps/<str:app_id>", views.app_page, name="app_page"),
    path("s/<str:session_id>", views.session_page, name="session_page"),
]
