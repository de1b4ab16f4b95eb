"""Signing in: Django's view and form on our page."""

from __future__ import annotations

from django.contrib.auth.views import LoginView


class SignIn(LoginView):
    """Shows and checks the form; who is signed in already goes on to where they were heading."""

    template_name = "web/sign_in.html"
    redirect_authenticated_user = True

    def get_success_url(self) -> str:
        """`next` if it is a path of ours, else the start page; this page itself leads nowhere."""
        url: str = super().get_success_url()
        return self.get_default_redirect_url() if url == self.request.path else url
