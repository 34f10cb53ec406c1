"""A server: ``python -m tests.observability.worker`` prints its port and serves requests."""

from wsgiref.simple_server import WSGIRequestHandler, make_server

from webchat_project.wsgi import application


class _Silent(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    with make_server("127.0.0.1", 0, application, handler_class=_Silent) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
