// The page that shows the API's description; calls tried there carry the CSRF token of who is signed in.

const docs = document.getElementById("docs");

function withCsrfToken(request) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  if (token) request.headers["X-CSRFToken"] = token[1];
  return request;
}

window.SwaggerUIBundle({
  domNode: docs,
  url: docs.dataset.schema,
  deepLinking: true,
  validatorUrl: null, // which would ask a server elsewhere
  requestInterceptor: withCsrfToken,
});
