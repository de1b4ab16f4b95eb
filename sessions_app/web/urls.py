"""The page's routes."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from sessions_app.web import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("apps/<str:app_id>", views.app_page, name="app_page"),
    path("s/<str:session_id>", views.session_page, name="session_page"),
    path(
        "sign-in",
        LoginView.as_view(template_name="web/sign_in.html", redirect_authenticated_user=True),
        name="sign_in",
    ),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
]
