"""The page's routes."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from sessions_app.web import views
from sessions_app.web.sign_in import SignIn

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("apps/<str:app_id>", views.app_page, name="app_page"),
    path("s/<str:session_id>", views.session_page, name="session_page"),
    path("sign-in", SignIn.as_view(), name="sign_in"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
]
