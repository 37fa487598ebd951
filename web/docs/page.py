"""`/openapi.json` and `/docs`: the API's description, and a page to read and try it, offline.

The page is Swagger UI, from the assets that the package flask-swagger-ui ships; nothing is loaded
from elsewhere, and a content security policy holds the browser to that.
"""

from importlib import import_module
from importlib.resources import files

import msgspec
import trio
from quart import Blueprint, Response, url_for
from werkzeug.exceptions import NotFound

from web.api.routes import Table

PAGE = "/docs"
"""Where the page for people is."""

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>agent-runtime</title>
<link rel="stylesheet" href="{assets}swagger-ui.css">
<link rel="icon" href="{assets}favicon-32x32.png">
</head>
<body>
<div id="swagger-ui" data-document="{document}"></div>
<script src="{assets}swagger-ui-bundle.js"></script>
<script src="{start}"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: document.getElementById("swagger-ui").dataset.document,
  deepLinking: true,
});
"""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def documentation(name: str, table: Table) -> Blueprint:
    """`/openapi.json`, `/docs`, and what the page is made of."""
    api = Blueprint(name, __name__)
    documents: list[bytes] = []

    @api.get("/openapi.json")
    async def openapi() -> Response:
        if not documents:  # made when somebody asks, and not in the loop: it takes a while
            documents.append(await trio.to_thread.run_sync(_document, table))
        return Response(documents[0], content_type="application/json")

    @api.get(PAGE)
    async def page() -> Response:
        html = _PAGE.format(
            assets=url_for(".asset", name=""),
            start=url_for(".start"),
            document=url_for(".openapi"),
        )
        return Response(
            html, content_type="text/html", headers={"Content-Security-Policy": _POLICY}
        )

    @api.get("/docs/start.js")
    async def start() -> Response:
        return Response(_START, content_type="text/javascript")

    @api.get("/docs/assets/<name>")
    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise NotFound
        file = files("flask_swagger_ui") / "dist" / name
        return Response(
            await trio.to_thread.run_sync(file.read_bytes),
            content_type=_ASSETS[name],
            headers={"Cache-Control": "max-age=3600"},
        )

    return api


def _document(table: Table) -> bytes:
    """The OpenAPI document of the table, which never changes."""
    return msgspec.json.encode(import_module("web.docs.openapi").document(table))
